// Event stores of the user's own: slow ones, broken ones, durable ones. Nothing of theirs may throw at a caller or hang a close.
import type { TakeLimits, EventStore, Lease } from 'snowplow-middleware';
import { MemoryEventStore } from 'snowplow-middleware';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EncodedEvent } from '../../../src/core/emitter';
import { encodedEvent } from '../../conformance/event-store';
import { failed, makeEngine, PortTransport, SENT } from '../../support/engine';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note).on('uncaughtException', note));
afterEach(async () => {
  await turn();
  await turn();
  process.off('unhandledRejection', note).off('uncaughtException', note);
  expect(unhandled.splice(0)).toEqual([]);
});

/** A memory store whose methods a test replaces. */
class Custom implements EventStore {
  readonly inner = new MemoryEventStore();
  readonly durable: boolean = false;
  recovered = 0;
  get size(): number {
    return this.inner.size;
  }
  get bytes(): number {
    return this.inner.bytes;
  }
  put(events: readonly EncodedEvent[]): boolean {
    return this.inner.put(events);
  }
  take(limits: TakeLimits): Lease | undefined {
    return this.inner.take(limits);
  }
}

describe('a store that answers take() with a promise', () => {
  it('has its events wait, is named in the stats, and gets its lease back', async () => {
    const store = new Custom();
    const take = store.inner.take.bind(store.inner);
    let asked = 0;
    store.take = (async (limits: TakeLimits) => {
      asked++;
      await turn();
      return take(limits);
    }) as never;
    const { feed, emitter, transport } = makeEngine({}, { store });
    feed.offer(10);
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(asked).toBe(1);
    expect(feed.balanced()).toMatchObject({ waiting: 10, inFlight: 0 });
    expect(emitter.stats().lastError?.message).toContain('take()');
    expect(await emitter.flush({ timeoutMs: 200 })).toEqual({ sent: 0, failed: 0, remaining: 10 });
    store.take = take;
    const closed = emitter.close();
    await vi.waitFor(() => expect(transport.sizes).toEqual([10]), 30_000);
    transport.sends[0]?.answer(SENT);
    expect(await closed).toMatchObject({ sent: 10, remaining: 0 });
  });
});

describe('a durable store', () => {
  class Durable extends Custom {
    override readonly durable = true;
  }

  it('has what it recovered sent without any new event', async () => {
    const store = new Durable();
    store.put(Array.from({ length: 3 }, () => encodedEvent()));
    store.recovered = 3;
    const { feed, transport, emitter } = makeEngine({}, { store, transport: new PortTransport(() => SENT) });
    await vi.waitFor(() => expect(transport.sizes).toEqual([3]), 30_000);
    await vi.waitFor(() => expect(feed.balanced()).toMatchObject({ recovered: 3, accepted: 0, sent: 3 }), 30_000);
    await emitter.close();
  });

  it('keeps what a close could not send, in flight or waiting, and loses nothing', async () => {
    const dropped: unknown[] = [];
    const store = new Durable();
    const { feed, emitter } = makeEngine({ onDrop: ({ events }) => dropped.push(events) }, { store });
    feed.offer(10);
    await turn();
    feed.offer(3);
    expect(await emitter.close({ timeoutMs: 20 })).toEqual({ sent: 0, failed: 0, remaining: 13 });
    expect([store.size, dropped]).toEqual([13, []]);
    expect(await emitter.flush()).toMatchObject({ sent: 0, remaining: 13 });
    feed.balanced();
  });
});

