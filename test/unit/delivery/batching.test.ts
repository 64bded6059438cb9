// What starts a request and what it carries: counts, exact bytes, time, anonymity, and the request itself.
import { AsyncEmitter, Emitter, MemoryEventStore, Subject, Tracker, structEvent } from 'snowplow-middleware';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Feed } from '../../support/feed';
import {
  answer,
  onceReady,
  type ReceivedRequest,
  type ScriptedCollector,
  startScriptedCollector,
} from '../../support/scripted-collector';
import { eventsAround, METHODS } from '../../support/sizes';

let collector: ScriptedCollector;
beforeEach(async () => void (collector = await startScriptedCollector()));
afterEach(() => collector.close());

const sizes = (): number[] => collector.requests.map(({ events }) => events.length);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const lengthOf = (request: ReceivedRequest | undefined): number => Number(request?.headers['content-length']);

describe('a request is started', () => {
  it('by the number of events', async () => {
    const emitter = new Emitter(collector.url, { batchSize: 3, flushIntervalMs: 0 });
    const feed = new Feed(emitter);
    for (const expected of [[], [], [3], [3], [3], [3, 3]]) {
      feed.offer(1);
      if (expected.length > collector.requests.length) await collector.requested(expected.length);
      await turn();
      expect(sizes()).toEqual(expected);
    }
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(6), 30_000);
    await emitter.close();
  });

  it.each([
    ['ASCII', 'Harbour in the rain'],
    ['Japanese', '雨の港'],
    ['emoji', '⛵️🌧️'],
  ])('by the exact bytes of the body to be sent, with %s text', async (_what, title) => {
    const probe = new Emitter(collector.url, { batchSize: 100, flushIntervalMs: 0 });
    new Feed(probe).offer(4, { title });
    await probe.close();
    const bytes = lengthOf(collector.requests[0]);
    expect(collector.requests[0]?.body.length).toBe(bytes);

    const options = { batchSize: 100, flushIntervalMs: 0, byteLimit: bytes };
    const exact = new Emitter(collector.url, options);
    const feed = new Feed(exact);
    feed.offer(3, { title });
    await turn();
    expect(collector.requests).toHaveLength(1);
    feed.offer(1, { title });
    await collector.requested(2);
    expect(lengthOf(collector.requests[1])).toBe(bytes);

    const above = new Emitter(collector.url, { ...options, byteLimit: bytes + 1 });
    new Feed(above).offer(4, { title });
    await turn();
    await turn();
    expect(collector.requests).toHaveLength(2);
    await Promise.all([exact.close(), above.close()]);
    feed.balanced();
  });

  it('by the time that an event has waited', async () => {
    const emitter = new Emitter(collector.url, { flushIntervalMs: 30 });
    const feed = new Feed(emitter);
    feed.offer(2);
    await collector.took(2);
    feed.offer(1);
    await collector.took(3);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(3), 30_000);
    expect(sizes()).toEqual([2, 1]);
    await emitter.close();
  });

  it('by the time for what came while another request was out', async () => {
    const emitter = new Emitter(collector.url, { batchSize: 2, flushIntervalMs: 30 });
    const feed = new Feed(emitter);
    feed.offer(2);
    await collector.requested(1);
    feed.offer(1);
    await collector.took(3);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(3), 30_000);
    await emitter.close();
  });

  it('by a buffer that is full before there is a batch', async () => {
    const emitter = new Emitter(collector.url, {
      batchSize: 100,
      bufferCapacityBytes: 1_000,
      flushIntervalMs: 0,
      logger: false,
    });
    const feed = new Feed(emitter);
    feed.offer(20);
    expect(feed.balanced().refused.full).toBeGreaterThan(0);
    await collector.took(feed.accepted.length);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(feed.accepted.length), 30_000);
    expect(feed.offer(1)).toBe(1);
    await emitter.close();
  });
});

