// The emitter into a real Redis: what lies in the list, by whichever client, and what happens while Redis is away.
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { RedisEmitter, type RedisEmitterOptions } from 'snowplow-middleware/redis';
import { Tracker } from 'snowplow-middleware';
import { expectBalanced, sampleEvent } from '../../support/feed';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { until } from '../../support/until';

const suite = hasRedis ? describe : describe.skip;

suite('RedisEmitter', () => {
  let server: RedisServer;
  let key: string;
  const open: RedisEmitter[] = [];
  const emitter = (options: RedisEmitterOptions = {}): RedisEmitter => {
    const made = new RedisEmitter({ redis: server.url, key, logger: false, ...options });
    open.push(made);
    return made;
  };
  const entries = (list = key): Promise<string[]> => server.client.lrange(list, 0, -1);

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    key = `list-${Math.random()}`;
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close({ timeoutMs: 200 })));
  });

  test('each event is one flat JSON text of strings, at the end of the list, in order', async () => {
    const tracker = new Tracker({ emitters: emitter(), namespace: 'web', appId: 'shop' });
    tracker
      .trackPageView({ pageUrl: 'https://a.example/ü' })
      .trackStructEvent({ category: 'c', action: 'a', value: 2 });
    await tracker.flush();
    const events = (await entries()).map((entry) => JSON.parse(entry) as Record<string, unknown>);
    expect(events.map(({ e, aid, tna }) => [e, aid, tna])).toEqual([
      ['pv', 'shop', 'web'],
      ['se', 'shop', 'web'],
    ]);
    expect(events[1]).toMatchObject({ se_ca: 'c', se_va: '2' });
    for (const value of events.flatMap(Object.values)) expect(value).toBeTypeOf('string');
    // The time of sending belongs to whoever sends.
    expect(events[0]).not.toHaveProperty('stm');
  });

  test('anonymous events lie in a list of their own, out of reach of workers that know no difference', async () => {
    const made = emitter();
    made.input(sampleEvent(), { eventId: crypto.randomUUID(), anonymous: true });
    made.input(sampleEvent());
    await made.flush();
    expect(await entries()).toHaveLength(1);
    expect(await entries(`${key}:anonymous`)).toHaveLength(1);
  });

  test('one batch is one command', async () => {
    const commands = async (): Promise<number> =>
      Number(/cmdstat_rpush:calls=(\d+)/.exec(await server.client.info('commandstats'))?.[1] ?? 0);
    const before = await commands();
    const made = emitter({ batchSize: 100 });
    for (let index = 0; index < 100; index++) made.input(sampleEvent());
    await made.flush();
    expect(await entries()).toHaveLength(100);
    expect((await commands()) - before).toBe(1);
  });

  test('a client of ioredis, of node-redis and of valkey-glide shape does, and stays open', async () => {
    const ioredis = new Redis(server.url);
    const nodeRedis = createClient({ url: server.url });
    await nodeRedis.connect();
    const glide = { customCommand: (args: string[]) => ioredis.call(...(args as [string])) };
    for (const redis of [ioredis, nodeRedis, glide]) {
      const made = emitter({ redis });
      made.input(sampleEvent());
      await made.close();
    }
    expect(await entries()).toHaveLength(3);
    expect(await ioredis.ping()).toBe('PONG');
    expect(await nodeRedis.ping()).toBe('PONG');
    ioredis.disconnect();
    nodeRedis.destroy();
  });

  test('a wrong set-up is refused by name, and never repeats the URL', () => {
    expect(() => emitter({ redis: 'http://user:hunter2@host' })).toThrow(
      /^RedisEmitter: redis must be a client of ioredis/,
    );
    expect(() => emitter({ redis: 'http://user:hunter2@host' })).not.toThrow(/hunter2/);
    expect(() => emitter({ redis: {} as never })).toThrow('RedisEmitter: redis must be');
    expect(() => emitter({ onSuccess: () => {} } as never)).toThrow('RedisEmitter: Unknown option `onSuccess`');
  });

  test.each([
    ['a port where nothing listens', () => 'redis://user:hunter2@127.0.0.1:1', 'ECONNREFUSED'],
    ['a wrong password', () => server.url.replace('//', '//nobody:hunter2@'), 'WRONGPASS'],
  ])('%s is named by its code, without address or password', async (_what, url, code) => {
    const lines: string[] = [];
    const write = (message: string, fields?: object): void => void lines.push(message + JSON.stringify(fields ?? {}));
    const made = emitter({ redis: url(), logger: { debug: write, info: write, warn: write, error: write } });
    made.input(sampleEvent());
    await made.flush();
    expect(made.stats()).toMatchObject({ waiting: 1, lastError: { message: `Redis: ${code}` } });
    expect(lines.join()).toContain(code);
    expect(lines.join()).not.toMatch(/hunter2|127\.0\.0\.1/);
  });

  test.skipIf(process.env['REDIS_URL'])(
    'a Redis that evicts or keeps nothing on disk is named once at the start',
    async () => {
      const warn = vi.fn();
      const logger = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() };
      await server.client.config('SET', 'maxmemory', '100mb');
      await server.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      emitter({ logger });
      await until('it warned', () => warn.mock.calls.length >= 2);
      expect(warn.mock.calls.flat().join()).toMatch(/may evict.*allkeys-lru.*keeps nothing on disk/s);
      await server.client.config('SET', 'maxmemory-policy', 'noeviction');
      await server.client.config('SET', 'maxmemory', '0');
    },
  );

  // A shared server is not put into trouble.
  describe.skipIf(process.env['REDIS_URL'])('while Redis', () => {
    // Offers events at the pace of a busy app; what it accepted must be in the list in the end, once.
    async function through(trouble: () => Promise<void>, recovery: () => Promise<void>): Promise<void> {
      const made = emitter({ maxRetryDelayMs: 100, bufferCapacity: 500 });
      const accepted: string[] = [];
      let slowest = 0;
      const offer = (count: number): void => {
        for (let index = 0; index < count; index++) {
          const event = sampleEvent();
          const start = process.hrtime.bigint();
          if (made.input(event)) accepted.push(event['eid'] as string);
          slowest = Math.max(slowest, Number(process.hrtime.bigint() - start) / 1e6);
        }
      };
      offer(50);
      await made.flush();
      await trouble();
      offer(400);
      void made.flush({ timeoutMs: 300 });
      offer(400);
      expectBalanced(made, 850);
      expect(made.stats().refused.full).toBe(850 - accepted.length);
      await recovery();
      await until('all events are in the list', async () => {
        await made.flush();
        return (await server.client.llen(key)) >= accepted.length;
      });
      const ids = (await entries()).map((entry) => (JSON.parse(entry) as { eid: string }).eid);
      expect(ids.toSorted()).toEqual(accepted.toSorted());
      // Nothing it does while Redis is away takes as long as one question to it would.
      expect(slowest).toBeLessThan(1_000);
      expectBalanced(made, 850);
    }

    test('is a replica that takes no writes, events wait', async () => {
      await through(
        async () => void (await server.client.call('REPLICAOF', '127.0.0.1', '1')),
        async () => void (await server.client.call('REPLICAOF', 'NO', 'ONE')),
      );
    });

    test('is out of memory, events wait', async () => {
      await through(
        async () => void (await server.client.config('SET', 'maxmemory', '1')),
        async () => void (await server.client.config('SET', 'maxmemory', '0')),
      );
    });

    test('answers nobody for a while, events wait', async () => {
      await through(
        async () => void (await server.client.call('CLIENT', 'PAUSE', '1000', 'ALL')),
        async () => {},
      );
    });
  });

  test.skipIf(process.env['REDIS_URL'])(
    'events accepted while Redis is down at the start, or killed in the middle, arrive when it is back',
    async () => {
      const own = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
      await own.kill();
      const made = new RedisEmitter({ redis: own.url, key, maxRetryDelayMs: 100, logger: false });
      for (let index = 0; index < 30; index++) expect(made.input(sampleEvent())).toBe(true);
      await made.flush();
      expect(made.stats()).toMatchObject({ waiting: 30, sent: 0 });
      await own.restart();
      await until('the first events arrived', async () => (await own.client.llen(key)) === 30);
      await own.kill();
      for (let index = 0; index < 30; index++) expect(made.input(sampleEvent())).toBe(true);
      await made.flush();
      await own.restart();
      await until('the others arrived', async () => (await own.client.llen(key)) === 60);
      expectBalanced(made, 60);
      await made.close();
      await own.close();
    },
  );
});
