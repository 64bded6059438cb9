// Random lives of two workers on one list of a real Redis, held against the model after each step.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Log } from '../../src/core/logger';
import type { Lease } from '../../src/delivery/event-store';
import { connect, type Redis } from '../../src/redis/client';
import { keysOf } from '../../src/redis/keys';
import { RedisEventStore } from '../../src/redis/redis-event-store';
import { sampleEvent } from '../support/feed';
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server';
import { type Connection, Model, ModelWorker } from './model';

const RUNS = Number(process.env['STORE_MODEL_RUNS'] ?? 100);
const CAPACITY = 6;

const who = fc.constantFrom(0 as const, 1 as const);
const on = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Connection>('fine') },
  fc.constantFrom<Connection[]>('down', 'deaf'),
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('push' as const), entries: fc.array(fc.constantFrom('plain' as const, 'anonymous' as const, 'poison' as const), { maxLength: 6 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('fetch' as const), who, on }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), who, maxEvents: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('ack' as const, 'nack' as const, 'reject' as const), who, on, lease: fc.nat(3), mask: fc.nat(15) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), who, fetches: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('close' as const, 'sleep' as const), who }) },
); // prettier-ignore
type Step = fc.TypeOfArbitrary<typeof step>;

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

const wentWell = (promise: unknown): Promise<boolean> =>
  Promise.resolve(promise).then(
    () => true,
    () => false,
  );

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
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const key = `model-${Math.random()}`;
        const lists = keysOf(key);
        const model = new Model(CAPACITY);
        const { client } = server;
        const pushed = new Set<string>();
        const delivered = new Set<string>();
        const idOf = (entry: string): string =>
          entry.startsWith('poison') ? entry : (JSON.parse(entry) as { eid: string }).eid;

        const open = async (): Promise<Worker> => {
          const known = await client.zrange(lists[0].workers, 0, -1);
          const worker = new Worker(redis, key);
          await worker.store.beat();
          worker.id = (await client.zrange(lists[0].workers, 0, -1)).find((id) => !known.includes(id)) as string;
          return worker;
        };
        const workers: [Worker, Worker] = [await open(), await open()];
        /** The server hears nothing of it for long. */
        const silence = async ({ id }: Worker): Promise<void> => {
          for (const { workers: signs } of lists) await client.zadd(signs, 0, id);
        };
        const compare = async (): Promise<void> => {
          for (const kind of [0, 1] as const) {
            const { source, processing } = lists[kind];
            expect((await client.lrange(source, 0, -1)).map(idOf)).toEqual(model.lists[kind]);
            for (const { id, model: { processing: with_ } } of workers)
              expect((await client.hvals(processing(id))).map(idOf).toSorted()).toEqual(
                with_.filter((taken) => taken.kind === kind).map((taken) => taken.id).toSorted(),
              ); // prettier-ignore
          }
          const dead = await Promise.all(lists.map((names) => client.lrange(names.dead, 0, -1)));
          expect(dead.flat().map(idOf).toSorted()).toEqual(model.dead.toSorted());
          const deaths = await Promise.all(lists.map(async (names) => Object.keys(await client.hgetall(names.deaths))));
          expect(deaths.flat()).toHaveLength(model.deaths.size);
          for (const { store, model: half } of workers)
            expect([store.size, store.held]).toEqual([half.waiting.length, half.held.length]);
        };

        const play = async (each: Step): Promise<void> => {
          if (each.do === 'push') {
            for (const what of each.entries) {
              const event = sampleEvent();
              const entry = what === 'poison' ? `poison ${event['eid']}` : JSON.stringify(event);
              const kind = what === 'anonymous' ? 1 : 0;
              await client.rpush(lists[kind].source, entry);
              model.lists[kind].push(idOf(entry));
              pushed.add(idOf(entry));
            }
            return;
          }
          const worker = workers[each.who];
          const { store, model: half, leases } = worker;
          half.connection = 'on' in each ? each.on : 'fine';
          if (each.do === 'fetch') expect(await wentWell(store.fetch())).toBe(model.fetch(half));
          else if (each.do === 'take') {
            const lease = store.take({ maxEvents: each.maxEvents, maxBytes: Infinity, overhead: 0 });
            if (lease) leases.push(lease);
            expect(lease?.events.map(({ eventId }) => eventId) ?? []).toEqual(model.take(half, each.maxEvents));
          } else if (each.do === 'ack' || each.do === 'nack' || each.do === 'reject') {
            if (leases.length === 0) return;
            const index = each.lease % leases.length;
            const lease = leases[index] as Lease;
            const meant = (place: number): boolean => (each.mask & (1 << place)) > 0;
            const events = lease.events.filter((_event, place) => meant(place));
            if (each.do === 'ack') for (const { eventId } of events) delivered.add(eventId);
            expect(await wentWell(lease[each.do]?.(events))).toBe(model.settle(half, index, meant, each.do));
          } else if (each.do === 'sleep') {
            const other = workers[1 - each.who] as Worker;
            other.model.connection = 'fine';
            await silence(worker);
            await other.store.beat();
            model.takeOver(half);
            model.beat(other.model);
            await store.beat();
            model.wake(half);
          } else if (each.do === 'close') {
            await store.close();
            model.close(half);
            workers[each.who] = await open();
          } else {
            await silence(worker);
            workers[each.who] = await open();
            model.takeOver(half);
            if (each.fetches === 0) return;
            // Again, with what it has just taken.
            await play({ do: 'fetch', who: each.who, on: 'fine' });
            await play({ ...each, fetches: each.fetches - 1 });
          }
        };

        for (const each of steps) {
          await play(each);
          await compare();
        }
        // In the end, whoever comes next delivers what is left.
        for (const side of [0, 1] as const) await play({ do: 'crash', who: side, fetches: 0 });
        for (let left = pushed.size * 2; left > 0; left--)
          for (const each of [{ do: 'fetch' }, { do: 'take', maxEvents: 4 }] as const) {
            await play({ ...each, who: 0, on: 'fine' });
            for (const lease of workers[0].leases.keys())
              await play({ do: 'ack', who: 0, on: 'fine', lease, mask: 15 });
            workers[0].leases.length = workers[0].model.leases.length = 0;
          }
        await compare();
        expect([...model.lists.flat(), ...workers.flatMap(({ model: half }) => half.processing)]).toEqual([]);
        expect(new Set([...delivered, ...model.dead])).toEqual(pushed);
      }),
      { numRuns: RUNS },
    );
  }, 300_000);
});
