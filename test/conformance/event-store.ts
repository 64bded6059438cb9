// The contract of every event store: one suite, called once for each implementation.
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { EncodedEvent } from '../../src/core/emitter';
import { encodedEvent as made } from '../../src/core/tracker/encode';
import type { EventStore, Lease, TakeLimits } from '../../src/delivery/store/event-store';
import { sampleEvent } from '../support/feed';

export interface StoreLimits {
  readonly capacity?: number;
  readonly capacityBytes?: number;
}

export interface StoreSuiteOptions {
  /** The limits that this store can be given. @default both */
  readonly bounds?: readonly ('count' | 'bytes')[];
  /** Sequences of the model test. @default 200 */
  readonly runs?: number;
}

const ALL: TakeLimits = { maxEvents: 1_000, maxBytes: 1_000_000, overhead: 0 };

/** An event as a tracker encodes it, padded to a size. */
export function encodedEvent({ anonymous = false, padding = 0 } = {}): EncodedEvent {
  const eventId = randomUUID();
  const json = JSON.stringify(sampleEvent(eventId, `Harbour${'x'.repeat(padding)}`));
  return made(json, eventId, anonymous);
}

const encodedEvents = (count: number, options?: Parameters<typeof encodedEvent>[0]): EncodedEvent[] =>
  Array.from({ length: count }, () => encodedEvent(options));

const ids = (events: readonly EncodedEvent[] = []): string[] => events.map(({ eventId }) => eventId);

const bytesOf = (events: readonly EncodedEvent[]): number => events.reduce((total, { bytes }) => total + bytes, 0);

/**
 * Runs the suite.
 *
 * @param make A new, empty store of these limits; the suite closes it.
 */
/** The suite also runs over what lies behind a network, where a lease comes later. */
type AnyStore = Omit<EventStore, 'take'> & { take(limits: TakeLimits): Lease | undefined | Promise<Lease | undefined> };

