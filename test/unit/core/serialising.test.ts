// Whatever data an app passes, the event is sent, or only it is refused; the app and other events are not affected.
import { describe, expect, it } from 'vitest';
import { capture, entitiesOf, eventOf } from '../../support/capture';
import { faultsOf } from '../../support/payload-rules';

const THING = 'iglu:com.acme/thing/jsonschema/1-0-0';
const nest = (depth: number): object => {
  let data: object = {};
  for (let level = 1; level < depth; level++) data = { d: data };
  return data;
};
const circular: Record<string, unknown> = { a: 1 };
circular['self'] = circular;
const boom = (): never => {
  throw new Error('never seen');
};
const throwingProxy = new Proxy({}, { get: boom, ownKeys: boom, has: boom, getPrototypeOf: boom });
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

describe('data that cannot be written', () => {
  const CASES: [what: string, data: unknown][] = [
    ['that holds itself', circular],
    ['with a getter that throws', Object.defineProperty({}, 'x', { enumerable: true, get: boom })],
    ['with a toJSON that throws', { toJSON: boom }],
    ['with a toJSON that gives nothing', { toJSON: () => undefined }],
    ['that is a Proxy which throws', throwingProxy],
    ['that is a revoked Proxy', revoked],
    ['with a Proxy inside', { deep: [throwingProxy] }],
    ['with a toString that throws, where a text is due', { [Symbol.toPrimitive]: boom, toJSON: boom }],
  ];
  it.each(CASES)('%s is refused as unserializable, and its neighbours are sent', (_what, data) => {
    for (const contracts of ['throw', 'log', 'off'] as const) {
      const { tracker, payloads } = capture({ contracts });
      const bad = { schema: THING, data: data as object };
      const good = { schema: THING, data: { n: 1 } };
      tracker.trackSelfDescribingEvent({ event: good });
      expect(() => tracker.trackSelfDescribingEvent({ event: bad })).not.toThrow();
      expect(() => tracker.trackPageView({ pageUrl: 'http://h/', context: [good, bad] })).not.toThrow();
      tracker.trackSelfDescribingEvent({ event: good });
      expect(payloads.map((payload) => eventOf(payload).data)).toEqual([{ n: 1 }, { n: 1 }]);
      expect(tracker.stats()).toMatchObject({ offered: 4, accepted: 2, refused: { unserializable: 2 } });
    }
  });

  // As unserializable where the engine runs out of stack, as invalid where it does not (Node 26).
  it('that is 100,000 levels deep is refused, and its neighbours are sent', () => {
    const { tracker, payloads } = capture({ contracts: 'log' });
    const good = { schema: THING, data: { n: 1 } };
    tracker.trackSelfDescribingEvent({ event: good });
    tracker.trackSelfDescribingEvent({ event: { schema: THING, data: nest(100_000) } });
    tracker.trackSelfDescribingEvent({ event: good });
    expect(payloads).toHaveLength(2);
    const { refused } = tracker.stats();
    expect(refused.invalid + refused.unserializable).toBe(1);
  });

  it('in an argument with a getter is refused in the same way', () => {
    const { tracker, payloads } = capture();
    const args = Object.defineProperty({ category: 'c', action: 'a' }, 'label', { get: boom });
    expect(() => tracker.trackStructEvent(args)).not.toThrow();
    expect(() => tracker.trackError(new Error('x'), throwingProxy)).not.toThrow();
    expect(() => tracker.trackError(Object.defineProperty({}, 'message', { get: boom }))).not.toThrow();
    expect(payloads).toEqual([]);
    expect(tracker.stats().refused.unserializable).toBe(3);
  });

  it('in one item refuses the whole transaction, every event of it counted', () => {
    const { tracker, payloads } = capture();
    const item = { sku: 's', price: 1, quantity: 1 };
    const bad = { ...item, context: [{ schema: THING, data: circular }] };
    tracker.trackEcommerceTransaction({ orderId: 'T', totalValue: 2, items: [item, bad] });
    expect(payloads).toEqual([]);
    expect(tracker.stats()).toMatchObject({ offered: 3, accepted: 0, refused: { unserializable: 3 } });
  });
});