describe('a store that fails', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['answers with a promise', () => Promise.resolve(true)],
    ['answers with a promise that rejects', () => Promise.reject(new Error('disk full'))],
    ['answers with nothing', () => undefined],
  ])('to take events because it %s has them refused as store-error', async (_what, put) => {
    const dropped: unknown[] = [];
    const store = Object.assign(new Custom(), { put: put as never });
    const { feed, emitter } = makeEngine(
      { onDrop: ({ events, reason }) => dropped.push(events.length, reason) },
      { store },
    );
    expect(feed.offer(1)).toBe(0);
    expect(feed.balanced().refused['store-error']).toBe(1);
    expect(emitter.stats().lastError?.message).toMatch(/disk full|put\(\)/);
    expect(dropped).toEqual([1, 'store-error']);
    await emitter.close();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('unreadable');
      },
    ],
    ['rejects', () => Promise.reject(new Error('unreadable'))],
    [
      'throws what is no error',
      () => {
        throw undefined;
      },
    ], // oxlint-disable-line no-throw-literal
  ])('to give events because it %s is asked again later, and recovers', async (_what, broken) => {
    const store = new Custom();
    const take = store.take.bind(store);
    let asked = 0;
    store.take = ((limits: TakeLimits) => (asked++ === 0 ? (broken as () => never)() : take(limits))) as never;
    const { feed, emitter } = makeEngine({}, { store, transport: new PortTransport(() => SENT) });
    feed.offer(10);
    await vi.waitFor(() => expect(asked).toBe(1), 30_000);
    expect(feed.balanced()).toMatchObject({ waiting: 10, inFlight: 0 });
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(10), 30_000);
    expect(asked).toBe(2);
    await emitter.close();
  });

  it.each([
    ['nothing', undefined],
    ['a lease of nothing', { events: [], ack() {}, nack() {} }],
    ['junk', true],
  ])('by giving %s although it counts events does not keep the loop busy, and a close ends', async (_what, given) => {
    let asked = 0;
    const store = Object.assign(new Custom(), { take: () => (asked++, given as never) });
    const { feed, emitter } = makeEngine({}, { store, transport: new PortTransport(() => SENT) });
    feed.offer(10);
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(asked).toBe(1);
    expect(await emitter.flush()).toEqual({ sent: 0, failed: 0, remaining: 10 });
    await emitter.close({ timeoutMs: 20 });
    feed.balanced();
  });

  it('never to give what it promised does not hang a flush or a close', async () => {
    const store = Object.assign(new Custom(), { take: () => new Promise<undefined>(() => {}) });
    const { feed, emitter } = makeEngine({}, { store });
    feed.offer(10);
    expect(await emitter.flush({ timeoutMs: 20 })).toEqual({ sent: 0, failed: 0, remaining: 10 });
    await emitter.close({ timeoutMs: 20 });
    feed.balanced();
  });

  it('to take events back has them reported as given up', async () => {
    const dropped: unknown[] = [];
    const store = new Custom();
    const take = store.inner.take.bind(store.inner);
    store.take = (limits) => {
      const lease = take(limits);
      return lease && { ...lease, nack: () => { throw new Error('disk full'); } }; // prettier-ignore
    };
    const { feed, emitter } = makeEngine(
      { onDrop: ({ events, reason, error }) => dropped.push(events.length, reason, error?.message) },
      { store, transport: new PortTransport(() => failed()) },
    );
    feed.offer(10);
    await vi.waitFor(() => expect(dropped).toEqual([10, 'store-error', 'disk full']), 30_000);
    expect(feed.balanced()).toMatchObject({ inFlight: 0, waiting: 0, dropped: { 'store-error': 10 } });
    await emitter.close();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ])('to forget what was sent because it %s does not stop the emitter', async (_what, ack) => {
    const store = new Custom();
    const take = store.inner.take.bind(store.inner);
    store.take = (limits) => {
      const lease = take(limits);
      return lease && { ...lease, ack: ack as () => void };
    };
    const { feed, emitter, log } = makeEngine({}, { store, transport: new PortTransport(() => SENT) });
    feed.offer(10);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(10), 30_000);
    feed.offer(10);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(20), 30_000);
    expect(log.lines.join('\n')).toContain("the event store's ack");
    await emitter.close();
  });
});