export function testEventStore(
  name: string,
  make: (limits: StoreLimits) => AnyStore | Promise<AnyStore>,
  { bounds = ['count', 'bytes'], runs = 200 }: StoreSuiteOptions = {},
): void {
  const opened: AnyStore[] = [];
  const open = async (limits: StoreLimits = {}): Promise<AnyStore> => {
    const store = await make(limits);
    opened.push(store);
    return store;
  };
  const take = async (store: AnyStore, limits: Partial<TakeLimits> = {}): Promise<Lease> => {
    const lease = await store.take({ ...ALL, ...limits });
    if (!lease) throw new Error('the store gave no lease');
    return lease;
  };

  describe(`${name}, as an event store`, () => {
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close?.();
    });

    it('starts empty and gives nothing', async () => {
      const store = await open();
      expect([store.size, store.bytes]).toEqual([0, 0]);
      expect(await store.take(ALL)).toBeUndefined();
    });

    it('returns events unchanged, in the order of arrival', async () => {
      const store = await open();
      const events = encodedEvents(5);
      for (const event of events) expect(store.put([event])).toBe(true);
      const first = await take(store, { maxEvents: 2 });
      const second = await take(store);
      expect([...ids(first.events), ...ids(second.events)]).toEqual(ids(events));
      expect(first.events[0]?.json).toBe(events[0]?.json);
      expect(first.events[0]?.bytes).toBe(events[0]?.bytes);
    });

    it('counts the events that wait and their bytes, without those it has leased', async () => {
      const store = await open();
      const events = [encodedEvent({ padding: 10 }), encodedEvent({ padding: 200 }), encodedEvent({ anonymous: true })];
      store.put(events);
      expect([store.size, store.bytes]).toEqual([3, bytesOf(events)]);
      const lease = await take(store, { maxEvents: 1 });
      expect([store.size, store.bytes]).toEqual([2, bytesOf(events.slice(1))]);
      await lease.nack();
      expect([store.size, store.bytes]).toEqual([3, bytesOf(events)]);
      const again = await take(store);
      await again.ack();
      expect([store.size, store.bytes]).toEqual([1, events[2]?.bytes]);
    });

    it('limits a lease by count', async () => {
      const store = await open();
      store.put(encodedEvents(5));
      expect((await take(store, { maxEvents: 3 })).events).toHaveLength(3);
    });

    it('limits a lease by bytes, including the overhead of each event', async () => {
      const store = await open();
      const events = encodedEvents(3);
      store.put(events);
      const two = bytesOf(events.slice(0, 2)) + 2 * 23;
      const limits = { maxBytes: two, overhead: 23 };
      expect((await take(store, limits)).events).toHaveLength(2);
      await (await take(store)).ack();
      store.put(encodedEvents(3));
      expect((await take(store, { ...limits, maxBytes: two - 1 })).events).toHaveLength(1);
    });

    it('leases a first event that exceeds the limits by itself, so that it cannot block later ones', async () => {
      const store = await open();
      const [large, small] = [encodedEvent({ padding: 500 }), encodedEvent()];
      store.put([large, small]);
      expect(ids((await take(store, { maxBytes: 100 })).events)).toEqual([large.eventId]);
      expect(ids((await take(store, { maxBytes: 100 })).events)).toEqual([small.eventId]);
    });

    it('never leases an event twice', async () => {
      const store = await open();
      store.put(encodedEvents(4));
      const [first, second] = [await take(store, { maxEvents: 2 }), await take(store)];
      expect(new Set([...ids(first.events), ...ids(second.events)]).size).toBe(4);
      expect(await store.take(ALL)).toBeUndefined();
    });

    it('removes acknowledged events and keeps the rest of the lease out', async () => {
      const store = await open();
      const events = encodedEvents(3);
      store.put(events);
      const lease = await take(store);
      await lease.ack(lease.events.slice(1, 2));
      expect(await store.take(ALL)).toBeUndefined();
      await lease.nack();
      expect(ids((await take(store)).events)).toEqual(ids([events[0] as EncodedEvent, events[2] as EncodedEvent]));
    });

    it('takes back by identity, not by position', async () => {
      const store = await open();
      const events = encodedEvents(4);
      store.put(events);
      const lease = await take(store);
      await lease.nack([lease.events[3] as EncodedEvent, lease.events[1] as EncodedEvent]);
      await lease.ack();
      expect(ids((await take(store)).events)).toEqual(ids([events[1] as EncodedEvent, events[3] as EncodedEvent]));
      expect(store.size).toBe(0);
    });

    it('returns events before those that came after them', async () => {
      const store = await open();
      const events = encodedEvents(6);
      store.put(events.slice(0, 4));
      const [first, second] = [await take(store, { maxEvents: 2 }), await take(store, { maxEvents: 2 })];
      store.put(events.slice(4));
      await first.nack();
      await second.nack();
      expect(ids((await take(store)).events)).toEqual(ids(events));
    });

    it('settles each event once: a second answer changes nothing', async () => {
      const store = await open();
      store.put(encodedEvents(2));
      const lease = await take(store);
      await lease.ack();
      await lease.nack();
      await lease.ack();
      expect([store.size, store.bytes]).toEqual([0, 0]);
      store.put(encodedEvents(2));
      const other = await take(store);
      await other.nack();
      await other.nack();
      await other.ack();
      expect(store.size).toBe(2);
    });

    it('never mixes anonymous and other events in one lease, and serves both kinds', async () => {
      const store = await open();
      const events = [false, true, false, true].map((anonymous) => encodedEvent({ anonymous }));
      store.put(events);
      const leases = [await take(store), await take(store)];
      for (const lease of leases) {
        expect(lease.events).toHaveLength(2);
        expect(new Set(lease.events.map(({ anonymous }) => anonymous)).size).toBe(1);
      }
      expect(leases.flatMap((lease) => ids(lease.events)).toSorted()).toEqual(ids(events).toSorted());
    });

    it('starves neither kind while the other keeps arriving', async () => {
      const store = await open();
      const rare = encodedEvent({ anonymous: true });
      store.put(encodedEvents(2));
      store.put([rare]);
      const seen: string[] = [];
      for (let round = 0; round < 10 && !seen.includes(rare.eventId); round++) {
        store.put(encodedEvents(2));
        const lease = await take(store, { maxEvents: 2 });
        seen.push(...ids(lease.events));
        await lease.ack();
      }
      expect(seen).toContain(rare.eventId);
    });

    if (bounds.includes('count'))
      it('refuses the new event when it is full by count, leased events included, and evicts nothing', async () => {
        const store = await open({ capacity: 3 });
        const events = encodedEvents(3);
        expect(store.put(events)).toBe(true);
        expect(store.put([encodedEvent()])).toBe(false);
        const lease = await take(store, { maxEvents: 2 });
        expect(store.put([encodedEvent()])).toBe(false);
        await lease.nack();
        expect(store.put([encodedEvent()])).toBe(false);
        const again = await take(store);
        expect(ids(again.events)).toEqual(ids(events));
        await again.ack(again.events.slice(0, 1));
        expect(store.put([encodedEvent()])).toBe(true);
        expect(store.put([encodedEvent()])).toBe(false);
      });

    if (bounds.includes('count'))
      it('accepts all of the given events or none', async () => {
        const store = await open({ capacity: 3 });
        expect(store.put(encodedEvents(4))).toBe(false);
        expect([store.size, store.bytes]).toEqual([0, 0]);
        expect(store.put(encodedEvents(2))).toBe(true);
        expect(store.put(encodedEvents(2))).toBe(false);
        expect(store.size).toBe(2);
      });

    if (bounds.includes('bytes'))
      it('refuses the new event when it is full by bytes, leased events included', async () => {
        const events = encodedEvents(3);
        const store = await open({ capacityBytes: bytesOf(events) });
        expect(store.put(events)).toBe(true);
        const lease = await take(store);
        expect(store.put([encodedEvent()])).toBe(false);
        await lease.ack();
        expect(store.put(encodedEvents(3))).toBe(true);
        expect(store.put([encodedEvent()])).toBe(false);
      });

    it('behaves like a simple model under any sequence of puts, takes, acks and nacks', async () => {
      const command = fc.oneof(
        { weight: 3, arbitrary: fc.record({ do: fc.constant('put'), count: fc.integer({ min: 1, max: 4 }), anonymous: fc.boolean(), padding: fc.nat(300) }) },
        { weight: 3, arbitrary: fc.record({ do: fc.constant('take'), maxEvents: fc.integer({ min: 1, max: 5 }), maxBytes: fc.integer({ min: 1, max: 1_500 }) }) },
        { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('ack', 'nack'), which: fc.nat(), mask: fc.nat(31) }) },
      ); // prettier-ignore
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
          const store = await open(bounds.includes('count') ? { capacity: 12 } : {});
          const model = new Model(bounds.includes('count') ? 12 : Infinity);
          for (const step of commands) {
            if (step.do === 'put') {
              const events = encodedEvents(step.count, step);
              expect(store.put(events)).toBe(model.put(events));
            } else if (step.do === 'take') {
              const limits = { maxEvents: step.maxEvents, maxBytes: step.maxBytes, overhead: 23 };
              model.check(await store.take(limits), limits);
            } else await model.settle(step.do as 'ack' | 'nack', step.which, step.mask);
            expect([store.size, store.bytes]).toEqual([
              model.waiting.length,
              bytesOf(model.waiting.map(({ event }) => event)),
            ]);
          }
          await store.close?.();
          opened.splice(opened.indexOf(store), 1);
        }),
        { numRuns: runs },
      );
    });
  });
}

