// Rows 14 to 21 and 25 to 28 of the reference tables, from the user's side: emitters, and the outcome of events.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AsyncEmitter, Emitter, MemoryEventStore, pageView, Tracker, type EmitterLike, type EventMeta, type FailureInfo, type Payload,
} from 'snowplow-middleware'; // prettier-ignore
import { useShop } from '../../support/shop';

const shop = useShop();
const page = { pageUrl: 'https://shop.acme.com/tea' };
const track = (tracker: Tracker, times: number): void => {
  for (let count = 0; count < times; count++) tracker.trackPageView(page);
};
const sizes = (): number[] => shop.collector.requests().map(({ eventCount }) => eventCount);

describe('emitters', () => {
  it('row 14: an emitter takes its endpoint, protocol, port, method and limits, and joins them to the right URL', async () => {
    const { port, hostname } = new URL(shop.collector.url);
    const post = new Emitter(hostname, { protocol: 'http', port: Number(port), method: 'post', batchSize: 2, byteLimit: 5_000, requestTimeoutMs: 900 }); // prettier-ignore
    const get = new Emitter({ endpoint: `HTTP://${hostname}:${port}/`, method: 'get' });
    for (const emitter of [post, get]) track(new Tracker({ emitters: emitter }), 1);
    await Promise.all([post.close(), get.close()]);
    expect(shop.collector.requests().map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
      'GET /i',
      'POST /com.snowplowanalytics.snowplow/tp2',
    ]); // prettier-ignore
    shop.collector.assertAllGood();
    expect(() => new Emitter('')).toThrow('Emitter: endpoint must be a non-empty string, got ""');
  });

  it('row 14: a collector that never answers costs a time-out, not the app', async () => {
    const failures: FailureInfo[] = [];
    const tracker = shop.tracker(
      {},
      { requestTimeoutMs: 500, onFailure: (_sent, _unsent, info) => failures.push(info) },
    );
    shop.collector.fail({ connection: 'hang', times: 1 });
    track(tracker, 1);
    expect(await tracker.flush()).toEqual({ sent: 0, failed: 1, remaining: 1 });
    expect(failures).toMatchObject([{ willRetry: true, error: expect.any(Error) as Error }]);
    expect(await tracker.flush()).toMatchObject({ sent: 1, remaining: 0 });
  });

  it('row 15: a POST goes with ten events, a GET with one, and the batch size is the app’s to say', async () => {
    const post = shop.tracker();
    track(post, 9);
    await new Promise(setImmediate);
    expect(shop.collector.requests()).toEqual([]);
    track(post, 1);
    await vi.waitFor(() => expect(sizes()).toEqual([10]), 30_000);
    track(shop.tracker({}, { method: 'get' }), 1);
    await vi.waitFor(() => expect(sizes()).toEqual([10, 1]), 30_000);
    track(shop.tracker({}, { batchSize: 3 }), 3);
    await vi.waitFor(() => expect(sizes()).toEqual([10, 1, 3]), 30_000);
  });

  it('row 16: onSuccess gets the events, onFailure how many went and those that did not, and may throw', async () => {
    const told: unknown[] = [];
    const onSuccess = (events: Payload[]): never => {
      told.push(['sent', events.length]);
      throw new Error('mine');
    };
    const onFailure = (sent: number, unsent: Payload[], { willRetry, status }: FailureInfo): never => {
      told.push(['failed', sent, unsent.length, willRetry, status]);
      throw new Error('mine');
    };
    const tracker = shop.tracker({}, { onSuccess, onFailure });
    shop.collector.fail({ status: 500, times: 1 });
    shop.collector.fail({ status: 401, times: 1 });
    track(tracker, 2);
    await tracker.flush();
    await tracker.flush();
    track(tracker, 1);
    await tracker.flush();
    expect(told).toEqual([['failed', 0, 2, true, 500], ['failed', 0, 2, false, 401], ['sent', 1]]); // prettier-ignore
  });

  it('row 17: every failure is tried again but 400, 401, 403, 410 and 422, and the app may decide otherwise', async () => {
    const outcomeOf = async (status: number, customRetryCodes = {}): Promise<string> => {
      const tracker = shop.tracker({}, { customRetryCodes });
      shop.collector.fail({ status, times: 1 });
      track(tracker, 1);
      await tracker.flush();
      const { waiting, dropped, sent } = tracker.stats().emitters[0]!;
      await tracker.flush();
      return waiting ? 'kept' : dropped.rejected ? 'given up' : sent ? 'sent' : 'lost';
    };
    for (const status of [400, 401, 403, 410, 422])
      expect([status, await outcomeOf(status)]).toEqual([status, 'given up']);
    for (const status of [301, 404, 408, 429, 500, 502, 503, 504]) expect([status, await outcomeOf(status)]).toEqual([status, 'kept']); // prettier-ignore
    expect(await outcomeOf(503, { 503: false })).toBe('given up');
    expect(await outcomeOf(401, { 401: true })).toBe('kept');
    expect(await outcomeOf(202, { 202: true })).toBe('sent');
  });

  it('row 18: after a failure it waits, longer each time up to the limit, and tries by itself; flush tries at once', async () => {
    const tracker = shop.tracker({}, { maxRetryDelayMs: 20 });
    shop.collector.fail({ times: 2 });
    track(tracker, 10);
    await vi.waitFor(() => expect(tracker.stats().emitters[0]!.sent).toBe(10), { timeout: 30_000 });
    expect(shop.collector.requests()).toHaveLength(4);

    const patient = shop.tracker({}, { maxRetryDelayMs: 60_000 });
    shop.collector.fail({ times: 1 });
    track(patient, 1);
    await patient.flush();
    expect(await patient.flush()).toMatchObject({ sent: 1, remaining: 0 });
  });

  it('row 19: a full buffer refuses the new event, says so, and keeps what it has', async () => {
    const dropped: string[] = [];
    const tracker = shop.tracker({}, { bufferCapacity: 3, batchSize: 3, onDrop: ({ events, reason }) => dropped.push(`${events.length} ${reason}`) }); // prettier-ignore
    shop.collector.fail();
    track(tracker, 3);
    expect(tracker.track(pageView(page))).toBeUndefined();
    expect(dropped).toEqual(['1 full']);
    expect(tracker.stats()).toMatchObject({ offered: 4, accepted: 3, refused: { full: 1 } });
    await tracker.flush();
    expect(tracker.track(pageView(page))).toBeUndefined();
    shop.collector.reset();
    expect(await tracker.flush()).toMatchObject({ sent: 3, remaining: 0 });
  });

  it('row 20: events wait in a store, which may be the app’s, and the rejected leave it too', async () => {
    const eventStore = new MemoryEventStore({ capacity: 100, capacityBytes: 1_000_000 });
    const tracker = shop.tracker({}, { eventStore });
    track(tracker, 4);
    expect(eventStore.size).toBe(4);
    shop.collector.fail({ status: 401, times: 1 });
    await tracker.flush();
    expect(eventStore.size).toBe(0);
    track(tracker, 1);
    await tracker.flush();
    expect(sizes()).toEqual([4, 1]);
  });

  it('row 21: an AsyncEmitter has several requests out at once, and at most as many as it is told', async () => {
    const emitter = new AsyncEmitter(shop.collector.url, { threadCount: 3, batchSize: 10, maxBatchSize: 10 });
    const tracker = new Tracker({ emitters: emitter });
    shop.collector.delay(150);
    track(tracker, 100);
    await vi.waitFor(() => expect(emitter.stats().inFlight).toBe(30), 30_000);
    expect(shop.collector.requests().length).toBeLessThanOrEqual(3);
    shop.collector.reset();
    await emitter.close();
    expect(emitter.stats()).toMatchObject({ sent: 100, inFlight: 0, waiting: 0 });
  });
});

