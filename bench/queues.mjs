// What keeping events costs: rates of the durable store, the Redis emitter and its worker, as shares of the memory store's
// rate from end to end, in one run. `npm run build && node bench/queues.mjs [events] [rounds]`; needs a redis-server.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const load = createRequire(import.meta.url);
const { AsyncEmitter, MemoryEventStore, Tracker, pageView } = load('../dist/index.js');
const { DiskEventStore } = load('../dist/disk/index.js');
const { RedisEmitter, RedisWorker } = load('../dist/redis/index.js');
const { Redis } = load('ioredis');
const [events = 30_000, rounds = 3] = process.argv.slice(2).map(Number);

const SINK = `const { parentPort } = require('node:worker_threads');
require('node:http').createServer((q, r) => q.resume().on('end', () => r.end())).listen(0, '127.0.0.1', function () {
  parentPort.postMessage(this.address().port);
});`;
const entity = {
  schema: 'iglu:com.acme/item/jsonschema/1-0-0',
  data: { sku: 'x1', price: 2, text: 'more text '.repeat(20) },
};

/** Tracks all the events in bursts of 100, waits until `done`, and answers events a second. */
async function rate(emitter, done) {
  const tracker = new Tracker({ emitters: emitter, namespace: 'bench', appId: 'shop' });
  const start = performance.now();
  for (let index = 0; index < events; index++) {
    const taken = tracker.track(
      pageView({ pageUrl: `https://shop.example/${index}`, pageTitle: 'Shop', context: [entity] }),
    );
    if (!taken) throw new Error('an event was refused');
    if (index % 100 === 99) await new Promise(setImmediate);
  }
  await done();
  return (events * 1000) / (performance.now() - start);
}

async function main() {
  const sink = new Worker(SINK, { eval: true });
  const endpoint = `http://127.0.0.1:${await new Promise((resolve) => sink.once('message', resolve))}`;
  const directory = mkdtempSync(join(tmpdir(), 'bench-queues-'));
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const server = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', directory], {
    stdio: 'ignore',
  });
  const redis = `redis://127.0.0.1:${port}`;
  const room = { bufferCapacity: events, bufferCapacityBytes: 2 ** 30, logger: false };
  const direct = (eventStore) => new AsyncEmitter({ endpoint, eventStore, logger: false });
  const measured = async (emitter) => {
    const figure = await rate(emitter, () => emitter.flush({ timeoutMs: 120_000 }));
    await emitter.close();
    return figure;
  };
  const figures = {
    memory: () => measured(direct(new MemoryEventStore({ capacity: events, capacityBytes: 2 ** 30 }))),
    durable: (round) => measured(direct(new DiskEventStore({ path: join(directory, `none-${round}`) }))),
    'durable, sync: group': (round) =>
      measured(direct(new DiskEventStore({ path: join(directory, `group-${round}`), sync: 'group' }))),
    'RedisEmitter, into the list': () => measured(new RedisEmitter({ ...room, redis })),
    'RedisWorker, from the list': async () => {
      const worker = new RedisWorker({ endpoint, redis, logger: false });
      const start = performance.now();
      const run = worker.run();
      while (worker.stats().sent < events) await sleep(1);
      const figure = (events * 1000) / (performance.now() - start);
      await worker.close();
      await run;
      return figure;
    },
  };
  const results = Object.fromEntries(Object.keys(figures).map((name) => [name, []]));
  const client = new Redis(redis, { maxRetriesPerRequest: null });
  client.on('error', () => {});
  await client.ping();
  for (let round = 0; round < rounds; round++)
    for (const [name, run] of Object.entries(figures)) results[name].push(await run(round));
  const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  const base = median(results.memory);
  for (const [name, values] of Object.entries(results)) {
    const figure = median(values);
    console.log(
      `${name.padEnd(28)} ${Math.round(figure).toString().padStart(8)}/s  ${(figure / base).toFixed(2)} of memory`,
    );
  }
  client.disconnect();
  server.kill();
  await sink.terminate();
  rmSync(directory, { recursive: true, force: true });
}

await main();
