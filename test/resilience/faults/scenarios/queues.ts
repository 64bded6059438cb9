// Redis between the app and the collector: it goes away, workers die, and nothing that was accepted is lost on the way.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisWorker } from '../../../../src/redis';
import type { RedisServer } from '../../../support/redis-server';
import type { AppSettings } from '../harness/app';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';
import { withRedis } from './redis';

const MAX_BATCH = 50;
// A worker's events are taken over when it has given no sign of life for 15 s.
const TAKEOVER_MS = 40_000;

const usedMemory = async ({ client }: RedisServer): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);

/** An app whose events go into the list; what it has to say goes to the console where it is not silent. */
const producer = (redis: string, silent = true): AppSettings => ({
  mixed: silent,
  args: { redis, ...(silent && { logger: false }) },
  setup: (inside, options: { redis: string }) => {
    const { RedisEmitter } = inside.require('snowplow-middleware/redis') as typeof import('../../../../src/redis');
    const emitter = new RedisEmitter({ ...options, onDrop: inside.onDrop, maxRetryDelayMs: 500 });
    Object.assign(inside, { tracker: new inside.snowplow.Tracker({ emitters: emitter, logger: false }), emitter });
  },
});

/** A process that delivers what is in the list. */
const worker = (redis: string, endpoint: string, settings: object = {}): AppSettings => ({
  args: { redis, endpoint, maxBatchSize: MAX_BATCH, maxRetryDelayMs: 200, logger: false, ...settings },
  setup: (inside, options: never) => {
    const { RedisWorker } = inside.require('snowplow-middleware/redis') as typeof import('../../../../src/redis');
    const running = new RedisWorker(options);
    void running.run();
    Object.assign(inside, { worker: running });
  },
});