describe('the flush timer', () => {
  it('is turned off by an interval of 0', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const emitter = new Emitter(collector.url, { flushIntervalMs: 0 });
      new Feed(emitter).offer(2);
      expect(vi.getTimerCount()).toBe(0);
      emitter.setFlushTimer(1_000);
      expect(vi.getTimerCount()).toBe(1);
      emitter.setFlushTimer(2_000);
      expect(vi.getTimerCount()).toBe(1);
      emitter.cancelFlushTimer();
      expect(vi.getTimerCount()).toBe(0);
      emitter.setFlushTimer(1_000);
      emitter.cancelFlush();
      expect(vi.getTimerCount()).toBe(0);
      emitter.setFlushTimer(1_000);
      vi.advanceTimersByTime(1_000);
      vi.useRealTimers();
      await collector.took(2);
      await emitter.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([NaN, -1, 1.5, Infinity, 2 ** 31])('says what is wrong with an interval of %s', async (intervalMs) => {
    const emitter = new Emitter(collector.url);
    expect(() => emitter.setFlushTimer(intervalMs)).toThrow('setFlushTimer: intervalMs must be an integer from 0');
    await emitter.close();
  });

  it('is started anew for each batch, not left over from the one before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const emitter = new Emitter(collector.url, { batchSize: 2, flushIntervalMs: 1_000 });
      const feed = new Feed(emitter);
      feed.offer(1);
      vi.advanceTimersByTime(900);
      feed.offer(1);
      await vi.waitFor(() => expect(collector.taken.size).toBe(2), 30_000);
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
      feed.offer(1);
      vi.advanceTimersByTime(500);
      await turn();
      await turn();
      expect(collector.requests).toHaveLength(1);
      vi.useRealTimers();
      await emitter.close();
      expect(collector.requests).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a request carries', () => {
  it('what waits, up to the largest batch', async () => {
    const emitter = new Emitter(collector.url, { batchSize: 500, maxBatchSize: 500, flushIntervalMs: 0 });
    const bounded = new Emitter(collector.url, { batchSize: 200, flushIntervalMs: 0 });
    const feed = new Feed(emitter);
    feed.offer(480);
    await emitter.close();
    expect(sizes()).toEqual([480]);
    const other = new Feed(bounded);
    other.offer(600);
    await bounded.close();
    expect(sizes().slice(1)).toEqual([250, 250, 100]);
    feed.balanced();
    other.balanced();
  });

  it.each([
    ['ASCII', 'x'.repeat(300)],
    ['Japanese', '港'.repeat(300)],
    ['short', ''],
  ])('never more bytes than maxPostBytes, with %s text', async (_what, title) => {
    const emitter = new Emitter(collector.url, { batchSize: 200, maxPostBytes: 5_000, flushIntervalMs: 0 });
    const feed = new Feed(emitter);
    feed.offer(100, { title });
    await emitter.close();
    const lengths = collector.requests.map((request) => lengthOf(request));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(5_000);
    // And no less than it could: one more event would not have fitted.
    const largest = Math.max(
      ...collector.requests.flatMap(({ events }) =>
        events.map((event) => Buffer.byteLength(JSON.stringify(event)) + 1),
      ),
    );
    for (const length of lengths.slice(0, -1)) expect(length + largest).toBeGreaterThan(5_000);
    expect(feed.balanced().sent).toBe(100);
  });

  it('an event that just fits maxPostBytes; one byte more is refused as too large', async () => {
    const probe = new Emitter(collector.url);
    new Feed(probe).offer(1, { title: 'x'.repeat(1_500) });
    await probe.close();
    const maxPostBytes = lengthOf(collector.requests[0]);
    const emitter = new Emitter(collector.url, { maxPostBytes, flushIntervalMs: 0, logger: false });
    const feed = new Feed(emitter);
    expect(feed.offer(1, { title: 'x'.repeat(1_500) })).toBe(1);
    expect(feed.offer(1, { title: 'x'.repeat(1_501) })).toBe(0);
    expect(feed.balanced().refused['too-large']).toBe(1);
    await emitter.close();
    expect(lengthOf(collector.requests[1])).toBe(maxPostBytes);
  });

  it('anonymous events apart from others, with the header that says so', async () => {
    const emitter = new Emitter(collector.url, { batchSize: 100, flushIntervalMs: 0 });
    const feed = new Feed(emitter);
    for (let pair = 0; pair < 5; pair++) {
      feed.offer(1);
      feed.offer(1, { anonymous: true });
    }
    await emitter.flush();
    expect(sizes()).toEqual([5, 5]);
    expect(collector.requests.map(({ headers }) => headers['sp-anonymous'])).toEqual([undefined, '*']);
    const [plain, anonymous] = collector.requests.map(({ events }) => events.map(({ eid }) => eid));
    expect(plain).toEqual(feed.accepted.filter((_id, index) => index % 2 === 0));
    expect(anonymous).toEqual(feed.accepted.filter((_id, index) => index % 2 === 1));
    await emitter.close();
    feed.balanced();
  });

  it('the envelope, the path and the content type that collectors know', async () => {
    const emitter = new Emitter(`${collector.url}/some/prefix/`, {
      headers: { Authorization: 'Bearer x', 'User-Agent': 'mine/1' },
    });
    new Feed(emitter).offer(1);
    await emitter.close();
    const [request] = collector.requests;
    expect(request?.method).toBe('POST');
    expect(request?.target).toBe('/some/prefix/com.snowplowanalytics.snowplow/tp2');
    expect(request?.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(request?.headers['authorization']).toBe('Bearer x');
    expect(request?.headers['user-agent']).toBe('mine/1');
    expect(request?.headers['accept-encoding']).toBeUndefined();
    const { schema } = JSON.parse(String(request?.body)) as { schema: string };
    expect(schema).toBe('iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4');
    for (const value of Object.values(request?.events[0] ?? {})) expect(value).toBeTypeOf('string');
  });

  it('stm in whole milliseconds, never before dtm, and fresh for each attempt', async () => {
    collector.next(answer(503));
    const emitter = new Emitter(collector.url, { batchSize: 1, maxRetryDelayMs: 20, logger: false });
    const tracker = new Tracker({ emitters: emitter, subject: new Subject() });
    tracker.track(structEvent({ category: 'c', action: 'a' }));
    const [first, second] = await collector.requested(2);
    const [before, then] = [first?.events[0], second?.events[0]];
    expect(before?.['eid']).toBe(then?.['eid']);
    for (const event of [before, then]) {
      expect(event?.['stm']).toMatch(/^\d{13}$/);
      expect(Number(event?.['stm'])).toBeGreaterThanOrEqual(Number(event?.['dtm']));
    }
    expect(Number(then?.['stm'])).toBeGreaterThan(Number(before?.['stm']));
    await emitter.close();
  });
});

describe('by GET', () => {
  it('each event has a request of its own, at once', async () => {
    const emitter = new Emitter(collector.url, { method: 'get' });
    const feed = new Feed(emitter);
    feed.offer(3, { title: 'Regen & Wind ☔ 100%+' });
    await collector.took(3);
    await emitter.close();
    expect(feed.balanced().sent).toBe(3);
    for (const { method, target, events, headers } of collector.requests) {
      expect([method, target.split('?')[0], events.length]).toEqual(['GET', '/i', 1]);
      expect(events[0]).toMatchObject({ page: 'Regen & Wind ☔ 100%+', stm: expect.stringMatching(/^\d{13}$/) });
      expect([headers['content-type'], headers['content-length']]).toEqual([undefined, undefined]);
    }
  });

  it('an event whose target would be longer than maxGetBytes after encoding is refused', async () => {
    const emitter = new Emitter(collector.url, { method: 'get', maxGetBytes: 1_000, logger: false });
    const feed = new Feed(emitter);
    expect(feed.offer(1, { title: 'x'.repeat(500) })).toBe(1);
    expect(feed.offer(1, { title: '港'.repeat(100) })).toBe(0);
    expect(feed.offer(1, { title: 'x'.repeat(1_000) })).toBe(0);
    expect(feed.balanced().refused['too-large']).toBe(2);
    await emitter.close();
    for (const { target } of collector.requests) expect(target.length).toBeLessThanOrEqual(1_000);
  });

  it('anonymous events carry the header as well', async () => {
    const emitter = new Emitter(collector.url, { method: 'get' });
    new Feed(emitter).offer(1, { anonymous: true });
    await emitter.close();
    expect(collector.requests[0]?.headers['sp-anonymous']).toBe('*');
  });
});

describe.each(METHODS)('by %s', (method) => {
  it('nothing above the limit, whatever was in the store before', async () => {
    const limit = 2_000;
    const { all, fitting } = eventsAround(limit, method);
    const eventStore = new MemoryEventStore();
    const before = new Emitter(collector.url, { eventStore, batchSize: 1_000, maxPostBytes: 1_000_000 });
    for (const event of all) expect(before.input(event)).toBe(true);
    const onDrop = vi.fn();
    const sizesAre = { maxPostBytes: limit, maxGetBytes: limit };
    const emitter = new Emitter(collector.url, { eventStore, method, ...sizesAre, onDrop, logger: false });
    await collector.took(fitting.length, 30_000);
    await vi.waitFor(
      () => expect(emitter.stats()).toMatchObject({ sent: fitting.length, dropped: { 'too-large': 2 } }),
      30_000,
    );
    expect([...collector.taken.keys()]).toEqual(fitting);
    expect(onDrop.mock.calls.map(([{ events, reason }]) => [(events as unknown[]).length, reason as string])).toEqual([
      [1, 'too-large'],
      [1, 'too-large'],
    ]);
    const bytes = collector.requests.map(({ body, target }) => (method === 'post' ? body.length : target.length));
    expect(Math.max(...bytes)).toBe(limit);
    await Promise.all([before.close(), emitter.close()]);
  });
});

describe('requests at once', () => {
  it('are one for Emitter, in the order the events came', async () => {
    const emitter = new Emitter(collector.url, { batchSize: 5, maxBatchSize: 5 });
    const feed = new Feed(emitter);
    feed.offer(50);
    await emitter.close();
    expect(collector.mostOpen).toBe(1);
    expect(collector.requests.flatMap(({ events }) => events.map(({ eid }) => eid))).toEqual(feed.accepted);
  });

  it('are more for AsyncEmitter only as long as a whole batch waits', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => void (release = resolve));
    collector.otherwise = onceReady(held, answer(200));
    const emitter = new AsyncEmitter(collector.url, { batchSize: 2, maxBatchSize: 10, threadCount: 4 });
    const feed = new Feed(emitter);
    feed.offer(2);
    await collector.requested(1);
    feed.offer(9);
    await turn();
    await turn();
    expect(sizes()).toEqual([2]);
    feed.offer(1);
    await collector.requested(2);
    expect(sizes()).toEqual([2, 10]);
    feed.offer(100);
    await collector.requested(4);
    await turn();
    await turn();
    expect(sizes()).toEqual([2, 10, 10, 10]);
    expect(feed.balanced()).toMatchObject({ inFlight: 32, waiting: 80 });
    release();
    await collector.took(112);
    expect(collector.mostOpen).toBe(4);
    expect(collector.connections).toBe(4);
    await emitter.close();
    expect(feed.balanced().sent).toBe(112);
  });
});

it('a burst of 100,000 events is accepted or refused to the last one, and what was accepted arrives once', async () => {
  const emitter = new AsyncEmitter(collector.url, { logger: false });
  const feed = new Feed(emitter);
  feed.offer(100_000);
  expect(feed.accepted.length + feed.refused.length).toBe(100_000);
  expect(feed.balanced().refused.full).toBe(feed.refused.length);
  expect(feed.accepted).toHaveLength(10_000);
  await emitter.close();
  expect(feed.balanced()).toMatchObject({ sent: 10_000, waiting: 0, inFlight: 0 });
  expect(collector.taken.size).toBe(10_000);
  expect([...collector.received.values()].every((times) => times === 1)).toBe(true);
  for (const id of feed.accepted) expect(collector.taken.has(id)).toBe(true);
});
