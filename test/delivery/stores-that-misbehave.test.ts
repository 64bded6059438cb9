// Event stores of the user's own: slow ones, broken ones, durable ones. Nothing of theirs may throw at a caller or hang a close.
import type { Cut, EventStore, Lease } from 'snowplow-middleware';
import { MemoryEventStore } from 'snowplow-middleware';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EncodedEvent } from '../../src/core/emitter';
import { encodedEvent } from '../contracts/event-store';
import { failed, makeEngine, PortTransport, SENT } from '../support/engine';

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
  take(cut: Cut): Lease | undefined | Promise<Lease | undefined> {
    return this.inner.take(cut);
  }
}

/** Gives its leases later; they count as waiting until then, as the port has it. */
class Slow extends Custom {
  override async take(cut: Cut): Promise<Lease | undefined> {
    await turn();
    return this.inner.take(cut);
  }
}

/** Gives its leases later, and takes them out of its count at once. */
class Eager extends Custom {
  override async take(cut: Cut): Promise<Lease | undefined> {
    const lease = this.inner.take(cut);
    await turn();
    return lease;
  }
}

describe.each([
  ['counts its events as waiting until then', Slow],
  ['does not count them any more', Eager],
])('a store that gives its events later and %s', (_what, Store) => {
  it('has its events sent, all of them once', async () => {
    const transport = new PortTransport(() => SENT);
    const { feed, emitter } = makeEngine({ threads: 4, maxBatchSize: 10 }, { store: new Store(), transport });
    for (let count = 0; count < 105; count++) emitter.input({ tv: 't', p: 'srv', e: 'pv' });
    await emitter.flush();
    const ids = transport.sends.flatMap((send) => send.ids);
    expect([ids.length, new Set(ids).size]).toEqual([105, 105]);
    expect(emitter.stats()).toMatchObject({ sent: 105, waiting: 0, inFlight: 0 });
    expect(feed.offered).toBe(0);
    await emitter.close();
  });

  it('has a flush wait for what it is still giving', async () => {
    const { emitter, transport } = makeEngine({}, { store: new Store() });
    for (let count = 0; count < 3; count++) emitter.input({ tv: 't', p: 'srv', e: 'pv' });
    let done = false;
    const flushed = emitter.flush().finally(() => (done = true));
    await turn();
    await turn();
    expect([transport.sizes, done]).toEqual([[3], false]);
    transport.sends[0]?.answer(SENT);
    expect(await flushed).toEqual({ sent: 3, failed: 0, remaining: 0 });
    await emitter.close();
  });

  it('has what it gives after the close reported as lost', async () => {
    const dropped: unknown[] = [];
    const store = new Store();
    const gives: (() => void)[] = [];
    const take = store.take.bind(store);
    store.take = async (cut) => {
      await new Promise<void>((resolve) => void gives.push(resolve));
      return take(cut);
    };
    const { emitter, transport } = makeEngine(
      { onDrop: (events, reason) => dropped.push(events.length, reason) },
      { store },
    );
    emitter.input({ tv: 't', p: 'srv', e: 'pv' });
    await emitter.close({ timeoutMs: 20 });
    for (const give of gives) give();
    await vi.waitFor(() => expect(dropped).toEqual([1, 'shutdown']), 30_000);
    expect(transport.sends).toEqual([]);
    expect(emitter.stats()).toMatchObject({ waiting: 0, inFlight: 0, dropped: { shutdown: 1 } });
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
    const { feed, emitter } = makeEngine({ onDrop: (events) => dropped.push(events) }, { store });
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
      { onDrop: (events, reason) => dropped.push(events.length, reason) },
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
    store.take = ((cut: Cut) => (asked++ === 0 ? (broken as () => never)() : take(cut))) as never;
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
    store.take = (cut) => {
      const lease = take(cut);
      return lease && { ...lease, nack: () => { throw new Error('disk full'); } }; // prettier-ignore
    };
    const { feed, emitter } = makeEngine(
      { onDrop: (events, reason, error) => dropped.push(events.length, reason, error?.message) },
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
    store.take = (cut) => {
      const lease = take(cut);
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
