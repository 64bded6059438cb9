// An event store of the user's own: events read back from their text, and events that are plain objects.
import { randomUUID } from 'node:crypto';
import {
  AsyncEmitter,
  decodeEvent,
  type EncodedEvent,
  type EventStore,
  type Lease,
  type Payload,
  Subject,
  Tracker,
} from 'snowplow-middleware';
import { afterEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';

let collector: Collector | undefined;
afterEach(() => collector?.close());

/** Keeps nothing but the text of each event, as a table of a database would. */
class TextStore implements EventStore {
  rows: { json: string; anonymous: boolean }[] = [];
  readonly #read: (row: { json: string; anonymous: boolean }) => EncodedEvent;

  constructor(read: (row: { json: string; anonymous: boolean }) => EncodedEvent) {
    this.#read = read;
  }
  get size(): number {
    return this.rows.length;
  }
  get bytes(): number {
    return this.rows.reduce((total, { json }) => total + Buffer.byteLength(json), 0);
  }
  put(events: readonly EncodedEvent[]): boolean {
    for (const { json, anonymous } of events) this.rows.push({ json, anonymous });
    return true;
  }
  take(): Lease | undefined {
    const anonymous = this.rows[0]?.anonymous;
    const taken = this.rows.filter((row) => row.anonymous === anonymous);
    if (taken.length === 0) return undefined;
    this.rows = this.rows.filter((row) => row.anonymous !== anonymous);
    return { events: taken.map(this.#read), ack: () => {}, nack: () => void this.rows.unshift(...taken) };
  }
}

function kept(track: (tracker: Tracker) => void, options: object = {}): TextStore['rows'] {
  const store = new TextStore(() => {
    throw new Error('nothing is taken');
  });
  const emitter = new AsyncEmitter({ endpoint: 'http://127.0.0.1:9', eventStore: store, batchSize: 1000 });
  const subject = new Subject().setUserId('u-17').setIpAddress('192.0.2.7').setPageUrl('https://a.test/ö?_sp=1.2');
  track(new Tracker({ emitters: emitter, namespace: 'n', subject, ...options }));
  emitter.cancelFlushTimer();
  return store.rows.splice(0);
}
const all = (tracker: Tracker): void => {
  tracker
    .trackPageView({ pageUrl: 'https://a.test/tea?x=%22', pageTitle: 'T "e" a \ud800', timestamp: 1e12 })
    .trackStructEvent({ category: 'c', action: '\\', value: 0.5 })
    .trackScreenView({ name: 'Home', context: [{ schema: 'iglu:com.acme/pot/jsonschema/1-0-0', data: { size: 3 } }] })
    .trackEcommerceTransaction({ orderId: 'o', totalValue: 1, items: [{ sku: 's', price: 1, quantity: 1 }] });
};

describe('decodeEvent', () => {
  it.each([
    ['named', {}],
    ['anonymous', { anonymous: true }],
    ['plain', { encodeBase64: false }],
  ])('gives back %s events as they were', (_how, options) => {
    const rows = kept(all, options);
    expect(rows).toHaveLength(5);
    for (const { json, anonymous } of rows) {
      const event = decodeEvent(json, { anonymous });
      const { eid: eventId } = JSON.parse(json) as { eid: string };
      expect(event).toMatchObject({ json, anonymous, eventId, bytes: Buffer.byteLength(json) });
      expect(event.payload()).toEqual(JSON.parse(json));
    }
  });

  it('leaves out what identifies the visitor where the event is anonymous', () => {
    const [row] = kept((tracker) => tracker.trackStructEvent({ category: 'c', action: 'a' }));
    const payload = decodeEvent(row?.json as string, { anonymous: true }).payload();
    expect(payload).toMatchObject({ e: 'se', url: 'https://a.test/ö' });
    expect(payload).not.toHaveProperty('uid');
    expect(payload).not.toHaveProperty('ip');
  });

  it('leaves out what the pipeline does not take, and makes an id that is the same each time', () => {
    const json = JSON.stringify({ tv: 't', p: 'srv', e: 'pv', url: 'https://a.test/', zebra: 'x', eid: 'none' });
    const [first, second] = [decodeEvent(json, { anonymous: false }), decodeEvent(json, { anonymous: false })];
    expect(first.payload()).toEqual({ tv: 't', p: 'srv', e: 'pv', url: 'https://a.test/', eid: first.eventId });
    expect(first.eventId).toBe(second.eventId);
  });

  it.each(['', '{', 'null', '[]', '"text"', '{}', '{"tv":"t","p":"srv"}', undefined, 7, {}])(
    'throws a TypeError for %j, and does not quote it',
    (json) => {
      const decode = (): unknown => decodeEvent(json as string, { anonymous: false });
      expect(decode).toThrow(TypeError);
      expect(decode).toThrow(/^decodeEvent: `json` must be the JSON text of an event, got (another text|undefined|7|an object)$/); // prettier-ignore
    },
  );

  it.each([undefined, null, {}, { anonymous: 1 }])('throws a TypeError for the options %j', (options) => {
    const decode = (): unknown => decodeEvent('{"tv":"t","p":"srv","e":"pv"}', options as never);
    expect(decode).toThrow(/^decodeEvent: `options.anonymous` must be true or false, got /);
  });
});

describe('an event store of the user’s own', () => {
  it.each([
    ['decoded events', ({ json, anonymous }) => decodeEvent(json, { anonymous })],
    [
      'plain objects',
      ({ json, anonymous }) => ({
        json,
        anonymous,
        bytes: Buffer.byteLength(json),
        eventId: (JSON.parse(json) as { eid: string }).eid,
        payload: () => JSON.parse(json) as Payload,
      }),
    ],
  ] satisfies [string, (row: { json: string; anonymous: boolean }) => EncodedEvent][])(
    'may give %s: they arrive, and callbacks get payloads',
    async (_what, read) => {
      collector = await startCollector();
      const succeeded: Payload[] = [];
      const emitter = new AsyncEmitter({
        endpoint: collector.url,
        eventStore: new TextStore(read),
        onSuccess: (payloads) => void succeeded.push(...payloads),
      });
      const tracker = new Tracker({ emitters: emitter, namespace: 'n' });
      const eventId = randomUUID();
      tracker.trackPageView({ pageUrl: 'https://a.test/', eventId });
      tracker.trackPageView({ pageUrl: 'https://a.test/', anonymous: true });
      await tracker.flush({ timeoutMs: 30_000 });
      expect(succeeded.map(({ e }) => e)).toEqual(['pv', 'pv']);
      expect(succeeded[0]?.['eid']).toBe(eventId);
      expect(collector.good()).toHaveLength(2);
      await emitter.close();
    },
  );
});
