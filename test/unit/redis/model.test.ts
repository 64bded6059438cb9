// Random lives of two workers on one list of a real Redis, held against the model after each step.
import fc from 'fast-check';
import type { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Log } from '../../../src/core/logger';
import type { Lease } from '../../../src/delivery/store/event-store';
import { connect, type Redis } from '../../../src/redis/client/client';
import { keysOf } from '../../../src/redis/keys';
import { RedisEventStore } from '../../../src/redis/worker/redis-event-store';
import { sampleEvent } from '../../support/feed';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { type Connection, type Kind, Model, ModelWorker } from './model';

const RUNS = Number(process.env['STORE_MODEL_RUNS'] ?? 60);
const CAPACITY = 6;

type Entry = 'plain' | 'anonymous' | 'poison';
type Answer = 'ack' | 'nack' | 'reject';
type Step =
  | { do: 'push'; entries: Entry[] }
  | { do: 'fetch'; who: Kind; on: Connection }
  | { do: 'take'; who: Kind; maxEvents: number }
  | { do: Answer; who: Kind; on: Connection; lease: number; mask: number }
  | { do: 'crash'; who: Kind; fetches: number }
  | { do: 'close' | 'sleep'; who: Kind };

const just = <const Do extends string>(...names: Do[]) => fc.constantFrom(...names);
const who = fc.constantFrom<Kind[]>(0, 1);
const on = fc.constantFrom<Connection[]>('fine', 'fine', 'down', 'deaf');
const entries = fc.array(fc.constantFrom<Entry[]>('plain', 'anonymous', 'poison'), { maxLength: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: just('push'), entries }) },
  { weight: 8, arbitrary: fc.record({ do: just('fetch'), who, on }) },
  { weight: 6, arbitrary: fc.record({ do: just('take'), who, maxEvents: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 8, arbitrary: fc.record({ do: just('ack', 'nack', 'reject'), who, on, lease: fc.nat(3), mask: fc.nat(15) }) },
  { weight: 2, arbitrary: fc.record({ do: just('crash'), who, fetches: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: just('close', 'sleep'), who }) },
); // prettier-ignore

const wentWell = (promise: unknown): Promise<boolean> =>
  Promise.resolve(promise).then(
    () => true,
    () => false,
  );
const idOf = (entry: string): string =>
  entry.startsWith('poison') ? entry : (JSON.parse(entry) as { eid: string }).eid;

/** A store beside its model, on a connection that can be disturbed. */
class Worker {
  readonly model = new ModelWorker();
  readonly leases: Lease[] = [];
  readonly store: RedisEventStore;
  id = '';

  constructor(redis: Redis, key: string) {
    const command: Redis['command'] = async (...args) => {
      if (this.model.connection === 'down') throw new Error('down');
      const answer = await redis.command(...args);
      if (this.model.connection === 'deaf') throw new Error('deaf');
      return answer;
    };
    this.store = new RedisEventStore({ command, close: async () => {} }, key, CAPACITY, new Log(false));
  }
}

/** Redis and two workers, and beside them what they should be. */
class Trial {
  readonly #model = new Model(CAPACITY);
  readonly #pushed = new Set<string>();
  readonly #delivered = new Set<string>();
  readonly #workers: Worker[] = [];
  readonly #key = `model-${Math.random()}`;
  readonly #lists = keysOf(this.#key);
  readonly #redis: Redis;
  readonly #client: Client;

  constructor(redis: Redis, client: Client) {
    this.#redis = redis;
    this.#client = client;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const side of [0, 1] as const) await this.#open(side);
    for (const each of steps) {
      await this.#play(each);
      await this.#compare();
    }
    // In the end one that lives on delivers what is left.
    for (const side of [0, 1] as const) await this.#play({ do: 'crash', who: side, fetches: 0 });
    for (let left = this.#pushed.size * 2; left > 0; left--) {
      await this.#play({ do: 'fetch', who: 0, on: 'fine' });
      await this.#play({ do: 'take', who: 0, maxEvents: 4 });
      const lease = this.#worker(0).leases.length - 1;
      await this.#play({ do: 'ack', who: 0, on: 'fine', lease, mask: 15 });
    }
    await this.#compare();
    expect([...this.#model.lists.flat(), ...this.#workers.flatMap(({ model }) => model.processing)]).toEqual([]);
    expect(new Set([...this.#delivered, ...this.#model.dead])).toEqual(this.#pushed);
  }

  #worker(side: number): Worker {
    return this.#workers[side] as Worker;
  }

  async #open(side: Kind): Promise<void> {
    const known = (): Promise<string[]> => this.#client.zrange(this.#lists[0].workers, '0', '-1');
    const before = await known();
    const worker = (this.#workers[side] = new Worker(this.#redis, this.#key));
    await worker.store.beat();
    worker.id = (await known()).find((id) => !before.includes(id)) as string;
  }

  /** The server has heard nothing of it for long. */
  async #silence({ id }: Worker): Promise<void> {
    for (const { workers } of this.#lists) await this.#client.zadd(workers, '0', id);
  }

  async #play(step: Step): Promise<void> {
    if (step.do === 'push') return this.#push(step.entries);
    const { store, model, leases } = this.#worker(step.who);
    model.connection = 'on' in step ? step.on : 'fine';
    switch (step.do) {
      case 'fetch':
        expect(await wentWell(store.fetch())).toBe(this.#model.fetch(model));
        break;
      case 'take': {
        const lease = store.take({ maxEvents: step.maxEvents, maxBytes: Infinity, overhead: 0 });
        if (lease) leases.push(lease);
        const expected = this.#model.take(model, step.maxEvents);
        expect(lease?.events.map(({ eventId }) => eventId) ?? []).toEqual(expected);
        break;
      }
      case 'crash':
        await this.#silence(this.#worker(step.who));
        await this.#open(step.who);
        this.#model.takeOver(model);
        if (step.fetches === 0) break;
        // And again, with what it has just taken.
        await this.#play({ do: 'fetch', who: step.who, on: 'fine' });
        await this.#play({ ...step, fetches: step.fetches - 1 });
        break;
      case 'close':
        await store.close();
        this.#model.close(model);
        await this.#open(step.who);
        break;
      case 'sleep':
        await this.#sleep(this.#worker(step.who), this.#worker(1 - step.who));
        break;
      case 'ack':
      case 'nack':
      case 'reject':
        if (leases.length > 0) await this.#settle(this.#worker(step.who), step);
    }
  }

  async #push(kinds: readonly Entry[]): Promise<void> {
    for (const what of kinds) {
      const event = sampleEvent();
      const entry = what === 'poison' ? `poison ${event['eid']}` : JSON.stringify(event);
      const kind = what === 'anonymous' ? 1 : 0;
      await this.#client.rpush(this.#lists[kind].source, entry);
      this.#model.lists[kind].push(idOf(entry));
      this.#pushed.add(idOf(entry));
    }
  }

  async #settle({ leases, model }: Worker, step: Step & { do: Answer }): Promise<void> {
    const number = step.lease % leases.length;
    const lease = leases[number] as Lease;
    const meant = (place: number): boolean => (step.mask & (1 << place)) > 0;
    const events = lease.events.filter((_event, place) => meant(place));
    if (step.do === 'ack') for (const { eventId } of events) this.#delivered.add(eventId);
    expect(await wentWell(lease[step.do]?.(events))).toBe(this.#model.settle(model, number, meant, step.do));
  }

  async #sleep(asleep: Worker, other: Worker): Promise<void> {
    other.model.connection = 'fine';
    await this.#silence(asleep);
    await other.store.beat();
    this.#model.takeOver(asleep.model);
    this.#model.beat(other.model);
    await asleep.store.beat();
    this.#model.wake(asleep.model);
  }

  async #compare(): Promise<void> {
    const sorted = (texts: readonly string[]): string[] => texts.map(idOf).toSorted();
    for (const kind of [0, 1] as const) {
      const { source, processing } = this.#lists[kind];
      expect((await this.#client.lrange(source, 0, -1)).map(idOf)).toEqual(this.#model.lists[kind]);
      for (const { id, model } of this.#workers) {
        const expected = model.processing.filter((taken) => taken.kind === kind).map((taken) => taken.id);
        expect(sorted(await this.#client.hvals(processing(id)))).toEqual(expected.toSorted());
      }
    }
    const dead = await Promise.all(this.#lists.map((names) => this.#client.lrange(names.dead, 0, -1)));
    expect(sorted(dead.flat())).toEqual(this.#model.dead.toSorted());
    const deaths = await Promise.all(this.#lists.map((names) => this.#client.hlen(names.deaths)));
    expect(deaths[0]! + deaths[1]!).toBe(this.#model.deaths.size);
    for (const { store, model } of this.#workers)
      expect([store.size, store.held]).toEqual([model.waiting.length, model.held.length]);
  }
}

describe.skipIf(!hasRedis)('two workers on one list', () => {
  let server: RedisServer;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedis();
    redis = connect('test', server.url);
  });
  afterAll(async () => {
    await redis.close();
    await server.close();
  });

  test('whatever happens, each entry waits in its order, is with one worker, or was delivered or laid aside', async () => {
    const lives = fc.array(step, { maxLength: 60, size: 'max' });
    const property = fc.asyncProperty(lives, (steps) => new Trial(redis, server.client).run(steps));
    await fc.assert(property, { numRuns: RUNS });
  }, 300_000);
});
