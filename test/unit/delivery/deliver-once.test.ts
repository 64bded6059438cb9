// What an attempt of a queue's job costs: the requests to a receiver that fails, and to one that refuses an event.
import { describe, expect, it } from 'vitest';
import { DELIVERY_RULES, deliveryOf } from '../../../src/delivery/delivery';
import { deliverOnce } from '../../../src/delivery/deliver-once';
import { resolveOptions } from '../../../src/core/options';
import type { Outcome } from '../../../src/delivery/transport';
import { encodedEvents } from '../../support/events';
import { failed, PortTransport, SENT } from '../../support/engine';

const options = { endpoint: 'collector.test', logger: false } as const;
const { settings, log } = deliveryOf('test', resolveOptions('test', options, DELIVERY_RULES, {}));
const suspicious: Outcome = { status: 'retry', error: new Error('said 503'), code: 503, suspicious: true };

describe('an attempt of a job', () => {
  it.each([
    [1, [1]],
    [2, [2, 1, 1]],
    [30, [30, 1, 1]],
  ])('of %i events asks a receiver that fails for all of them and for two at most alone', async (count, sizes) => {
    const transport = new PortTransport(() => suspicious);
    const events = encodedEvents(count);
    const { kept, refused, error } = await deliverOnce(events, { settings, transport, log });
    expect(transport.sizes).toEqual(sizes);
    expect([new Set(kept), refused, error]).toEqual([new Set(events), [], 'said 503']);
  });

  it('asks once where nobody was there to refuse an event', async () => {
    const transport = new PortTransport(() => failed());
    const { kept } = await deliverOnce(encodedEvents(30), { settings, transport, log });
    expect([transport.sizes, kept.length]).toEqual([[30], 30]);
  });

  it('keeps the one event that the receiver fails on, and sends the others', async () => {
    const events = encodedEvents(30);
    const transport = new PortTransport((sent) => (sent.includes(events[17] as never) ? suspicious : SENT));
    const { kept } = await deliverOnce(events, { settings, transport, log });
    expect(kept).toEqual([events[17]]);
  });
});