// What Redis is told to keep, what it has after a kill, and what the emitter says of it at its start.
const KEEPING: readonly (readonly [what: string, settings: string[], keeps: 'all' | 'snapshots', warning?: string])[] =
  [
    ['with snapshots only', ['--save', '3600 1'], 'snapshots', 'keeps snapshots only'],
    ['with a log written once a second', ['--appendonly', 'yes', '--appendfsync', 'everysec'], 'all'],
    ['with a log written at once', ['--appendonly', 'yes', '--appendfsync', 'always'], 'all'],
    [
      'that may evict',
      ['--appendonly', 'yes', '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
      'all',
      'may evict events',
    ],
  ];

export const queues: Scenario[] = [
  scenario(
    22,
    'a Redis that is killed and comes back costs no event: the emitter keeps what it cannot push',
    { small: { events: 2_000, downMs: 700 }, full: { events: 9_000, downMs: 30_000 }, seconds: 60 },
    // With `always`, Redis itself keeps what it has confirmed.
    withRedis(['--appendonly', 'yes', '--appendfsync', 'always'], async (stage, { events, downMs }, redis) => {
      const collector = await stage.collector();
      const app = await stage.app(producer(redis.url));
      const stream = app.run(({ stream: some }, count) => some(count, 2_000), events);
      await sleep(200 + 200 * stage.random());
      await redis.kill();
      await sleep(downMs);
      const offered = await stream;
      await redis.restart();
      await stage.app(worker(redis.url, collector.url));
      await until('all have arrived', () => collector.count === offered.accepted, TAKEOVER_MS);
      const figures = { ...stage.verdict(), refused: offered.refused };
      must('all were accepted', offered.accepted === events, figures);
      must('nothing is dropped', figures.dropped === 0, figures);
      return figures;
    }),
  ),

  scenario(
    22,
    'a Redis that is full is drained, and then takes what the emitter has kept meanwhile',
    { small: { events: 10_000, more: 200 }, full: { events: 50_000, more: 5_000 }, seconds: 60 },
    withRedis(['--maxmemory-policy', 'noeviction'], async (stage, { events, more }, redis) => {
      const empty = await usedMemory(redis);
      const collector = await stage.collector();
      const app = await stage.app(producer(redis.url));
      for (let left = events; left > 0; left -= 1_000)
        await app.run(({ track, tracker }, count) => (track(count), tracker.flush()), Math.min(left, 1_000));
      const full = await usedMemory(redis);
      await redis.client.config('SET', 'maxmemory', String(Math.round((empty + full) / 2)));
      await app.run(({ track }, count) => track(count), more);
      await until('it is refused', async () =>
        app.run(({ tracker }) => tracker.stats().emitters[0]?.lastError?.message === 'Redis: OOM'),
      );
      await stage.app(worker(redis.url, collector.url, { maxBatchSize: 250 }));
      await until('all have arrived', () => collector.count === events + more, TAKEOVER_MS);
      const figures = stage.verdict();
      must('nothing is dropped or repeated', figures.dropped + figures.duplicates === 0, figures);
      return { ...figures };
    }),
  ),

  ...KEEPING.map(([what, settings, keeps, warning]) =>
    scenario(
      23,
      `a Redis that is killed, ${what}: what arrives is what Redis has kept, and the emitter has said what to expect`,
      { small: { events: 600 }, full: { events: 9_000 } },
      withRedis(settings, async (stage, { events }, redis) => {
        const collector = await stage.collector();
        const app = await stage.app(producer(redis.url, false));
        const push = (): Promise<unknown> =>
          app.run(({ track, tracker }, count) => (track(count), tracker.flush()), events / 2);
        await push();
        if (keeps === 'snapshots') await redis.client.save();
        await push();
        must('all are in Redis', (await redis.client.llen('snowplow')) === events, events);
        await redis.kill();
        await redis.restart();
        const kept = await redis.client.llen('snowplow');
        await stage.app(worker(redis.url, collector.url));
        await until('what was kept has arrived', () => collector.count === kept, TAKEOVER_MS);
        await until('nothing is left', async () => (await redis.client.llen('snowplow')) === 0);
        const { accepted, wrong } = stage.journal();
        const foreign = [...collector.received.keys()].filter((id) => !accepted.has(id));
        const figures = { accepted: accepted.size, kept, received: collector.count, duplicates: collector.duplicates };
        must(
          'a snapshot has the first half, a log of all commands has all',
          kept === (keeps === 'all' ? events : events / 2),
          figures,
        );
        must('nothing else arrives, and nothing twice', foreign.length + figures.duplicates + wrong.length === 0, {
          figures,
          wrong,
        });
        const said = app.output.split('\n').filter((line) => line.includes('this Redis'));
        must(
          'it warns of what will not be kept',
          warning === undefined ? said.length === 0 : said.length === 1 && String(said).includes(warning),
          said,
        );
        return figures;
      }),
    ),
  ),

  scenario(
    24,
    'workers that are killed in the middle of a batch lose nothing, and repeat at most that batch',
    { small: { kills: 4, perRound: 300 }, full: { kills: 50, perRound: 500 }, seconds: 60 },
    withRedis([], async (stage, { kills, perRound }, redis) => {
      let isAway = false;
      const collector = await stage.collector(() => (isAway ? { status: 503 } : { delayMs: 20 * stage.random() }));
      const app = await stage.app(producer(redis.url));
      const start = () => stage.app(worker(redis.url, collector.url));
      const workers = [await start(), await start()];
      for (let kill = 0; kill < kills; kill++) {
        // Every other time the victims hold what nobody has taken from them, whatever the moment of their death.
        isAway = kill % 2 === 1;
        const before = collector.requests.length;
        await app.run(({ track }, count) => track(count), perRound);
        if (isAway) await until('the collector has refused some', () => collector.requests.length > before);
        else await sleep(150 * stage.random());
        for (const victim of workers.splice(0, isAway ? workers.length : 1)) {
          victim.signal('SIGKILL');
          await victim.end();
        }
        isAway = false;
        while (workers.length < 2) workers.push(await start());
      }
      await until('all have arrived', () => collector.count === kills * perRound, TAKEOVER_MS);
      const figures = { ...stage.verdict(), kills };
      must('nothing is dropped', figures.dropped === 0, figures);
      must('at most one batch for each request of each kill', figures.duplicates <= kills * MAX_BATCH * 8, figures);
      return figures;
    }),
  ),

  scenario(
    25,
    'workers that share a list deliver each of its events once',
    { small: { events: 4_000, workers: 2 }, full: { events: 20_000, workers: 4 } },
    withRedis([], async (stage, { events, workers }, redis) => {
      const collector = await stage.collector(() => ({ delayMs: 5 * stage.random() }));
      const app = await stage.app(producer(redis.url));
      for (let count = 0; count < workers; count++) await stage.app(worker(redis.url, collector.url));
      const offered = await app.run(({ stream }, count) => stream(count, 5_000), events);
      await until('all have arrived', () => collector.count === offered.accepted, TAKEOVER_MS);
      const figures = stage.verdict();
      must('all were accepted', figures.accepted === events, figures);
      must('nothing is dropped or repeated', figures.dropped + figures.duplicates === 0, figures);
      return { ...figures };
    }),
  ),

  scenario(
    26,
    'a worker whose loop stands still for longer than the others wait for it repeats what was out, and nothing is lost',
    { small: { events: 300, blockMs: 18_000 }, full: { events: 5_000, blockMs: 60_000 }, seconds: 90 },
    withRedis([], async (stage, { events, blockMs }, redis) => {
      const collector = await stage.collector(() => ({ delayMs: 100 }));
      const app = await stage.app(producer(redis.url));
      await app.run(({ track, tracker }, count) => (track(count), tracker.flush()), events);
      const one = { threadCount: 1 };
      const sleeper = await stage.app(worker(redis.url, collector.url, one));
      await until('it is at work', () => collector.requests.length > 0);
      const asleep = sleeper.run(
        (_inside, ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
        blockMs,
        2 * blockMs,
      );
      await stage.app(worker(redis.url, collector.url, one));
      await asleep;
      await until('it has nothing left', () =>
        sleeper.run((inside) => {
          const { waiting, inFlight } = (inside as unknown as { worker: RedisWorker }).worker.stats();
          return waiting + inFlight === 0;
        }),
      );
      await until('all have arrived', () => collector.count === events, TAKEOVER_MS);
      await until(
        'nothing is left',
        async () => (await redis.client.keys('*processing*')).length + (await redis.client.llen('snowplow')) === 0,
      );
      const figures = { ...stage.verdict(), blockMs };
      must('at most the batch that was out is repeated', figures.duplicates <= MAX_BATCH, figures);
      must('nothing is dropped', figures.dropped === 0, figures);
      return figures;
    }),
  ),

  scenario(
    27,
    'a poisoned entry is laid aside, and its neighbours get there once',
    { small: { events: 300 }, full: { events: 10_000 } },
    withRedis([], async (stage, { events }, redis) => {
      const collector = await stage.collector();
      const app = await stage.app(producer(redis.url));
      const poison = [
        '',
        '{',
        'null',
        '[1]',
        '{"e":1}',
        '"text"',
        '{"endpoint":"http://127.0.0.1:9/"}',
        '\u0000',
        `{"e":"pv","url":"${'x'.repeat(200_000)}"}`,
      ];
      await app.run(({ track, tracker }, count) => (track(count), tracker.flush()), events / 2);
      await redis.client.rpush('snowplow', ...poison);
      await app.run(({ track, tracker }, count) => (track(count), tracker.flush()), events / 2);
      await stage.app(worker(redis.url, collector.url));
      await until('all have arrived', () => collector.count >= events, TAKEOVER_MS);
      await until('nothing is left', async () => (await redis.client.llen('snowplow')) === 0);
      const figures = { ...stage.verdict(), deadLettered: await redis.client.llen('{snowplow}:dead') };
      must('nothing else arrives, and nothing twice', figures.received === events && figures.duplicates === 0, figures);
      return figures;
    }),
  ),
];
