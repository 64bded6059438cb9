import { afterEach, describe, expect, it } from 'vitest';
import {
  disableContracts, enableContracts, pageView, SelfDescribingJson, structEvent, Subject, type Tracker,
  type DropInfo,
} from 'snowplow-middleware'; // prettier-ignore
import { capture, eventOf, keepLines, thrownBy } from '../../support/capture';

afterEach(enableContracts);

// What a caller without types can get wrong, and the words of the answer.
type Loose = Record<keyof Tracker, (...args: unknown[]) => unknown>;
const DATA: [what: string, data: unknown][] = [
  ['a Promise', Promise.resolve({ a: 1 })],
  ['a promise', new (class { then(): void {} })()],
  ['a Map', new Map([['a', 1]])],
  ['a Set', new Set([1])],
  ['a FormData', new FormData()],
  ['a URLSearchParams', new URLSearchParams('a=1')],
  ['a Headers', new Headers({ a: 'b' })],
  ['a Date', new Date(0)],
  ['a URL', new URL('https://acme.com/')],
  ['an Error', new RangeError('x')],
  ['a Uint8Array', Buffer.from('ab')],
  ['a String', Object('x')],
  ['a Blob', new Blob(['x'])],
  ['a toJSON() that returns none', { toJSON: () => 'x' }],
  ['a toJSON() that returns none', { toJSON: () => [1] }],
  ['a toJSON() that returns none', { toJSON: () => null }],
]; // prettier-ignore
const BREACHES: [wording: string, run: (tracker: Loose) => unknown][] = [
  ['trackPageView: `pageUrl` must be a non-empty string, got ""', (t) => t.trackPageView({ pageUrl: '' })],
  ['trackPageView: `pageUrl` must be a non-empty string, got undefined', (t) => t.trackPageView()],
  ['trackPageView: `pageUrl` must be a non-empty string, got an object', (t) => t.trackPageView({ pageUrl: new URL('http://h/') })],
  ['trackPageView: `args` must be an object, got null', (t) => t.trackPageView(null)],
  ['trackPageView: `args` must be an object, got "https://acme.com/"', (t) => t.trackPageView('https://acme.com/')],
  ['trackPageView: `pageTitle` must be a string, got 7', (t) => t.trackPageView({ pageUrl: 'http://h/', pageTitle: 7 })],
  ['trackPageView: `context` must be an array of { schema, data }, got an object', (t) => t.trackPageView({ pageUrl: 'http://h/', context: {} })],
  ['trackPageView: `context[1]` must be an object { schema, data }, got null', (t) =>
    t.trackPageView({ pageUrl: 'http://h/', context: [{ schema: 'iglu:a/b/jsonschema/1-0-0', data: {} }, null] })],
  ['trackPageView: `context[0].schema` must be an iglu: URI such as iglu:com.acme/basket/jsonschema/1-0-0, got "a/b/jsonschema/1-0-0"', (t) =>
    t.trackPageView({ pageUrl: 'http://h/', context: [{ schema: 'a/b/jsonschema/1-0-0', data: {} }] })],
  ['trackPageView: `context[0].data` must be an object, got an array', (t) =>
    t.trackPageView({ pageUrl: 'http://h/', context: [{ schema: 'iglu:a/b/jsonschema/1-0-0', data: [] }] })],
  ["trackPageView: `timestamp` must be milliseconds since 1970, a Date or { type: 'ttm' | 'dtm', value }, got NaN", (t) => t.trackPageView({ pageUrl: 'http://h/', timestamp: NaN })],
  ["trackPageView: `timestamp` must be milliseconds since 1970, a Date or { type: 'ttm' | 'dtm', value }, got an object", (t) =>
    t.trackPageView({ pageUrl: 'http://h/', timestamp: new Date('never') })],
  ["trackPageView: `timestamp` must be milliseconds since 1970, a Date or { type: 'ttm' | 'dtm', value }, got 1700000000123000", (t) =>
    t.trackPageView({ pageUrl: 'http://h/', timestamp: 1_700_000_000_123_000 })],
  ['trackPageView: `subject` must be a Subject, got an object', (t) => t.trackPageView({ pageUrl: 'http://h/', subject: {} })],
  ['trackPageView: `eventId` must be a UUID, got "e-1"', (t) => t.trackPageView({ pageUrl: 'http://h/', eventId: 'e-1' })],
  ['trackPageView: `anonymous` must be true or false, got "yes"', (t) => t.trackPageView({ pageUrl: 'http://h/', anonymous: 'yes' })],
  ['trackPagePing: `minX` must be an integer from -2147483647 to 2147483647, got 1.5', (t) => t.trackPagePing({ pageUrl: 'http://h/', minX: 1.5 })],
  ['trackPagePing: `maxY` must be an integer from -2147483647 to 2147483647, got 2147483648', (t) => t.trackPagePing({ pageUrl: 'http://h/', maxY: 2 ** 31 })],
  ['trackScreenView: `name` must be a non-empty string, unless there is an `id`, got undefined', (t) => t.trackScreenView({})],
  ['trackScreenView: `args` must be an object, got undefined', (t) => t.trackScreenView()],
  ['trackMobileScreenView: `name` must be a non-empty string, got undefined', (t) => t.trackMobileScreenView({})],
  ['trackMobileScreenView: `id` must be a UUID, got "scr-1"', (t) => t.trackMobileScreenView({ name: 'Home', id: 'scr-1' })],
  ['trackStructEvent: `category` must be a non-empty string, got ""', (t) => t.trackStructEvent({ category: '', action: 'a' })],
  ['trackStructEvent: `action` must be a non-empty string, got undefined', (t) => t.trackStructEvent({ category: 'c' })],
  ['trackStructEvent: `value` must be a finite number, got Infinity', (t) => t.trackStructEvent({ category: 'c', action: 'a', value: Infinity })],
  ['trackStructEvent: `value` must be a finite number, got "2"', (t) => t.trackStructEvent({ category: 'c', action: 'a', value: '2' })],
  ['trackSelfDescribingEvent: `event` must be an object { schema, data }, got undefined', (t) => t.trackSelfDescribingEvent({})],
  ...DATA.flatMap(([what, data]): typeof BREACHES => [
    [`trackSelfDescribingEvent: \`event.data\` must be an object, got ${what}`, (t) => t.trackSelfDescribingEvent({ event: { schema: 'iglu:a/b/jsonschema/1-0-0', data } })],
    [`trackStructEvent: \`context[0].data\` must be an object, got ${what}`, (t) =>
      t.trackStructEvent({ category: 'c', action: 'a', context: [{ schema: 'iglu:a/b/jsonschema/1-0-0', data }] })],
  ]),
  ...['0-0-0', '1-0', '01-0-0', '1-00-0', '1-0-2147483648', '-1-0-0', '1-0-0-0', '1-0-*'].map((version): (typeof BREACHES)[number] => [
    `trackSelfDescribingEvent: \`event.schema\` must be an iglu: URI such as iglu:com.acme/basket/jsonschema/1-0-0, got "iglu:a/b/jsonschema/${version}"`,
    (t) => t.trackSelfDescribingEvent({ event: { schema: `iglu:a/b/jsonschema/${version}`, data: {} } }),
  ]),
  ['trackUnstructEvent: `event.data` must be an object, got null', (t) =>
    t.trackUnstructEvent({ event: { schema: 'iglu:a/b/jsonschema/1-0-0', data: null } })],
  ['trackEcommerceTransaction: `orderId` must be a non-empty string, a safe integer or a bigint, got 7.7', (t) => t.trackEcommerceTransaction({ orderId: 7.7, totalValue: 1 })],
  ['trackEcommerceTransaction: `items[0].sku` must be a non-empty string, a safe integer or a bigint, got an object', (t) =>
    t.trackEcommerceTransaction({ orderId: 1, totalValue: 1, items: [{ sku: {}, price: 1, quantity: 1 }] })],
  ['trackScreenView: `id` must be a non-empty string, a safe integer or a bigint, got true', (t) => t.trackScreenView({ id: true })],
  ['trackEcommerceTransaction: `totalValue` must be a finite number, got undefined', (t) => t.trackEcommerceTransaction({ orderId: 'T' })],
  ['trackEcommerceTransaction: `currency` must be a three-letter code, got "EURO"', (t) =>
    t.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, currency: 'EURO' })],
  ['trackEcommerceTransaction: `items` must be an array of items, got an object', (t) => t.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items: {} })],
  ['trackEcommerceTransaction: `items[0]` must be an object, got null', (t) => t.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items: [null] })],
  ['trackEcommerceTransaction: `items[1].price` must be a finite number, got "4"', (t) =>
    t.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items: [{ sku: 's', price: 1, quantity: 1 }, { sku: 's', price: '4', quantity: 1 }] })],
  ['trackEcommerceTransaction: `items[0].context[0].schema` must be an iglu: URI such as iglu:com.acme/basket/jsonschema/1-0-0, got undefined', (t) =>
    t.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items: [{ sku: 's', price: 1, quantity: 1, context: [{ data: {} }] }] })],
  ['trackEcommerceTransactionItem: `args` must be an object, got null', (t) => t.trackEcommerceTransactionItem(null)],
  ['trackEcommerceTransactionItem: `quantity` must be an integer from 0 to 2147483647, got -1', (t) =>
    t.trackEcommerceTransactionItem({ orderId: 'T', sku: 's', price: 1, quantity: -1 })],
  ['trackLinkClick: `targetUrl` must be a non-empty string, got ""', (t) => t.trackLinkClick({ targetUrl: '' })],
  ['trackLinkClick: `elementClasses` must be an array of strings, got an array', (t) => t.trackLinkClick({ targetUrl: 'u', elementClasses: [1] })],
  ['trackAddToCart: `sku` must be a non-empty string, a safe integer or a bigint, got undefined', (t) => t.trackAddToCart({ quantity: 1 })],
  ['trackRemoveFromCart: `quantity` must be a finite number, got undefined', (t) => t.trackRemoveFromCart({ sku: 's' })],
  ['trackFormChange: `nodeName` must be one of INPUT, TEXTAREA, SELECT, got "DIV"', (t) => t.trackFormChange({ formId: 'f', nodeName: 'DIV' })],
  ['trackFormSubmit: `elements[0].nodeName` must be one of INPUT, TEXTAREA, SELECT, got undefined', (t) =>
    t.trackFormSubmit({ formId: 'f', elements: [{ name: 'n', value: 'v' }] })],
  ['trackSiteSearch: `terms` must be an array with at least one string, got an array', (t) => t.trackSiteSearch({ terms: [] })],
  ['trackSiteSearch: `filters` must be an object of strings and booleans, got 1', (t) => t.trackSiteSearch({ terms: ['tea'], filters: { page: 1 } })],
  ['trackTiming: `timing` must be a finite number, got NaN', (t) => t.trackTiming({ category: 'c', variable: 'v', timing: NaN })],
  ['trackError: `isFatal` must be true or false, got "no"', (t) => t.trackError(new Error('x'), { isFatal: 'no' })],
  ['track: `event` must be an event made by a builder, or { schema, data }, got null', (t) => t.track(null)],
  ['track: `event` must be an event made by a builder, or { schema, data }, got an object', (t) => t.track({ fields: { e: 'pv' } })],
  ['setSubject: `subject` must be a Subject, got null', (t) => t.setSubject(null)],
  ['withSubject: `subject` must be a Subject, got an object', (t) => t.withSubject({ userId: 'u' })],
  ['withSubject: `subject` must be a Subject, got undefined', (t) => t.runWith(undefined, () => {})],
]; // prettier-ignore

