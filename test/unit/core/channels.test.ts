// What listeners of node:diagnostics_channel receive.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  createTracker,
  type DropMessage,
  Emitter,
  type FlushMessage,
  MemoryEventStore,
  Tracker,
  type TrackMessage,
} from 'snowplow-middleware';
import { startCollector } from 'snowplow-middleware/collector';

const tracked: TrackMessage[] = [];
const dropped: DropMessage[] = [];
const onTrack = (message: unknown): void => void tracked.push(message as TrackMessage);
const onDrop = (message: unknown): void => void dropped.push(message as DropMessage);

beforeEach(() => {
  tracked.length = dropped.length = 0;
  subscribe('snowplow:track', onTrack);
  subscribe('snowplow:drop', onDrop);
});
afterEach(() => {
  unsubscribe('snowplow:track', onTrack);
  unsubscribe('snowplow:drop', onDrop);
});

it('a listener gets each accepted event, with its payload', () => {
  const tracker = new Tracker({ emitters: { input: () => true } });
  tracker.trackEcommerceTransaction({ orderId: 'T-1', totalValue: 9, items: [{ sku: 'TEA', price: 9, quantity: 1 }] });
  expect(tracked.map((message) => message.payload()['e'])).toEqual(['tr', 'ti']);
  expect(tracked[0]).toMatchObject({ anonymous: false, eventId: tracked[0]?.payload()['eid'] });
});

it('a listener is called once for each event that will not arrive, with the reason', async () => {
  const store = new MemoryEventStore({ capacity: 2 });
  const emitter = new Emitter({ endpoint: 'http://127.0.0.1:9', eventStore: store, flushIntervalMs: 0, logger: false });
  const tracker = new Tracker({ emitters: emitter, contracts: 'log', logger: false });
  for (let n = 0; n < 3; n++) tracker.trackStructEvent({ category: 'a', action: 'b' });
  tracker.trackStructEvent({ category: '', action: 'b' });
  await emitter.close({ timeoutMs: 50 });
  expect(dropped).toEqual([
    { reason: 'full', events: 1 },
    { reason: 'invalid', events: 1 },
    { reason: 'shutdown', events: 2 },
  ]);
  expect(tracked).toHaveLength(2);
});

describe('a listener of the tracing channel snowplow:flush', () => {
  const channels = tracingChannel<'snowplow:flush', FlushMessage>('snowplow:flush');

  /** Writes down each step, with what the message says at that time; until the test is over. */
  function listen(note: (step: string, message: FlushMessage) => void): void {
    const steps = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;
    const [start, end, asyncStart, asyncEnd, error] = steps.map(
      (step) => (message: FlushMessage) => note(step, message),
    );
    const listeners = { start, end, asyncStart, asyncEnd, error } as Required<Parameters<typeof channels.subscribe>[0]>;
    channels.subscribe(listeners);
    onTestFinished(() => {
      channels.unsubscribe(listeners);
    });
  }

  async function shop() {
    const collector = await startCollector();
    onTestFinished(() => collector.close());
    const tracker = createTracker({ endpoint: collector.url, emitter: { flushIntervalMs: 0 }, logger: false });
    onTestFinished(() => void tracker.close());
    return { collector, tracker };
  }

  it('sees where a flush begins and ends, and what it did', async () => {
    const { tracker } = await shop();
    const seen: unknown[] = [];
    listen((step, { timeoutMs, result }) => seen.push([step, timeoutMs, result]));
    await tracker.trackStructEvent({ category: 'a', action: 'b' }).flush({ timeoutMs: 3_000 });
    const result = { sent: 1, failed: 0, remaining: 0 };
    expect(seen).toEqual([
      ['start', 3_000, undefined],
      ['end', 3_000, undefined],
      ['asyncStart', 3_000, result],
      ['asyncEnd', 3_000, result],
    ]);
  });

  it('learns from the result, not from an error, that a flush has failed', async () => {
    const { collector, tracker } = await shop();
    collector.fail({ status: 503, times: 1 });
    const seen: unknown[] = [];
    listen((step, { result }) => void (step.startsWith('async') || step === 'error' ? seen.push([step, result]) : 0));
    await tracker.trackStructEvent({ category: 'a', action: 'b' }).flush();
    const result = { sent: 0, failed: 1, remaining: 1 };
    expect(seen).toEqual([
      ['asyncStart', result],
      ['asyncEnd', result],
    ]);
  });

  it('sees the flush of a close, and can tell whose request asked for one', async () => {
    const { tracker } = await shop();
    const scope = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    listen((step, { result }) => void (step === 'asyncEnd' ? seen.push([scope.getStore(), result?.sent]) : 0));
    tracker.trackStructEvent({ category: 'a', action: 'b' });
    await scope.run('request 7', () => tracker.flush());
    await tracker.trackStructEvent({ category: 'a', action: 'b' }).close();
    expect(seen).toEqual([
      ['request 7', 1],
      [undefined, 1],
    ]);
  });
});