describe('how JSON represents other values', () => {
  class Money {
    readonly currency = 'EUR';
    readonly #cents = 450;
    toJSON(): object {
      return { currency: this.currency, amount: this.#cents / 100 };
    }
  }
  const CASES: [what: string, given: unknown, sent: unknown][] = [
    ['a Date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['an invalid Date', new Date(NaN), null],
    ['undefined', undefined, undefined],
    ['a function', () => 1, undefined],
    ['a symbol', Symbol('s'), undefined],
    ['undefined, a function and a symbol in a list', [undefined, () => 1, Symbol('s')], [null, null, null]],
    ['a list with holes', Object.assign([], { 1: 'b', length: 3 }), [null, 'b', null]],
    ['a Map', new Map([['a', 1]]), {}],
    ['a Set', new Set([1]), {}],
    ['bytes', Buffer.from('ab'), { type: 'Buffer', data: [97, 98] }],
    ['a regular expression', /x/, {}],
    ['an Error', new Error('x'), {}],
    ['a URL', new URL('https://acme.com/'), 'https://acme.com/'],
    ['an instance with a toJSON of its own', new Money(), { currency: 'EUR', amount: 4.5 }],
    ['NaN', NaN, null],
    ['Infinity', Infinity, null],
    ['-0', -0, 0],
    ['a big integer', 2n ** 70n, '1180591620717411303424'],
    ['big integers in depth', { a: [1n, { b: -2n }] }, { a: ['1', { b: '-2' }] }],
    ['a boxed text', Object('tea'), 'tea'],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['half a surrogate pair', 'a\ud83d', 'a\ud83d'],
  ];
  it.each(CASES)('%s', (_what, value, sent) => {
    const { tracker, last } = capture({ encodeBase64: false });
    const thing = { schema: THING, data: { value } };
    tracker.trackSelfDescribingEvent({ event: thing, context: [thing] });
    const data = sent === undefined ? {} : { value: sent };
    expect(eventOf(last()).data).toEqual(data);
    expect(entitiesOf(last())).toEqual([{ schema: THING, data }]);
    expect(faultsOf(last())).toEqual([]);
  });

  it('a list of entities with holes is refused', () => {
    const holed: { schema: string; data: object }[] = [];
    holed[1] = { schema: THING, data: {} };
    const { tracker, payloads } = capture({ contracts: 'off' });
    tracker.trackPageView({ pageUrl: 'http://h/', context: holed });
    for (const payload of payloads) expect(faultsOf(payload)).toEqual([]);
  });
});

describe('keys that are names of object members', () => {
  it('pollute no prototype, and arrive as data', () => {
    const data = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":1}',
    ) as object;
    const before = Reflect.ownKeys(Object.prototype);
    const { tracker, last } = capture();
    const thing = { schema: THING, data };
    tracker.trackSelfDescribingEvent({ event: thing, context: [thing] });
    tracker.trackSiteSearch({ terms: ['tea'], filters: JSON.parse('{"__proto__":"x"}') as Record<string, string> });
    tracker.trackPageView(JSON.parse('{"pageUrl":"http://h/","__proto__":{"polluted":1}}') as { pageUrl: string });
    expect(last()['url']).toBe('http://h/');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
  });

  it('are never read off a prototype', () => {
    const { tracker, last } = capture({ contracts: 'off' });
    tracker.track({ fields: { e: 'pv', toString: 'x', hasOwnProperty: 'x', valueOf: 'x' }, args: {} });
    expect(Object.keys(last()).toSorted()).toEqual(['dtm', 'e', 'eid', 'p', 'tv']);
  });
});

describe('depth and size', () => {
  it('32 levels go, 33 break the contract; the pipeline takes 40 with the envelopes', () => {
    const { tracker, payloads } = capture();
    const context = [
      { schema: THING, data: {} },
      { schema: THING, data: nest(33) },
    ];
    expect(() => tracker.trackStructEvent({ category: 'c', action: 'a', context })).toThrow(
      'trackStructEvent: `context[1].data` must be at most 32 levels deep, got more',
    );
    tracker.trackSelfDescribingEvent({ event: { schema: THING, data: nest(32) } });
    expect(() => tracker.trackSelfDescribingEvent({ event: { schema: THING, data: nest(33) } })).toThrow(
      'trackSelfDescribingEvent: `event.data` must be at most 32 levels deep, got more',
    );
    expect(payloads).toHaveLength(1);
    expect(faultsOf(payloads[0])).toEqual([]);
    expect(tracker.stats().refused.invalid).toBe(2);
  });

  it('brackets inside texts are no depth, and many neighbours are none', () => {
    const { tracker, payloads } = capture();
    const data = {
      text: `${'[{'.repeat(500)}\\"${'"'.repeat(5)}`,
      list: Array.from({ length: 500 }, () => ({ a: [] })),
    };
    tracker.trackSelfDescribingEvent({ event: { schema: THING, data } });
    expect(eventOf(payloads[0]!).data).toEqual(data);
  });

  it('64 KB of data and entities go, more are refused as too large', () => {
    const { tracker, payloads } = capture();
    const thing = (length: number): { schema: string; data: object } => ({
      schema: THING,
      data: { t: 'x'.repeat(length) },
    });
    tracker.trackSelfDescribingEvent({ event: thing(30_000), context: [thing(30_000)] });
    tracker.trackSelfDescribingEvent({ event: thing(65_536) });
    tracker.trackSelfDescribingEvent({ event: thing(40_000), context: [thing(30_000)] });
    tracker.trackPageView({ pageUrl: 'http://h/', context: Array.from({ length: 2000 }, () => thing(1)) });
    expect(payloads).toHaveLength(1);
    expect(tracker.stats().refused['too-large']).toBe(3);
  });
});

describe('the caller’s own objects', () => {
  it('can change after the call: what was tracked stays as it was', () => {
    const { tracker, payloads } = capture();
    const data = { items: [1] };
    const context = [{ schema: THING, data }];
    const args = { category: 'c', action: 'a', context };
    tracker.trackStructEvent(args);
    data.items.push(2);
    context.pop();
    args.category = 'later';
    expect(payloads[0]!['se_ca']).toBe('c');
    expect(entitiesOf(payloads[0]!)).toEqual([{ schema: THING, data: { items: [1] } }]);
  });

  it('are never changed, and may be frozen', () => {
    const freeze = <T extends object>(value: T): T => {
      for (const child of Object.values(value))
        if (typeof child === 'object' && child !== null) freeze(child as object);
      return Object.freeze(value);
    };
    const context = freeze([{ schema: THING, data: { a: { b: [1] } } }]);
    const items = freeze([{ sku: 's', price: 1, quantity: 1, context }]);
    const { tracker, payloads } = capture();
    tracker.trackEcommerceTransaction(freeze({ orderId: 'T', totalValue: 1, items, context, timestamp: 5 }));
    tracker.trackFormSubmit(freeze({ formId: 'f', elements: [{ name: 'n', value: null, nodeName: 'INPUT', type: 'EMAIL' }] })); // prettier-ignore
    expect(payloads).toHaveLength(3);
    expect(items).toEqual([{ sku: 's', price: 1, quantity: 1, context }]);
  });
});

it('a form’s fields go with the keys that the schema knows, their types in lower case', () => {
  const { tracker, payloads } = capture();
  const element = { name: 'mail', nodeName: 'INPUT', type: 'EMAIL', id: 'private' } as const;
  tracker.trackFormSubmit({
    formId: 'f',
    elements: [element, { name: 'note', value: 'x', nodeName: 'TEXTAREA', type: null }],
  });
  tracker.trackFormChange({ formId: 'f', nodeName: 'INPUT', type: 'EMAIL' });
  expect(payloads.map((payload) => eventOf(payload).data)).toEqual([
    {
      formId: 'f',
      elements: [
        { name: 'mail', value: null, nodeName: 'INPUT', type: 'email' },
        { name: 'note', value: 'x', nodeName: 'TEXTAREA' },
      ],
    },
    { formId: 'f', elementId: '', nodeName: 'INPUT', value: null, type: 'email' },
  ]);
});