describe('flushing', () => {
  it('row 25: flush awaited sends everything, and not awaited as well; in a callback it cannot lock up', async () => {
    let inside: Promise<unknown> | undefined;
    const onSuccess = (): void => {
      inside ??= tracker.flush();
    };
    const tracker: Tracker = shop.tracker({}, { onSuccess });
    track(tracker, 2);
    expect(await tracker.flush()).toEqual({ sent: 2, failed: 0, remaining: 0 });
    expect(await inside).toMatchObject({ remaining: 0 });
    track(tracker, 1);
    void tracker.flush();
    await shop.collector.waitFor(() => true, 3);
  });

  describe('row 28: the flush timer', () => {
    const turns = async (): Promise<void> => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    };
    const requests = async (count: number): Promise<void> => {
      while (shop.collector.requests().length < count) await new Promise(setImmediate);
    };
    beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
    afterEach(() => vi.useRealTimers());

    it('is on without a word: an event waits for company five seconds at most', async () => {
      track(shop.tracker(), 1);
      vi.advanceTimersByTime(4_999);
      await turns();
      expect(shop.collector.requests()).toEqual([]);
      vi.advanceTimersByTime(1);
      await requests(1);
    });

    it('is replaced by setting it again, works every time, and can be cancelled', async () => {
      const emitter = shop.emitter({ flushIntervalMs: 0 });
      const tracker = new Tracker({ emitters: emitter });
      emitter.setFlushTimer(60_000);
      track(tracker, 1);
      emitter.setFlushTimer(100);
      for (const count of [1, 2]) {
        vi.advanceTimersByTime(100);
        await requests(count);
        track(tracker, 1);
      }
      emitter.cancelFlush();
      vi.advanceTimersByTime(1_000_000);
      await turns();
      expect(emitter.stats().waiting).toBe(1);
    });
  });
});

describe('several emitters and the app’s own', () => {
  it('row 26: each emitter gets every event, those added later too, and one that throws harms no other', async () => {
    const got: Payload[] = [];
    const throwing: EmitterLike = { input: () => { throw new Error('mine'); } }; // prettier-ignore
    const tracker = new Tracker({ emitters: [throwing, shop.emitter()], logger: false });
    tracker.addEmitter(shop.emitter({ method: 'get' })).addEmitter({ input: (payload) => void got.push(payload) });
    track(tracker, 1);
    const arrived = await shop.arrived(tracker);
    expect(arrived).toHaveLength(2);
    expect(new Set([...arrived, ...got].map(({ eid }) => eid)).size).toBe(1);
    expect(Object.isFrozen(got[0])).toBe(true);
  });

  it('row 27: an emitter of one’s own is an object with an input method, or a subclass', async () => {
    const got: Payload[] = [];
    track(new Tracker({ emitters: { input: (payload) => void got.push(payload) } }), 1);
    expect(got).toMatchObject([{ e: 'pv' }]);

    class Sampling extends Emitter {
      override input(payload: Payload, meta?: EventMeta): boolean {
        return payload['e'] === 'pv' ? super.input(payload, meta) : false;
      }
    }
    const emitter = new Sampling(shop.collector.url);
    const tracker = new Tracker({ emitters: emitter });
    tracker.trackScreenView({ name: 'Home' }).trackPageView(page);
    await emitter.close();
    expect(shop.collector.good().map(({ event }) => event)).toEqual(['page_view']);
  });
});
