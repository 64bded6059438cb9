// Events through a list by one Redis client: `node client.cjs ioredis`. Given as the user's own, and, where that can be, by a URL.
const { assert, inWorld } = require('./world.cjs');
const { RedisEmitter, RedisWorker } = require('snowplow-middleware/redis');

const name = process.argv[2];

const ioredis = ({ Redis }, { url }) => {
  const client = new Redis(url);
  return { client: client.on('error', () => {}), end: () => client.disconnect() };
};
const nodeRedis = async ({ createClient }, { url }) => {
  const client = createClient({ url }).on('error', () => {});
  await client.connect();
  return { client, end: () => client.destroy() };
};
const glide = async ({ GlideClient, Logger }, { port }) => {
  Logger.init('off');
  const addresses = [{ host: '127.0.0.1', port }];
  const client = await GlideClient.createClient({ addresses, requestTimeout: 5_000 });
  return { client, end: () => client.close() };
};
const open = { ioredis, redis: nodeRedis, '@valkey/valkey-glide': glide }[name];

async function check({ redis, collector, arrived, offer, until }, given) {
  const warnings = [];
  const logger = {
    debug() {},
    info() {},
    warn: (message) => warnings.push(message),
    error: (message) => warnings.push(message),
  };
  const made = given ? [await open(require(name), redis), await open(require(name), redis)] : [];
  const [producer, consumer] = given ? made.map(({ client }) => client) : [redis.url, redis.url];
  const emitter = new RedisEmitter({ redis: producer, maxRetryDelayMs: 100, logger });
  const ids = offer(emitter, 300);
  assert.deepEqual(await emitter.flush(), { sent: 300, failed: 0, remaining: 0 });

  // A worker, and a key that is no list.
  const spoilt = new RedisEmitter({ redis: producer, key: '{snowplow}:workers', maxRetryDelayMs: 100, logger });
  const worker = new RedisWorker({ redis: consumer, endpoint: collector.url, logger });
  void worker.run();
  await until('all arrived', () => arrived().length === 300);
  assert.deepEqual(arrived(), ids);
  offer(spoilt, 1);
  await spoilt.flush();
  assert.equal(spoilt.stats().lastError.message, 'Redis: WRONGTYPE');
  await spoilt.close({ timeoutMs: 0 });

  // Away, and back.
  await redis.stop();
  ids.push(...offer(emitter, 100));
  await emitter.flush({ timeoutMs: 500 });
  // Yours may keep a batch to itself until it is connected again.
  const { waiting, inFlight } = emitter.stats();
  assert.equal(waiting + inFlight, 100);
  await redis.start();
  await until('the rest arrived', () => arrived().length >= 400);
  assert.deepEqual(new Set(arrived()), new Set(ids));
  for (const words of ['Redis answered WRONGTYPE', 'this Redis keeps snapshots only'])
    assert.ok(
      warnings.some((message) => message.includes(words)),
      words,
    );

  await emitter.close();
  const { sent, deadLettered } = await worker.close();
  assert.ok(sent >= 400);
  assert.equal(deadLettered, 0);
  for (const { end } of made) end();
}

void inWorld(async (world) => {
  await check(world, true);
  if (open === glide) return;
  world.collector.reset();
  await check(world, false);
});
