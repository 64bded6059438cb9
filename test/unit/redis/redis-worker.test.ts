// The worker on a real Redis: everything that is put into the list is delivered or laid aside, whoever dies meanwhile.
import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Emitter, type Payload } from 'snowplow-middleware';
import { startCollector } from 'snowplow-middleware/collector';
import { RedisEmitter, RedisWorker, type RedisWorkerOptions } from 'snowplow-middleware/redis';
import { Log } from '../../../src/core/logger';
import { connect } from '../../../src/redis/client/client';
import { RedisEventStore } from '../../../src/redis/worker/redis-event-store';
import { expectBalanced, sampleEvent } from '../../support/feed';
import { type RecordingCollector, startRecordingCollector } from '../../support/recording-collector';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { startScriptedCollector } from '../../support/scripted-collector';
import { eventsAround, METHODS } from '../../support/sizes';
import { until } from '../../support/until';

const suite = hasRedis ? describe : describe.skip;
const all = { maxEvents: 1_000_000, maxBytes: Infinity, overhead: 0 };

suite('RedisWorker', () => {
  let server: RedisServer;
  let collector: RecordingCollector;
  let key: string;
  const open: { close(): Promise<unknown> }[] = [];
  const start = (options: Partial<RedisWorkerOptions> = {}): RedisWorker => {
    const made = new RedisWorker({
      redis: server.url,
      key,
      ...(options.emitter ? {} : { endpoint: collector.url, maxRetryDelayMs: 100, logger: false }),
      ...options,
    });
    open.push(made);
    void made.run();
    return made;
  };
  const fill = async (count: number, list = key): Promise<string[]> => {
    const events = Array.from({ length: count }, () => sampleEvent());
    for (let index = 0; index < count; index += 1_000)
      await server.client.rpush(list, ...events.slice(index, index + 1_000).map((event) => JSON.stringify(event)));
    return events.map(({ eid }) => eid as string);
  };
  const left = async (): Promise<string[]> => {
    const names = await server.client.keys(`*${key}*`);
    return names.filter((name) => !name.endsWith(':workers'));
  };

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    key = `list-${Math.random()}`;
    collector = await startRecordingCollector();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
    await collector.close();
  });

  test('delivers each event of both lists once, and leaves nothing behind', async () => {
    const ids = [...(await fill(700)), ...(await fill(50, `${key}:anonymous`))];
    const worker = start();
    await collector.waitFor(ids.length);
    const report = await worker.close();
    expect([...collector.taken.keys()].toSorted()).toEqual(ids.toSorted());
    expect(new Set(collector.taken.values())).toEqual(new Set([1]));
    expect(report).toEqual({ sent: 750, deadLettered: 0, returned: 0 });
    expectBalanced(worker, 0);
    expect(await left()).toEqual([]);
  });

  test('two workers share a list: each event is delivered by one of them', async () => {
    const ids = await fill(5_000);
    const workers = [start(), start()];
    await collector.waitFor(ids.length);
    await Promise.all(workers.map((each) => each.close()));
    expect(new Set(collector.taken.values())).toEqual(new Set([1]));
    expect(workers[0]!.stats().sent + workers[1]!.stats().sent).toBe(5_000);
    expect(workers.every((each) => each.stats().sent > 0)).toBe(true);
  });

  test('delivers as a given emitter does, with its callbacks, and over whatever client', async () => {
    const ids = await fill(20);
    const onSuccess = vi.fn();
    const emitter = new Emitter(collector.url, { onSuccess, logger: false });
    const redis = createClient({ url: server.url });
    await redis.connect();
    const worker = start({ emitter, redis });
    await collector.waitFor(ids.length);
    await worker.close();
    expect(onSuccess.mock.calls.flat(2).map(({ eid }: { eid: string }) => eid)).toEqual(ids);
    expect(emitter.input(sampleEvent())).toBe(true);
    await emitter.close();
    expect(collector.taken.size).toBe(21);
    redis.destroy();
  });

  test('delivers to an emitter that is nothing but an input method', async () => {
    const ids = await fill(20);
    const got: string[] = [];
    const worker = start({ emitter: { input: ({ eid }) => void got.push(eid as string) } });
    await until('all came', () => got.length === 20);
    await worker.close();
    expect(got).toEqual(ids);
  });

  test('gives heartbeat while the wall clock is set back, and ends in time', async () => {
    const workers = `{${key}}:workers`;
    const lastSign = async (): Promise<number> => {
      const [id = ''] = await server.client.zrange(workers, '0', '0');
      return Number(await server.client.zscore(workers, id));
    };
    const worker = start();
    await until('it gave a sign', async () => (await lastSign()) > 0);
    const first = await lastSign();
    const now = Date.now.bind(Date);
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    try {
      await vi.waitFor(async () => expect(await lastSign()).toBeGreaterThan(first), 30_000);
      const ending = worker.close({ timeoutMs: 2_000 });
      clock.mockImplementation(() => now() - 7_200_000);
      await ending;
    } finally {
      clock.mockRestore();
    }
  });

  test('delivers again what an emitter with a promise fails to take', async () => {
    const ids = await fill(20);
    const got: string[] = [];
    let calls = 0;
    const input = async ({ eid }: Payload): Promise<boolean | void> => {
      if (++calls <= 20) throw new Error('away');
      if (calls <= 25) return false;
      got.push(eid as string);
    };
    const worker = start({ emitter: { input: input as never } });
    await until('all came', () => got.length === 20);
    await worker.close();
    expect(got.toSorted()).toEqual(ids.toSorted());
    expect(worker.stats()).toMatchObject({ sent: 20, retried: 25 });
  });

  test('an outage of the collector, however long, costs no event and lays none aside', async () => {
    const ids = await fill(600);
    let answers = 0;
    collector.answer = () => (++answers < 15 ? 503 : 200);
    const worker = start({ maxRetryDelayMs: 20 });
    await collector.waitFor(ids.length);
    await worker.close();
    expect(collector.taken.size).toBe(600);
    expect(await server.client.llen(`{${key}}:dead`)).toBe(0);
  });

  test('what is no event is laid aside, and the rest delivered', async () => {
    const poison = [
      'no json',
      '[]',
      '"text"',
      'null',
      '7',
      '{"e":"pv"}',
      '{"e":"pv","p":"srv","tv":"x","page":{"deep":1}}',
      '{"e":"pv","p":"srv","tv":"x","page":["list"]}',
      JSON.stringify({ ...sampleEvent(), page: 'x'.repeat(1024 * 1024) }),
      '{"e":"pv"',
    ];
    const binary = Buffer.from([0xff, 0xfe, 0x00]);
    const before = await fill(10);
    await server.client.rpush(key, ...poison, binary);
    const after = await fill(10);
    const worker = start();
    await collector.waitFor(20);
    expect([...collector.taken.keys()]).toEqual([...before, ...after]);
    const { deadLettered } = await worker.close();
    const dead = await server.client.lrangeBuffer(`{${key}}:dead`, 0, -1);
    expect(dead.map(String).toSorted()).toEqual([...poison, String(binary)].toSorted());
    expect(dead.some((entry) => entry.equals(binary))).toBe(true);
    // The one that is too large never left Redis.
    expect(deadLettered).toBe(poison.length);
    expect(await server.client.ttl(`{${key}}:dead`)).toBeGreaterThan(29 * 24 * 3600);
  });

  test.each(METHODS)(
    'what is larger than a request may be is laid aside, and no %s passes the limit',
    async (method) => {
      const limit = 2_000;
      const { all: entries, fitting } = eventsAround(limit, method);
      await server.client.rpush(key, ...entries.map((event) => JSON.stringify(event)));
      const scripted = await startScriptedCollector();
      const worker = new RedisWorker({
        ...{ redis: server.url, key, endpoint: scripted.url, method, maxPostBytes: limit, maxGetBytes: limit },
        logger: false,
      });
      void worker.run();
      await scripted.took(fitting.length, 30_000);
      await until('the others are laid aside', async () => (await server.client.llen(`{${key}}:dead`)) === 2, 30_000);
      expect(worker.stats()).toMatchObject({ sent: fitting.length, dropped: { 'too-large': 2 } });
      expect((await worker.close()).deadLettered).toBe(2);
      expect([...scripted.taken.keys()]).toEqual(fitting);
      const bytes = scripted.requests.map(({ body, target }) => (method === 'post' ? body.length : target.length));
      expect(Math.max(...bytes)).toBe(limit);
      expect(await left()).toEqual([`{${key}}:dead`]);
      await scripted.close();
    },
  );

  test('a wide entry is an event without what no tracker sends, a deep one is none', async () => {
    const wide: Payload = {
      ...sampleEvent(),
      ...Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, 'x'])),
    };
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const array = `{"e":"pv","p":"srv","tv":"x","page":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    await server.client.rpush(key, JSON.stringify(wide), deep, array);
    const ids = await fill(10);
    start();
    await collector.waitFor(11);
    await until('the others are laid aside', async () => (await server.client.llen(`{${key}}:dead`)) === 2, 30_000);
    expect([...collector.taken.keys()]).toEqual([wide['eid'], ...ids]);
  });

  test('large entries are held up to a number of bytes, however long the collector is away', async () => {
    const mebibyte = 1024 * 1024;
    const ids: string[] = [];
    for (let count = 0; count < 40; count++) {
      const event = { ...sampleEvent(), co: 'x'.repeat(mebibyte - 1_000) } as Payload;
      ids.push(event['eid'] as string);
      await server.client.rpush(key, JSON.stringify(event));
    }
    collector.answer = 503;
    const worker = start({ maxPostBytes: 2 * mebibyte });
    let most = 0;
    await until(
      'it was refused some times',
      () => {
        most = Math.max(most, worker.stats().waitingBytes);
        return collector.requests > 10;
      },
      30_000,
    );
    expect(most).toBeGreaterThan(8 * mebibyte);
    // One look at the list, begun below 16 MiB, and what comes back from a request may pass them.
    expect(most).toBeLessThan(28 * mebibyte);
    collector.answer = 200;
    await collector.waitFor(ids.length);
    expect([...collector.taken.keys()].toSorted()).toEqual(ids.toSorted());
  });

  test('values that are not text become text, nulls are left out, keys that no tracker sends too', async () => {
    const bodies: string[] = [];
    collector.answer = 200;
    const event = sampleEvent();
    const entry = { ...event, vid: 3, page: null, se_va: 1.5, refr: true, nonsense: 'y' };
    const emitter = { input: (payload: object) => void bodies.push(JSON.stringify(payload)) };
    await server.client.rpush(key, JSON.stringify(entry).replace('"vid"', '"__proto__":"x","vid"'));
    start({ emitter });
    await until('it came', () => bodies.length === 1);
    const got = JSON.parse(bodies[0] as string) as Record<string, string>;
    expect(got).toMatchObject({ vid: '3', se_va: '1.5', refr: 'true', eid: event['eid'] });
    expect(Object.keys(got)).not.toContain('page');
    expect(Object.keys(got)).not.toContain('nonsense');
    expect(Object.keys(got)).not.toContain('__proto__');
  });

  test("entries of the Python tracker's own emitter flow: each field arrives, as text, and the pipeline takes each event", async () => {
    const entries = readFileSync('test/unit/redis/python-tracker-0.15.0.jsonl', 'utf8').trim().split('\n');
    const judge = await startCollector();
    await server.client.rpush(key, ...entries);
    const worker = start({ endpoint: judge.url });
    await until('all came', () => judge.good().length + judge.bad().length === entries.length);
    judge.assertAllGood();
    const expected = entries.map((entry) =>
      Object.fromEntries(Object.entries(JSON.parse(entry) as object).map(([name, value]) => [name, String(value)])),
    );
    expect(judge.good().map(({ payload: { stm: _stm, ...payload } }) => payload)).toEqual(expected);
    expect((await worker.close()).deadLettered).toBe(0);
    await judge.close();
  });

  test('an event without an id gets the same one at each delivery', async () => {
    const { eid: _eid, ...event } = sampleEvent();
    await server.client.rpush(key, JSON.stringify(event), JSON.stringify(event));
    start();
    await until('both came', () => [...collector.taken.values()][0] === 2);
    expect(collector.taken.size).toBe(1);
  });

  test('what the collector rejects is laid aside', async () => {
    await fill(3);
    collector.answer = 400;
    const worker = start();
    await until('they lie there', async () => (await server.client.llen(`{${key}}:dead`)) === 3);
    expect((await worker.close()).deadLettered).toBe(3);
    expect(worker.stats().dropped.rejected).toBe(3);
  });

  test('a close gives back in order what could not be delivered', async () => {
    const ids = await fill(900);
    collector.answer = 503;
    const worker = start({ maxRetryDelayMs: 20 });
    await until('it has some', () => worker.stats().retried > 0);
    const report = await worker.close({ timeoutMs: 300 });
    expect(report.returned).toBeGreaterThan(0);
    const entries = await server.client.lrange(key, 0, -1);
    expect(entries.map((entry) => (JSON.parse(entry) as { eid: string }).eid)).toEqual(ids);
    expect(await left()).toEqual([key]);
  });

  test('a run ends with the close; a run after it ends at once', async () => {
    const worker = start();
    const run = worker.run();
    await worker.close();
    await run;
    await worker.run();
  });

  test('a wrong set-up is refused by name', () => {
    const make = (options: object) => () => new RedisWorker(options as RedisWorkerOptions);
    expect(make({ redis: server.url })).toThrow('RedisWorker: endpoint must be a host name or a URL, got nothing');
    expect(make({ emitter: { input: () => {} }, endpoint: 'a.example' })).toThrow(
      'RedisWorker: endpoint must be left out',
    );
    expect(make({ endpoint: 'a.example', eventStore: {} })).toThrow('RedisWorker: Unknown option `eventStore`');
    expect(make({ endpoint: 'a.example', signals: 'SIGTERM' })).toThrow('RedisWorker: signals must be a list');
  });

  describe('what another worker had', () => {
    const workers = (): string => `{${key}}:workers`;
    const processing = (id: string): string => `{${key}}:processing:${id}`;

    async function dies(entries: string[], id = 'dead-worker'): Promise<void> {
      await server.client.zadd(workers(), '0', id);
      for (const [index, entry] of entries.entries())
        await server.client.hset(processing(id), String(index + 9), entry);
    }

    test('is delivered first, in its order, when that worker has died', async () => {
      const lost = Array.from({ length: 12 }, () => sampleEvent());
      const waiting = await fill(3);
      await dies(lost.map((event) => JSON.stringify(event)));
      const worker = start();
      await collector.waitFor(15);
      expect([...collector.taken.keys()]).toEqual([...lost.map(({ eid }) => eid), ...waiting]);
      await worker.close();
      expect(await left()).toEqual([`{${key}}:taken:dead-worker`]);
    });

    test('is left to it as long as it gives heartbeat', async () => {
      await server.client.zadd(workers(), String(Math.floor(Date.now() / 1000)), 'other');
      await server.client.hset(processing('other'), '0', JSON.stringify(sampleEvent()));
      const ids = await fill(1);
      const worker = start();
      await collector.waitFor(1);
      await worker.close();
      expect([...collector.taken.keys()]).toEqual(ids);
      expect(await server.client.hlen(processing('other'))).toBe(1);
    });

    test('comes alone after two deaths, and is laid aside after five; its neighbours are delivered', async () => {
      const [poison, ...others] = Array.from({ length: 5 }, () => sampleEvent());
      const entries = [poison, ...others].map((event) => JSON.stringify(event));
      const batches: number[] = [];
      collector.answer = (eids) => {
        batches.push(eids.length);
        return 200;
      };
      const store = new RedisEventStore(connect('test', server.url), key, 500, new Log(false));
      await dies(entries, 'first');
      await store.beat();
      await dies((await server.client.lrange(key, 0, -1)) && entries, 'second');
      await server.client.del(key);
      await store.beat();
      // Two deaths each: one at a time from here on.
      expect(await store.fetch()).toBe(1);
      expect(await store.fetch()).toBe(0);
      await store.take(all)?.nack();
      await store.close();
      for (const id of ['third', 'fourth', 'fifth']) {
        const heir = new RedisEventStore(connect('test', server.url), key, 500, new Log(false));
        await server.client.lpop(key);
        await dies(entries.slice(0, 1), id);
        await heir.beat();
        await heir.close();
      }
      expect(await server.client.lrange(`{${key}}:dead`, 0, -1)).toEqual(entries.slice(0, 1));
      start();
      await collector.waitFor(4);
      expect([...collector.taken.keys()].toSorted()).toEqual(others.map(({ eid }) => String(eid)).toSorted());
      expect(batches).toEqual([1, 1, 1, 1]);
    });

    test('is not sent by one that was silent so long that others may have it, until it has asked', async () => {
      const ids = await fill(10);
      const slept = new RedisEventStore(connect('test', server.url), key, 500, new Log(false));
      open.push(slept);
      await slept.beat();
      await slept.fetch();
      const arrived = vi.fn();
      slept.listen({ arrived, lost: () => {} });
      const now = performance.now.bind(performance);
      vi.spyOn(performance, 'now').mockImplementation(() => now() + 14_000);
      expect(slept.take(all)).toBeUndefined();
      await slept.beat();
      expect(arrived).toHaveBeenCalledOnce();
      expect(slept.take(all)?.events.map(({ eventId }) => eventId)).toEqual(ids);
      vi.restoreAllMocks();
    });

    test('is not its own any more when it wakes after a long sleep', async () => {
      const ids = await fill(10);
      const log = new Log(false);
      const [slept, other] = [1, 2].map(() => new RedisEventStore(connect('test', server.url), key, 500, log)) as [
        RedisEventStore,
        RedisEventStore,
      ];
      open.push(slept, other);
      await slept.fetch();
      const out = slept.take({ ...all, maxEvents: 4 });
      for (const id of await server.client.zrange(workers(), '0', '-1')) await server.client.zadd(workers(), '0', id);
      await other.beat();
      await slept.beat();
      expect(slept.size).toBe(0);
      expect(slept.recovered).toBe(4);
      // What was out is delivered twice, and its late acknowledgement does no harm.
      await out?.ack();
      await other.fetch();
      expect(other.take(all)?.events.map(({ eventId }) => eventId)).toEqual(ids);
    });
  });

  test('RedisEmitter and RedisWorker: from one end to the other, over a restart of neither', async () => {
    const emitter = new RedisEmitter({ redis: server.url, key, logger: false });
    const worker = start();
    for (let index = 0; index < 2_000; index++) {
      emitter.input(sampleEvent(), { eventId: crypto.randomUUID(), anonymous: index % 3 === 0 });
      if (index % 50 === 0) await new Promise(setImmediate);
    }
    await emitter.close();
    await collector.waitFor(2_000);
    await worker.close();
    expect(new Set(collector.taken.values())).toEqual(new Set([1]));
    expectBalanced(worker, 0);
  });
});
