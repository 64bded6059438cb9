// Faults that trackers of this family have had in delivering events, each as the behaviour that must hold here.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AsyncEmitter, createTracker, Emitter, MemoryEventStore, screenView, Tracker } from 'snowplow-middleware';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { expectBalanced, Feed, sampleEvent } from '../../support/feed';
import {
  after,
  answer,
  hang,
  reset,
  type ScriptedCollector,
  startScriptedCollector,
} from '../../support/scripted-collector';

let collector: ScriptedCollector;
beforeEach(async () => void (collector = await startScriptedCollector()));
afterEach(() => collector.close());

const turns = async (count = 5): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => void setImmediate(resolve));
};
const quiet = { logger: false, flushIntervalMs: 0 } as const;

describe('options', () => {
  it('given to createTracker all reach its emitter, the buffer capacity among them', async () => {
    const { port } = new URL(collector.url);
    const emitter = {
      bufferCapacity: 25,
      protocol: 'http',
      port: Number(port),
      maxRetryDelayMs: 50,
      batchSize: 1_000,
      ...quiet,
    } as const;
    const tracker = createTracker({ endpoint: '127.0.0.1', emitter, logger: false });
    for (let count = 0; count < 40; count++) tracker.trackScreenView({ name: 'Quay' });
    expect(tracker.stats()).toMatchObject({ accepted: 25, refused: { full: 15 } });
    await tracker.close();
    expect(collector.taken.size).toBe(25);
  });

  it('of one emitter do not leak into another', async () => {
    collector.next(answer(500), answer(500));
    const never = new Emitter(collector.url, { ...quiet, batchSize: 1, customRetryCodes: { 500: false } });
    const byDefault = new Emitter(collector.url, { ...quiet, batchSize: 1, maxRetryDelayMs: 1 });
    never.input(sampleEvent());
    await vi.waitFor(() => expect(expectBalanced(never, 1).dropped.rejected).toBe(1), 30_000);
    byDefault.input(sampleEvent());
    await vi.waitFor(() => expect(expectBalanced(byDefault, 1).sent).toBe(1), 30_000);
    await Promise.all([never.close(), byDefault.close()]);
  });
});

describe('a collector that is down', () => {
  it('is not asked in a hot loop by a flush: one attempt for each batch, and a report', async () => {
    collector.otherwise = answer(503);
    const emitter = new AsyncEmitter(collector.url, { ...quiet, maxBatchSize: 10 });
    const feed = new Feed(emitter);
    feed.offer(9);
    for (let count = 0; count < 3; count++) {
      const before = collector.requests.length;
      expect(await emitter.flush()).toEqual({ sent: 0, failed: 9, remaining: 9 });
      expect(collector.requests.length - before).toBe(1);
    }
    await emitter.close({ timeoutMs: 1 });
    feed.balanced();
  });

  it('holds no more events in flight and waiting together than the capacity says', async () => {
    collector.otherwise = hang();
    const emitter = new AsyncEmitter(collector.url, { ...quiet, bufferCapacity: 10, batchSize: 1, maxBatchSize: 1 });
    const feed = new Feed(emitter);
    feed.offer(100);
    await collector.requested(1);
    feed.offer(100);
    expect(feed.balanced()).toMatchObject({ accepted: 10, refused: { full: 190 } });
    await emitter.close({ timeoutMs: 1 });
  });

  it('is retried without a further event, flush or call', async () => {
    collector.next(answer(503), answer(500));
    const emitter = new Emitter(collector.url, { ...quiet, batchSize: 3, maxRetryDelayMs: 10 });
    const feed = new Feed(emitter);
    feed.offer(3);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(3), 30_000);
    await emitter.close();
  });

  it('does not get a request for each event that is tracked, with an ever larger batch', async () => {
    collector.otherwise = answer(503);
    const emitter = new Emitter(collector.url, quiet);
    const feed = new Feed(emitter);
    feed.offer(10);
    await vi.waitFor(() => expect(feed.balanced().retried).toBe(10), 30_000);
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    for (let count = 0; count < 50; count++) {
      feed.offer(1);
      await turns(1);
    }
    expect(collector.requests.length).toBeLessThanOrEqual(2);
    vi.restoreAllMocks();
    collector.otherwise = answer(200);
    await emitter.close();
    expect(feed.balanced().sent).toBe(60);
  });

  it('gets its backlog in requests of a bounded size once it is back, oldest first', async () => {
    collector.next(answer(503));
    const emitter = new Emitter(collector.url, { ...quiet, maxRetryDelayMs: 50 });
    const feed = new Feed(emitter);
    feed.offer(10);
    await collector.requested(1);
    feed.offer(5_000);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(5_010), 30_000);
    for (const { events, body } of collector.requests) {
      expect(events.length).toBeLessThanOrEqual(250);
      expect(body.length).toBeLessThanOrEqual(131_072);
    }
    const order = collector.requests.slice(1).flatMap(({ events }) => events.map(({ eid }) => eid));
    expect(order).toEqual(feed.accepted);
    await emitter.close();
  });
});

