// The option `entities`: on every event of a tracker, by the event's type and schema; of a request, with the request.
import { describe, expect, it } from 'vitest';
import { type EventInfo, pageView, type SelfDescribing } from 'snowplow-middleware';
import { capture, entitiesOf, keepLines, thrownBy } from '../../support/capture';

const THING = 'iglu:com.acme/thing/jsonschema/1-0-0';
const thing = (n: unknown): SelfDescribing => ({ schema: THING, data: { n } });

describe('the entities of a tracker', () => {
  it('go with every event, after the event’s own', () => {
    const { tracker, last } = capture({ entities: [thing(1), thing(2)] });
    tracker.trackPageView({ pageUrl: 'http://h/', context: [thing(0)] });
    expect(entitiesOf(last())).toEqual([thing(0), thing(1), thing(2)]);
    tracker.withSubject(tracker.subject).trackStructEvent({ category: 'c', action: 'a' });
    expect(entitiesOf(last())).toEqual([thing(1), thing(2)]);
  });

  it('are asked for by the event’s type and schema', () => {
    const asked: EventInfo[] = [];
    const { tracker, last } = capture({
      entities: (event) => {
        asked.push(event);
        return event.schema === THING ? [thing(event.type)] : [];
      },
    });
    tracker.trackPageView({ pageUrl: 'http://h/' });
    expect(entitiesOf(last())).toEqual([]);
    tracker.track(thing(0));
    expect(entitiesOf(last())).toEqual([thing('ue')]);
    tracker.trackScreenView({ name: 'n' });
    expect(asked).toEqual([
      { type: 'pv' },
      { type: 'ue', schema: THING },
      { type: 'ue', schema: 'iglu:com.snowplowanalytics.snowplow/screen_view/jsonschema/1-0-0' },
    ]);
  });

  it('are those of a transaction for its items too', () => {
    const { tracker, payloads } = capture({ entities: [thing(1)] });
    tracker.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items: [{ sku: 's', price: 1, quantity: 1 }] });
    expect(payloads.map((payload) => entitiesOf(payload))).toEqual([[thing(1)], [thing(1)]]);
  });

  it.each([
    ['that throws', () => { throw new Error('x'); }],
    ['that gives a promise', () => Promise.reject(new Error('x'))],
    ['that gives no list', () => thing(1)],
    ['that gives a list with something else in it', () => [thing(1), { schema: 'x', data: {} }]],
  ])('of a function %s are left out, and the event goes', async (_words, entities) => {
    const { lines, logger } = keepLines();
    const { tracker, last } = capture({ entities: entities as never, logger });
    tracker.trackPageView({ pageUrl: 'http://h/' });
    await new Promise(setImmediate);
    expect(last()['e']).toBe('pv');
    expect(entitiesOf(last())).toEqual([]);
    expect(lines.filter(([level]) => level === 'error')).not.toEqual([]);
  }); // prettier-ignore

  it('of a function that tracks never ask it again', () => {
    let asked = 0;
    const { tracker, payloads } = capture({
      entities: () => {
        asked++;
        tracker.trackPageView({ pageUrl: 'http://inner/' });
        return [thing(1)];
      },
    });
    tracker.track(pageView({ pageUrl: 'http://outer/' }));
    expect(asked).toBe(1);
    expect(payloads.map((payload) => payload['url'])).toContain('http://outer/');
  });

  it.each([[7], ['x'], [{}], [thing(1)], [[7]], [[thing(1), { schema: THING }]], [[{ schema: 'x', data: {} }]]])(
    'are not %j',
    (entities) => {
      const error = thrownBy(() => capture({ entities: entities as never }));
      expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONFIG' });
      expect(error.message).toContain('entities');
    },
  );
});