interface Kept {
  readonly event: EncodedEvent;
  readonly order: number;
}

/** The same in a few lines, without regard to speed. */
class Model {
  waiting: Kept[] = [];
  #arrivals = 0;
  readonly #leases: { lease: Lease; open: Kept[] }[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  put(events: readonly EncodedEvent[]): boolean {
    const leased = this.#leases.reduce((total, { open }) => total + open.length, 0);
    if (this.waiting.length + leased + events.length > this.#capacity) return false;
    for (const event of events) this.waiting.push({ event, order: this.#arrivals++ });
    return true;
  }

  /** What the store gave must be the head of one of the two kinds, as long as the limits allows. */
  check(lease: Lease | undefined, { maxEvents, maxBytes, overhead }: TakeLimits): void {
    if (!lease) return expect(this.waiting).toEqual([]);
    const { anonymous } = lease.events[0] as EncodedEvent;
    const kind = this.waiting.filter(({ event }) => event.anonymous === anonymous);
    let bytes = 0;
    const expected = kind.filter(({ event }, index) => {
      bytes += event.bytes + overhead;
      return index === 0 || (index < maxEvents && bytes <= maxBytes);
    });
    expect(ids(lease.events)).toEqual(expected.map(({ event }) => event.eventId));
    this.waiting = this.waiting.filter((kept) => !expected.includes(kept));
    this.#leases.push({ lease, open: expected });
  }

  async settle(how: 'ack' | 'nack', which: number, mask: number): Promise<void> {
    const entry = this.#leases[which % Math.max(1, this.#leases.length)];
    if (!entry) return;
    const named = entry.lease.events.filter((_event, index) => mask & (1 << index));
    await entry.lease[how](mask === 0 ? undefined : named);
    const settled = entry.open.filter(({ event }) => mask === 0 || ids(named).includes(event.eventId));
    entry.open = entry.open.filter((kept) => !settled.includes(kept));
    if (how === 'nack') this.waiting = [...this.waiting, ...settled].toSorted((a, b) => a.order - b.order);
  }
}