describe('a failure', () => {
  it('does not put the failed events behind newer ones, and evicts nothing when the buffer is full', async () => {
    collector.next(after(50, answer(503)));
    const emitter = new Emitter(collector.url, {
      ...quiet,
      batchSize: 5,
      maxBatchSize: 5,
      bufferCapacity: 10,
      maxRetryDelayMs: 10,
    });
    const feed = new Feed(emitter);
    feed.offer(5);
    await collector.requested(1);
    feed.offer(10);
    expect(feed.accepted).toHaveLength(10);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(10), 30_000);
    expect(collector.requests.slice(1).flatMap(({ events }) => events.map(({ eid }) => eid))).toEqual(feed.accepted);
    await emitter.close();
  });

  it('of some events of a batch settles every event with the store, so that it can forget what is done', async () => {
    collector.next(answer(400), answer(500), answer(200));
    const store = new MemoryEventStore({ capacity: 3 });
    const emitter = new Emitter(collector.url, {
      ...quiet,
      method: 'get',
      batchSize: 3,
      eventStore: store,
      maxRetryDelayMs: 5,
    });
    const feed = new Feed(emitter);
    feed.offer(3);
    await vi.waitFor(
      () => expect(feed.balanced()).toMatchObject({ sent: 2, dropped: { rejected: 1 }, waiting: 0 }),
      30_000,
    );
    // The whole capacity is free again: no event was forgotten in the books.
    expect(feed.offer(4)).toBe(3);
    await emitter.close();
    expect(feed.balanced().sent).toBe(5);
  });

  it('of a request whose events the collector has taken sends them again under the same ids', async () => {
    collector.next(reset({ commits: true }));
    const emitter = new Emitter(collector.url, { ...quiet, batchSize: 2, maxRetryDelayMs: 5 });
    const feed = new Feed(emitter);
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect([...collector.taken.entries()]).toEqual(feed.accepted.map((id) => [id, 2]));
    await emitter.close();
  });

  it('for good of the first batch does not leave the others behind', async () => {
    collector.next(answer(400));
    const emitter = new Emitter(collector.url, { ...quiet, maxBatchSize: 14 });
    const feed = new Feed(emitter);
    feed.offer(9);
    feed.offer(91);
    const { sent, remaining } = await emitter.flush();
    expect(remaining).toBe(0);
    expect(sent + feed.balanced().dropped.rejected).toBe(100);
    await emitter.close();
  });
});

