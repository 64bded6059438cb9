// What a worker has taken from the lists and not delivered yet: held in memory to be sent, and in Redis in case it dies.
import { randomUUID } from 'node:crypto';
import type { EncodedEvent } from '../../core/emitter';
import type { Log } from '../../core/logger';
import type { TakeLimits, EventStore, Lease, StoreListener } from '../../delivery/store/event-store';
import { eventOf } from '../../delivery/store/foreign-event';
import { MemoryEventStore } from '../../delivery/store/memory-store';
import { DEFAULTS } from '../../delivery/options';
import { MAX_QUEUED_BYTES } from '../../delivery/transport-emitter';
import { answerOf, isRefusal, logWrongSetUp } from '../client/answer';
import type { Redis } from '../client/client';
import { type Keys, keysOf } from '../keys';
import { BEAT, DEAD_LETTER, DONE, EXPIRY_SECONDS, FETCH, GIVE_BACK, TAKE_OVER } from './scripts';

// Less than after what others claim, because the server counts in whole seconds.
const OURS_MS = (EXPIRY_SECONDS - 2) * 1_000;

/** Where an event lies in Redis. */
interface Place {
  readonly keys: Keys;
  readonly number: number;
}

export class RedisEventStore implements EventStore {
  readonly durable = true;
  readonly #redis: Redis;
  readonly #log: Log;
  readonly #lists: readonly [Keys, Keys];
  readonly #capacity: number;
  readonly #memory: MemoryEventStore;
  // Never a process id: in a container every process is number 1.
  readonly #worker = randomUUID();
  readonly #places = new Map<EncodedEvent, Place>();
  // Settled here, but not in Redis yet: it may be away.
  #settled: { readonly place: Place; readonly script: string }[] = [];
  #settling: Promise<void> = Promise.resolve();
  #number = 0;
  #alone = false;
  // An answer was lost: entries of these lists may lie with this worker in Redis of which it does not know.
  readonly #doubtful = new Set<Keys>();
  // From then on others may have what is held here: nothing is sent before the next heartbeat.
  #oursUntil = Infinity;
  recovered = 0;
  /** Events that went back to the lists. */
  returned = 0;
  deadLettered = 0;
  #listener: StoreListener | undefined;
  #closing: Promise<void> | undefined;

  /** @param capacity Most events to be held at once. */
  constructor(redis: Redis, key: string, capacity: number, log: Log) {
    this.#redis = redis;
    this.#lists = keysOf(key);
    this.#capacity = capacity;
    this.#memory = new MemoryEventStore({ capacity, capacityBytes: Number.MAX_SAFE_INTEGER });
    this.#log = log;
  }

  get size(): number {
    return this.#memory.size;
  }