const loose = (tracker: Tracker): Loose => tracker as unknown as Loose;

describe('in mode throw, the default of a tracker made by hand', () => {
  for (const [wording, run] of BREACHES)
    it(`a breach is thrown in words: ${wording}`, () => {
      const { lines, logger } = keepLines();
      const { tracker, payloads } = capture({ logger });
      const error = thrownBy(() => run(loose(tracker)));
      expect(error.message).toBe(wording);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ name: 'ContractError', code: 'ERR_SNOWPLOW_CONTRACT' });
      expect(`${String(error['caller'])}: \`${String(error['path'])}\` must be ${String(error['expected'])}, got ${String(error['received'])}`).toBe(wording); // prettier-ignore
      expect(payloads).toEqual([]);
      expect(lines, 'whoever gets the error needs no line beside it').toEqual([]);
    });

  it('the refused event is counted as invalid, once', () => {
    const { tracker } = capture();
    thrownBy(() => tracker.trackPageView({ pageUrl: '' }));
    expect(tracker.stats()).toMatchObject({ offered: 1, accepted: 0, refused: { invalid: 1 } });
  });

  it('a long text is shortened in the message', () => {
    const { tracker } = capture();
    const error = thrownBy(() => tracker.trackPageView({ pageUrl: 'http://h/', eventId: 'x'.repeat(10_000) }));
    expect(error.message.length).toBeLessThan(120);
  });
});