describe('an event', () => {
  it('that is larger than a request may be is refused at once, never sent outside the books', async () => {
    const emitter = new Emitter(collector.url, { ...quiet, maxPostBytes: 1_024 });
    const feed = new Feed(emitter);
    expect(feed.offer(1, { title: 'x'.repeat(1_000) })).toBe(0);
    await emitter.flush();
    expect([collector.requests.length, feed.balanced().refused['too-large']]).toEqual([0, 1]);
    await emitter.close();
  });

  it('with half a character in it blocks nothing, by GET or by POST', async () => {
    for (const method of ['get', 'post'] as const) {
      const emitter = new Emitter(collector.url, { ...quiet, method });
      const feed = new Feed(emitter);
      feed.offer(1, { title: 'cut \ud83d' });
      feed.offer(5);
      await emitter.close();
      expect(feed.balanced().sent).toBe(6);
    }
  });

  it('with values of any kind never makes a promise reject or a call throw', async () => {
    const emitter = new Emitter(collector.url, quiet);
    const junk = Object.create(null, {
      e: { enumerable: true, value: 'pv' },
      page: { enumerable: true, value: Object.create(null) },
      url: { enumerable: true, get: () => { throw new Error('no'); } },
    }) as Record<string, string>; // prettier-ignore
    expect(emitter.input(junk)).toBe(false);
    expectBalanced(emitter, 1);
    await emitter.close();
  });
});

describe('the counts', () => {
  it('stay true when events are refused while a request is out: nothing that was never sent is forgotten', async () => {
    collector.otherwise = after(30, answer(200));
    const emitter = new Emitter(collector.url, { ...quiet, bufferCapacity: 100, maxBatchSize: 50 });
    const feed = new Feed(emitter);
    for (let wave = 0; wave < 5; wave++) {
      feed.offer(60);
      await turns(2);
    }
    await emitter.close();
    const stats = feed.balanced();
    expect(stats.sent).toBe(feed.accepted.length);
    expect([...collector.taken.keys()].toSorted()).toEqual(feed.accepted.toSorted());
  });

  it('say how an event was refused, and track gives no id for it', async () => {
    const reasons: unknown[] = [];
    const emitter = new Emitter(collector.url, {
      ...quiet,
      bufferCapacity: 1,
      batchSize: 1,
      onDrop: ({ reason }) => reasons.push(reason),
    });
    const tracker = new Tracker({ emitters: emitter, logger: false });
    expect(tracker.track(screenView({ name: 'one' }))).toBeTypeOf('string');
    expect(tracker.track(screenView({ name: 'two' }))).toBeUndefined();
    expect(reasons).toEqual(['full']);
    await emitter.close();
  });
});

describe('speed', () => {
  it('does not hang on one small request for each round trip: a request carries what waits', async () => {
    collector.otherwise = after(20, answer(200));
    const emitter = new AsyncEmitter(collector.url, quiet);
    const feed = new Feed(emitter);
    for (let wave = 0; wave < 20; wave++) {
      feed.offer(200);
      await turns(1);
    }
    await emitter.close();
    expect(feed.balanced().sent).toBe(4_000);
    // Every request but the first few is filled by count or by bytes.
    expect(collector.requests.length).toBeLessThan(45);
  });

  it('keeps nothing of what was sent while events keep coming', async () => {
    const sent: WeakRef<object>[] = [];
    class Watched extends MemoryEventStore {
      override put(events: Parameters<MemoryEventStore['put']>[0]): boolean {
        for (const event of events) sent.push(new WeakRef(event));
        return super.put(events);
      }
    }
    const emitter = new AsyncEmitter(collector.url, { ...quiet, eventStore: new Watched() });
    const feed = new Feed(emitter);
    for (let wave = 0; wave < 10; wave++) {
      feed.offer(200);
      await collector.took(200 * wave + 1);
    }
    await emitter.flush();
    await turns();
    collectGarbage();
    expect(sent.filter((event) => event.deref() !== undefined).length).toBeLessThan(500);
    await emitter.close();
    feed.balanced();
  });
});

// The flag may be set at run time; the function is then there in a context made after that.
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