  get bytes(): number {
    return this.#memory.bytes;
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  put(events: readonly EncodedEvent[]): boolean {
    return this.#memory.put(events);
  }

  take(limits: TakeLimits): Lease | undefined {
    const lease = performance.now() < this.#oursUntil ? this.#memory.take(limits) : undefined;
    if (!lease) return undefined;
    // Each once: a second answer must not take away in Redis what waits here again.
    const open = new Set(lease.events);
    const unsettled = (events = lease.events): EncodedEvent[] => events.filter((event) => open.delete(event));
    const finish = (events: readonly EncodedEvent[], script: string): Promise<void> => {
      void lease.ack(events);
      return this.#settle(events, script);
    };
    return {
      events: lease.events,
      ack: (events) => finish(unsettled(events), DONE),
      reject: (events) => {
        const rejected = unsettled(events);
        this.deadLettered += rejected.length;
        return finish(rejected, DEAD_LETTER);
      },
      nack: (events) => lease.nack(unsettled(events)),
    };
  }

  /**
   * Fetches as many entries as there is room for, by number and by bytes.
   *
   * @returns how many came.
   */
  async fetch(): Promise<number> {
    let fetched = 0;
    const refusal = await this.#ofEach(async (keys) => {
      fetched += await this.#fetchFrom(keys);
    });
    if (refusal && fetched === 0) throw refusal;
    return fetched;
  }

  /**
   * A heartbeat; gives back to the lists what workers had that give none. One that Redis refuses stops no sending: others can
   * hardly have more success with theirs.
   */
  async beat(): Promise<void> {
    const sentAt = performance.now();
    const isLate = sentAt >= this.#oursUntil;
    const refusal = await this.#ofEach(async (keys) => {
      const refused = await unlessRefused(this.#beatFor(keys));
      // Others may have it by now. If not, whoever Redis obeys next finds it there.
      if (refused && isLate) this.#forget(keys);
      if (refused) throw refused;
    });
    this.#oursUntil = sentAt + OURS_MS;
    if (isLate) this.#listener?.arrived();
    const refused = refusal ?? (await unlessRefused(this.#settle([], DONE)));
    if (!refused) return;
    logWrongSetUp(answerOf(refused), this.#log);
    this.#log.warn('Redis refuses what keeps a worker alive', { error: answerOf(refused) });
  }

  async #beatFor(keys: Keys): Promise<void> {
    const own = [keys.workers, keys.taken(this.#worker), keys.processing(this.#worker)];
    const [taken, dead, entries] = (await this.#run(BEAT, own, [this.#worker])) as [number, string[], number];
    if (taken > 0) {
      this.#forget(keys);
      await this.#giveBack(keys, []);
    }
    // A command that was abandoned may be obeyed later than those that came after it.
    else if (entries > this.#known(keys).length) this.#doubtful.add(keys);
    for (const worker of dead) {
      const { workers, source, deaths, dead: letters } = keys;
      const names = [workers, keys.processing(worker), source, deaths, letters, keys.taken(worker)];
      const events = (await this.#run(TAKE_OVER, names, [worker])) as number;
      if (events > 0) this.#log.warn('events of a worker that died are delivered by others', { events });
    }
  }

  /** Works on both lists, also where Redis refuses it for one of them. Gives the refusal; rejects where there is no answer. */
  async #ofEach(work: (keys: Keys) => Promise<void>): Promise<unknown> {
    let refusal: unknown;
    for (const keys of this.#lists) refusal = (await unlessRefused(work(keys))) ?? refusal;
    return refusal;
  }

  /** Events that were fetched and are not settled. */
  get held(): number {
    return this.#places.size;
  }

  /** Gives back to the lists what is held. */
  close(): Promise<void> {
    return (this.#closing ??= this.#leave());
  }

  async #leave(): Promise<void> {
    await this.#settle([], DONE).catch(() => {});
    await this.#ofEach(async (keys) => {
      await this.#giveBack(keys, []);
      this.#forget(keys);
    });
  }

  async #fetchFrom(keys: Keys): Promise<number> {
    if (this.#doubtful.has(keys)) {
      // Without a number to keep it would be a farewell.
      await this.#giveBack(keys, ['-1', ...this.#known(keys)]);
      this.#doubtful.delete(keys);
    }
    const held = this.#places.size;
    const room = this.#alone && held > 0 ? 0 : this.#capacity - held - this.#settled.length;
    if (room <= 0 || this.#memory.bytes >= DEFAULTS.bufferCapacityBytes) return 0;
    const names = [keys.source, keys.processing(this.#worker), keys.deaths, keys.dead, keys.workers];
    const first = this.#number;
    this.#number += room;
    const args = [...[room, held, first, MAX_QUEUED_BYTES].map(String), this.#worker];
    this.#doubtful.add(keys);
    const [alone, numbers, entries] = (await this.#run(FETCH, names, args)) as [number, number[], string[]];
    this.#doubtful.delete(keys);
    this.#alone = alone === 1;
    const events: EncodedEvent[] = [];
    const bad: Place[] = [];
    for (const [index, entry] of entries.entries()) {
      const place = { keys, number: numbers[index] as number };
      const event = eventOf(parse(entry), keys.anonymous);
      if (!event) bad.push(place);
      else {
        this.#places.set(event, place);
        events.push(event);
      }
    }
    this.#memory.put(events);
    this.recovered += events.length;
    // At once: whatever else of Redis fails, these are to be sent.
    if (events.length > 0) this.#listener?.arrived();
    if (bad.length > 0) {
      this.deadLettered += bad.length;
      this.#log.warn('entries that are no events were moved to the dead letters', { entries: bad.length });
      this.#settled.push(...bad.map((place) => ({ place, script: DEAD_LETTER })));
      await this.#settle([], DEAD_LETTER);
    }
    return events.length;
  }

  /** Another worker has what this one held, or is to have it: what waits here is forgotten, what is out runs its course. */
  #forget(keys: Keys): void {
    const kept: EncodedEvent[] = [];
    for (let lease; (lease = this.#memory.take({ maxEvents: Infinity, maxBytes: Infinity, overhead: 0 }));) {
      for (const event of lease.events)
        if (event.anonymous === keys.anonymous) {
          this.#places.delete(event);
          this.recovered--;
          this.returned++;
        } else kept.push(event);
      void lease.ack();
    }
    this.#memory.put(kept);
  }

  /** The numbers of the entries that this worker knows to have. */
  #known(keys: Keys): string[] {
    const places = [...this.#places.values(), ...this.#settled.map(({ place }) => place)];
    return places.filter((place) => place.keys === keys).map(({ number }) => String(number));
  }

  async #giveBack(keys: Keys, kept: readonly string[]): Promise<void> {
    const names = [keys.workers, keys.processing(this.#worker), keys.source];
    await this.#run(GIVE_BACK, names, [this.#worker, ...kept]);
  }

  #settle(events: readonly EncodedEvent[], script: string): Promise<void> {
    for (const event of events) {
      const place = this.#places.get(event);
      this.#places.delete(event);
      if (place) this.#settled.push({ place, script });
    }
    const tellRedis = async (): Promise<void> => {
      const refusal = await this.#ofEach(async (keys) => {
        for (const each of [DONE, DEAD_LETTER]) await this.#tell(keys, each);
      });
      if (refusal) throw refusal;
    };
    return (this.#settling = this.#settling.catch(() => {}).then(tellRedis));
  }

  async #tell(keys: Keys, script: string): Promise<void> {
    // What is settled while Redis is being told is not part of it, and must not be forgotten with it.
    const told = new Set(this.#settled.filter(({ place, script: own }) => place.keys === keys && own === script));
    if (told.size === 0) return;
    const names = [keys.processing(this.#worker), keys.deaths, ...(script === DEAD_LETTER ? [keys.dead] : [])];
    const numbers = [...told].map(({ place }) => String(place.number));
    await this.#run(script, names, numbers);
    this.#settled = this.#settled.filter((one) => !told.has(one));
  }

  #run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.#redis.command('EVAL', script, String(keys.length), ...keys, ...args);
  }
}

/** What Redis refused it with, if it did; rejects where there is no answer. */
async function unlessRefused(work: Promise<void>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return error;
  }
}

function parse(entry: string): unknown {
  try {
    return JSON.parse(entry);
  } catch {
    return undefined;
  }
}
