// What listeners of node:diagnostics_channel are told.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DropMessage, MemoryEventStore, Emitter, Tracker, type TrackMessage } from 'snowplow-middleware';

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

it('a listener hears of each event that was taken, with its payload', () => {
  const tracker = new Tracker({ emitters: { input: () => true } });
  tracker.trackEcommerceTransaction({ orderId: 'T-1', totalValue: 9, items: [{ sku: 'TEA', price: 9, quantity: 1 }] });
  expect(tracked.map((message) => message.payload()['e'])).toEqual(['tr', 'ti']);
  expect(tracked[0]).toMatchObject({ anonymous: false, eventId: tracked[0]?.payload()['eid'] });
});

it('a listener hears once of each event that will not arrive, and why', async () => {
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
