// What a worker holds, on a real Redis: the rules of every store, and nothing forgotten when commands fail or overlap.
import { EventEmitter, once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EncodedEvent } from '../../../src/core/emitter';
import { Log } from '../../../src/core/logger';
import type { TakeLimits, Lease } from '../../../src/delivery/store/event-store';
import { connect, type Redis } from '../../../src/redis/client/client';
import { RedisEventStore } from '../../../src/redis/worker/redis-event-store';
import { DEAD_LETTER, DONE, FETCH } from '../../../src/redis/worker/scripts';
import { testEventStore } from '../../conformance/event-store';
import { sampleEvent } from '../../support/feed';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';

const all: TakeLimits = { maxEvents: 1_000_000, maxBytes: Infinity, overhead: 0 };
const idsOf = (lease: Lease | undefined): string[] => lease?.events.map(({ eventId }) => eventId) ?? [];

describe.skipIf(!hasRedis)('RedisEventStore', () => {
  let server: RedisServer;
  let key: string;
  const opened: RedisEventStore[] = [];
  const connections: Redis[] = [];
  const connection = (): Redis => {
    const made = connect('test', server.url);
    connections.push(made);
    return made;
  };
  const open = (redis = connection(), capacity = 500): RedisEventStore => {
    const made = new RedisEventStore(redis, key, capacity, new Log(false));
    opened.push(made);
    return made;
  };
  /** The server, with a say in how each script is run. */
  const around = (say: (script: string, run: () => Promise<unknown>) => Promise<unknown>): Redis => {
    const { command, close } = connection();
    return { command: (...args) => say(String(args[1]), () => command(...args)), close };
  };
  /** The server, of which the `nth` run of one script fails: before it was done, or after it with its answer lost. */
  const failing = (wanted: string, nth: number, when: 'before' | 'after'): Redis => {
    let runs = 0;
    return around(async (script, run) => {
      const fails = script === wanted && ++runs === nth;
      const answer = fails && when === 'before' ? undefined : await run();
      if (fails) throw new Error('the connection broke');
      return answer;
    });
  };
  const fill = async (count: number, list = key): Promise<string[]> => {
    const events = Array.from({ length: count }, () => sampleEvent());
    await server.client.rpush(list, ...events.map((event) => JSON.stringify(event)));
    return events.map(({ eid }) => eid as string);
  };
  const held = async (): Promise<number> => {
    const names = await server.client.keys(`{${key}}:processing:*`);
    return (await Promise.all(names.map((name) => server.client.hlen(name)))).reduce((sum, count) => sum + count, 0);
  };

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    key = `list-${Math.random()}`;
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    for (const each of connections.splice(0)) await each.close();
  });

  test('what is settled while Redis is being told of other events is told as well', async () => {
    await fill(4);
    const being = new EventEmitter();
    const store = open(
      around(async (script, run) => {
        if (script === DONE && being.emit('told')) await once(being, 'go on');
        return run();
      }),
    );
    await store.fetch();
    const [first, second] = [store.take({ ...all, maxEvents: 2 }), store.take(all)];
    const begun = once(being, 'told');
    const acks = [first?.ack()];
    await begun;
    acks.push(second?.ack());
    being.emit('go on');
    for (const ack of acks) await ack;
    expect(await held()).toBe(0);
    await store.close();
    expect(await server.client.llen(key)).toBe(0);
  });

  test('entries whose answer was lost on the way are found again', async () => {
    const ids = await fill(6);
    const store = open(failing(FETCH, 1, 'after'));
    await expect(store.fetch()).rejects.toThrow('broke');
    await store.fetch();
    expect(idsOf(store.take(all))).toEqual(ids);
  });

  test('entries that a late command has taken, after all that came behind it, are found again', async () => {
    const ids = await fill(6);
    let late: (() => Promise<unknown>) | undefined;
    const store = open(
      around(async (script, run) => {
        if (script !== FETCH || late) return run();
        late = run;
        throw new Error('no answer in time');
      }),
    );
    await expect(store.fetch()).rejects.toThrow('no answer');
    expect(await store.fetch()).toBe(6);
    const acked = store.take({ ...all, maxEvents: 4 });
    await acked?.ack();
    ids.push(...(await fill(3)));
    await late?.();
    expect(await held()).toBe(5);
    await store.beat();
    expect(await store.fetch()).toBe(3);
    expect([...idsOf(acked), ...idsOf(store.take(all))]).toEqual(ids);
  });

  test.each([
    ['the other list cannot be read', FETCH, 2, 'before'],
    ["the other list's answer is lost", FETCH, 2, 'after'],
    ['what is no event cannot be laid aside', DEAD_LETTER, 1, 'before'],
  ] as const)('events that came are announced when %s', async (_what, script, nth, when) => {
    const ids = await fill(3);
    await server.client.rpush(key, 'poison');
    const store = open(failing(script, nth, when));
    const arrived = vi.fn();
    store.listen({ arrived, lost: vi.fn() });
    await expect(store.fetch()).rejects.toThrow('broke');
    expect(arrived).toHaveBeenCalledOnce();
    const lease = store.take(all);
    expect(idsOf(lease)).toEqual(ids);
    await lease?.ack();
    expect(await held()).toBe(0);
    expect(await server.client.lrange(`{${key}}:dead`, 0, -1)).toEqual(['poison']);
  });

  testEventStore('what a worker holds', ({ capacity = 10_000 }) => open(connection(), capacity), {
    bounds: ['count'],
    runs: 30,
  });

  // The same suite with Redis in the way: events come in by the list, as a worker gets them.
  class ByTheList {
    readonly #store = open();
    readonly #list = key;
    #coming: EncodedEvent[] = [];

    get size(): number {
      return this.#coming.length + this.#store.size;
    }

    get bytes(): number {
      return this.#coming.reduce((bytes, event) => bytes + event.bytes, this.#store.bytes);
    }

    put(events: readonly EncodedEvent[]): boolean {
      this.#coming.push(...events);
      return true;
    }

    async take(limits: TakeLimits): Promise<Lease | undefined> {
      for (const event of this.#coming.splice(0))
        await server.client.rpush(event.anonymous ? `${this.#list}:anonymous` : this.#list, event.json);
      await this.#store.fetch();
      return this.#store.take(limits);
    }

    async close(): Promise<void> {
      await this.#store.close();
      await server.client.del(this.#list, `${this.#list}:anonymous`);
    }
  }
  testEventStore('what a worker takes from the list', () => new ByTheList(), { bounds: [], runs: 30 });
});
