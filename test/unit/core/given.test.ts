// track(event, args): a builder's event or self-describing data, and the common arguments laid over it.
import { describe, expect, it } from 'vitest';
import { ecommerceTransaction, pageView, Subject, structEvent } from 'snowplow-middleware';
import { capture, entitiesOf, eventOf, thrownBy } from '../../support/capture';

const THING = 'iglu:com.acme/thing/jsonschema/1-0-0';
const thing = (n: number): { schema: string; data: object } => ({ schema: THING, data: { n } });
const ID = '3c0f2d54-7d55-4a0a-9d02-7b8a3b1c0d01';
const OTHER = '3c0f2d54-7d55-4a0a-9d02-7b8a3b1c0d02';

describe('self-describing data', () => {
  it('is an event', () => {
    const { tracker, last } = capture();
    expect(tracker.track(thing(1))).toBe(last()['eid']);
    expect(last()['e']).toBe('ue');
    expect(eventOf(last())).toEqual(thing(1));
  });

  it('takes what every event takes', () => {
    const { tracker, last } = capture();
    const subject = new Subject().setUserId('u-17');
    expect(tracker.track(thing(1), { eventId: ID, timestamp: 1_650_000_000_999, subject, context: [thing(2)] })).toBe(
      ID,
    );
    expect(last()).toMatchObject({ eid: ID, ttm: '1650000000999', uid: 'u-17' });
    expect(entitiesOf(last())).toEqual([thing(2)]);
    tracker.track(thing(1), { subject, anonymous: true });
    expect(last()).not.toHaveProperty('uid');
  });

  it.each([
    [{ schema: 'thing', data: {} }, undefined, 'event.schema'],
    [{ schema: THING, data: 7 }, undefined, 'event.data'],
    [{ schema: THING }, undefined, 'event.data'],
    [thing(1), 7, 'args'],
    [thing(1), { context: 7 }, 'context'],
    [thing(1), { eventId: 'x' }, 'eventId'],
  ])('%j with %j breaks the contract by its %s', (event, args, path) => {
    const { tracker, payloads } = capture();
    expect(thrownBy(() => tracker.track(event as never, args as never))).toMatchObject({ path });
    expect(payloads).toEqual([]);
    expect(tracker.stats().refused.invalid).toBe(1);
  });
});

describe('arguments beside a builder’s event', () => {
  it('are laid over its own, where they are present', () => {
    const { tracker, last } = capture();
    const event = pageView({ pageUrl: 'http://h/', eventId: ID, timestamp: 1_650_000_000_000 });
    expect(tracker.track(event, { eventId: OTHER, timestamp: null })).toBe(OTHER);
    expect(last()).toMatchObject({ e: 'pv', eid: OTHER, ttm: '1650000000000' });
    tracker.track(event, {});
    expect(last()['eid']).toBe(ID);
  });

  it('add their entities to its own, and leave the event as it was', () => {
    const { tracker, last } = capture();
    const event = structEvent({ category: 'c', action: 'a', context: [thing(1)] });
    tracker.track(event, { context: [thing(2)] });
    expect(entitiesOf(last())).toEqual([thing(1), thing(2)]);
    tracker.track(event, { context: [] });
    expect(entitiesOf(last())).toEqual([thing(1)]);
    tracker.track(structEvent({ category: 'c', action: 'a' }), { context: [thing(2)] });
    expect(entitiesOf(last())).toEqual([thing(2)]);
    expect(event.args.context).toEqual([thing(1)]);
  });

  it('give a transaction’s items their time, subject and anonymity, not their id', () => {
    const { tracker, payloads } = capture();
    const item = { sku: 'TEA-1', price: 4.5, quantity: 2 };
    const event = ecommerceTransaction({ orderId: 'T-77', totalValue: 9, items: [item] });
    const subject = new Subject().setUserId('u-17');
    tracker.track(event, { eventId: ID, timestamp: 1_650_000_000_000, subject, context: [thing(1)] });
    expect(payloads).toHaveLength(2);
    for (const payload of payloads) expect(payload).toMatchObject({ ttm: '1650000000000', uid: 'u-17' });
    expect(payloads.map(({ eid }) => eid === ID)).toEqual([true, false]);
    expect(payloads.map((payload) => entitiesOf(payload))).toEqual([[thing(1)], []]);
  });

  it('break the contract like any others', () => {
    const { tracker } = capture();
    expect(thrownBy(() => tracker.track(pageView({ pageUrl: 'http://h/' }), { anonymous: 1 as never }))).toMatchObject({
      caller: 'track',
      path: 'anonymous',
    });
  });

  it('name the event that could not be built', () => {
    const dropped: object[] = [];
    const { tracker } = capture({ contracts: 'log', onDrop: (info) => dropped.push(info) });
    tracker.track(7 as never, { eventId: ID });
    tracker.track({ args: { eventId: OTHER } } as never);
    expect(dropped).toEqual([ID, OTHER].map((eid) => ({ events: [{ eid }], reason: 'invalid' })));
  });
});