describe('in mode log', () => {
  for (const [wording, run] of BREACHES)
    it(`nothing is thrown, and one line is written, for: ${wording}`, () => {
      const { lines, logger } = keepLines();
      const { tracker, payloads } = capture({ logger, contracts: 'log' });
      expect(() => run(loose(tracker))).not.toThrow();
      expect(lines).toHaveLength(1);
      expect(payloads).toEqual([]);
      const counted = wording.includes('ubject:') ? 0 : 1;
      expect(tracker.stats()).toMatchObject({ offered: counted, accepted: 0, refused: { invalid: counted } });
    });

  it('the line names the method and the argument, and never holds the value', () => {
    const { lines, logger } = keepLines();
    const { tracker } = capture({ logger, contracts: 'log' });
    loose(tracker).trackStructEvent({ category: 'c', action: 'a', value: 'my-secret' });
    tracker.trackPageView({ pageUrl: 'http://h/', eventId: 'my-secret' });
    expect(lines).toEqual([
      ['warn', 'trackStructEvent: a broken contract, the event was refused', { argument: 'value', expected: 'a finite number' }],
      ['warn', 'trackPageView: a broken contract, the event was refused', { argument: 'eventId', expected: 'a UUID' }],
    ]); // prettier-ignore
    expect(JSON.stringify(lines)).not.toContain('my-secret');
  });

  it('onDrop is called, with the id that the caller gave', () => {
    const eventId = 'e2a3c1a0-1b7e-4a5c-8f65-0d1f6f3a9b11';
    const dropped: DropInfo[] = [];
    const onDrop = (info: DropInfo): void => void dropped.push(info);
    loose(capture({ contracts: 'log', onDrop }).tracker).trackStructEvent({ eventId });
    capture({ enabled: false, onDrop }).tracker.trackStructEvent({ category: 'c', action: 'a', eventId });
    capture({ enabled: false, onDrop }).tracker.track(structEvent({ category: 'c', action: 'a', eventId }));
    expect(dropped.map(({ reason, events }) => `${reason} ${events[0]?.['eid']}`)).toEqual([`invalid ${eventId}`, `disabled ${eventId}`, `disabled ${eventId}`]); // prettier-ignore
  });

  it('onDrop is called', () => {
    const dropped: unknown[] = [];
    const { tracker } = capture({ contracts: 'log', onDrop: (info) => dropped.push(info) });
    loose(tracker).trackStructEvent({});
    expect(dropped).toEqual([{ reason: 'invalid', events: [] }]);
  });

  it('calls still chain, and the good events go', () => {
    const { tracker, payloads } = capture({ contracts: 'log' });
    tracker.trackPageView({ pageUrl: '' }).trackPageView({ pageUrl: 'http://h/' });
    expect(payloads).toHaveLength(1);
  });
});

it("an instance of the app's class is accepted as data, and so is the result of its toJSON", () => {
  const { tracker, payloads } = capture();
  class Basket {
    items = 3;
  }
  const json = { toJSON: () => ({ items: 3 }) };
  for (const data of [new Basket(), json, Object.create(null, { items: { value: 3, enumerable: true } })])
    tracker.trackSelfDescribingEvent({ event: { schema: 'iglu:a/b/jsonschema/1-0-0', data } });
  expect(payloads.map((payload) => eventOf(payload).data)).toEqual([{ items: 3 }, { items: 3 }, { items: 3 }]);
});

it('ids are sent as text, including numbers and bigints', () => {
  const { tracker, payloads } = capture();
  const item = { sku: 12n, price: 1, quantity: 1 };
  tracker.trackEcommerceTransaction({ orderId: 9_007_199_254_740_993n, totalValue: 1, items: [item] });
  tracker.trackAddToCart({ sku: 7, quantity: 1 }).trackScreenView({ id: 7n });
  expect(payloads[0]).toMatchObject({ e: 'tr', tr_id: '9007199254740993' });
  expect(payloads[1]).toMatchObject({ e: 'ti', ti_id: '9007199254740993', ti_sk: '12' });
  expect(payloads.slice(2).map((payload) => eventOf(payload).data)).toEqual([{ sku: '7', quantity: 1 }, { id: '7' }]);
});

it.each([1_750_000_000, 1_750_000_000.25, 372, new Date(5), { type: 'ttm', value: 1 }, { type: 'dtm', value: 1 }] as const)(
  'a time before 2001 is taken, and warned of: %s',
  (timestamp) => {
    const { lines, logger } = keepLines();
    const { tracker, payloads } = capture({ logger });
    for (let count = 0; count < 3; count++) tracker.trackStructEvent({ category: 'c', action: 'a', timestamp });
    expect([payloads.length, lines.length, lines[0]?.[1]]).toEqual([3, 1, expect.stringContaining('before 2001')]);
  },
); // prettier-ignore

describe('with contracts off', () => {
  it('for one tracker, it checks nothing, sends what can be sent and never throws', () => {
    const { tracker, payloads } = capture({ contracts: 'off' });
    for (const [, run] of BREACHES) expect(() => run(loose(tracker))).not.toThrow();
    expect(payloads.length).toBeGreaterThan(20);
    const { offered, accepted, refused } = tracker.stats();
    expect(offered).toBe(accepted + Object.values(refused).reduce((sum, count) => sum + count, 0));
  });

  it('for one tracker, the others still check', () => {
    const off = capture({ contracts: 'off' });
    const on = capture();
    off.tracker.trackPageView({ pageUrl: '' });
    expect(off.last()['e']).toBe('pv');
    expect(() => on.tracker.trackPageView({ pageUrl: '' })).toThrow('pageUrl');
  });

  it('for the process, trackers, subjects, builders and self-describing data check nothing', () => {
    const { tracker } = capture();
    disableContracts();
    for (const [, run] of BREACHES) expect(() => run(loose(tracker))).not.toThrow();
    expect(() => new Subject().setViewport(-1, 0)).not.toThrow();
    expect(() => structEvent({ category: '', action: '' })).not.toThrow();
    expect(() => new SelfDescribingJson('nonsense', undefined)).not.toThrow();
  });

  it('for the process, and on again', () => {
    disableContracts();
    enableContracts();
    const { tracker } = capture();
    expect(() => tracker.trackPageView({ pageUrl: '' })).toThrow('trackPageView: `pageUrl`');
  });
});

describe('builders', () => {
  it('name themselves in a breach', () => {
    expect(() => structEvent({ category: 'c', action: '' })).toThrow(
      'structEvent: `action` must be a non-empty string, got ""',
    );
  });

  it('leave a page without a URL to the tracker, which may know one', () => {
    const event = pageView({});
    const { tracker, last } = capture({ subject: new Subject().setPageUrl('https://acme.com/tea') });
    tracker.track(event);
    expect(last()['url']).toBe('https://acme.com/tea');
    expect(() => capture().tracker.track(event)).toThrow('track: `pageUrl` must be a non-empty string, got undefined');
  });
});

it('undefined, null and the empty string all mean that an optional argument is absent', () => {
  for (const absent of [undefined, null, ''] as const) {
    const { tracker, payloads } = capture();
    const common = { context: absent, timestamp: absent, subject: absent, eventId: absent, anonymous: absent };
    loose(tracker).trackPageView({ pageUrl: 'http://h/', pageTitle: absent, referrer: absent, ...common });
    loose(tracker).trackStructEvent({ category: 'c', action: 'a', label: absent, property: absent, value: absent });
    loose(tracker).trackEcommerceTransaction({ orderId: 'T', totalValue: 0, currency: absent, shipping: absent, items: absent }); // prettier-ignore
    expect(payloads.map((payload) => Object.keys(payload).toSorted().join(' '))).toEqual([
      'dtm e eid p tv url',
      'dtm e eid p se_ac se_ca tv',
      'dtm e eid p tr_id tr_tt tv',
    ]);
  }
});
