// Any arguments give a broken contract, or an event that the pipeline accepts, and nothing else.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { type ContractMode, Emitter, type EncodedEvent, Subject, Tracker, Tracking } from 'snowplow-middleware';
import { ENCODED_INPUT, noRefusals } from '../../../src/core/emitter';
import { postBody } from '../../../src/delivery/http/collector-transport';
import { faultsOf } from '../../support/payload-rules';

const COMMON = ['context', 'timestamp', 'subject', 'eventId', 'anonymous'];
const PAGE = ['pageUrl', 'pageTitle', 'referrer'];
const ITEM = ['orderId', 'sku', 'price', 'quantity', 'name', 'category', 'currency'];
const METHODS: Record<string, string[]> = {
  trackPageView: PAGE,
  trackPagePing: [...PAGE, 'minX', 'maxX', 'minY', 'maxY'],
  trackScreenView: ['name', 'id'],
  trackMobileScreenView: ['name', 'id', 'type', 'previousName', 'previousId', 'previousType', 'transitionType'],
  trackStructEvent: ['category', 'action', 'label', 'property', 'value'],
  trackSelfDescribingEvent: ['event'],
  trackEcommerceTransaction: ['orderId', 'totalValue', 'affiliation', 'taxValue', 'shipping', 'city', 'state', 'country', 'currency', 'items'],
  trackEcommerceTransactionItem: ITEM,
  trackLinkClick: ['targetUrl', 'elementId', 'elementClasses', 'elementTarget', 'elementContent'],
  trackAddToCart: ['sku', 'quantity', 'name', 'category', 'unitPrice', 'currency'],
  trackRemoveFromCart: ['sku', 'quantity', 'name', 'category', 'unitPrice', 'currency'],
  trackFormChange: ['formId', 'elementId', 'nodeName', 'value', 'type', 'elementClasses'],
  trackFormSubmit: ['formId', 'formClasses', 'elements'],
  trackSiteSearch: ['terms', 'filters', 'totalResults', 'pageResults'],
  trackTiming: ['category', 'variable', 'timing', 'label'],
  trackError: ['isFatal'],
}; // prettier-ignore

it('every trackXxx is tried', () => {
  const {
    track: _track,
    trackUnstructEvent: _alias,
    ...methods
  } = Object.getOwnPropertyDescriptors(Tracking.prototype);
  const tracking = Object.keys(methods).filter((name) => name.startsWith('track'));
  expect(Object.keys(METHODS).sort()).toEqual(tracking.sort());
});

const anything = fc.anything({
  withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withObjectString: true,
  withSparseArray: true, withTypedArray: true, withUnicodeString: true, maxDepth: 3, maxKeys: 4,
}); // prettier-ignore
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\ud83d', '\udc00', '"', '\\', '\u0000', '\u2028', 'é', '🫖', 'a') }),
  fc.string({ minLength: 1 }).map((part) => part.repeat(3000)),
  fc.constantFrom('', ' ', 'EUR', 'INPUT', 'email', 'null', 'NaN'),
);
const url = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.tuple(fc.constantFrom('https://h', 'http://h:8080/a', '//h', '', 'https://h:port', 'https://a b'), text).map(([origin, rest]) => `${origin}/${rest}`), // prettier-ignore
  fc.tuple(fc.constantFrom('_sp', '%5fsp', 'x_sp'), text).map(([name, value]) => `https://h/?a=1&${name}=${value}`),
);
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, NaN, Infinity, 2 ** 31, 1e21, 1e-7, Date.now()),
);
const entity = fc.record(
  {
    schema: fc.oneof({ arbitrary: fc.constant('iglu:com.acme/thing/jsonschema/1-0-0'), weight: 4 }, text),
    data: fc.oneof(fc.object({ withBigInt: true, withDate: true }), anything),
    extra: anything,
  },
  { requiredKeys: [] },
);
const nested = fc.oneof(
  fc.record(
    { sku: text, price: number, quantity: number, name: text, context: fc.array(entity) },
    { requiredKeys: [] },
  ),
  fc.record({ name: text, value: text, nodeName: text, type: text, extra: text }, { requiredKeys: [] }),
);
const subject = fc
  .record(
    { uid: text, sid: text, url, p: text, vp: text, e: text, foo: text, ip: anything, lang: anything },
    { requiredKeys: [] },
  ) // prettier-ignore
  .map((fields) => ({ fields }));
const value = fc.oneof(
  { arbitrary: text, weight: 4 },
  { arbitrary: number, weight: 3 },
  { arbitrary: url, weight: 3 },
  { arbitrary: entity, weight: 1 },
  { arbitrary: fc.array(fc.oneof(entity, nested, text)), weight: 2 },
  { arbitrary: subject, weight: 1 },
  {
    arbitrary: fc.constantFrom(undefined, null, true, false, new Date(0), new Date(NaN), Symbol('s'), () => 1),
    weight: 2,
  },
  { arbitrary: fc.record({ type: fc.constantFrom('ttm', 'dtm', 'eid', 'se_va'), value: number }), weight: 1 },
  { arbitrary: fc.uuid(), weight: 1 },
  { arbitrary: anything, weight: 2 },
);

const goodEntity = fc.record({ schema: fc.constant('iglu:com.acme/thing/jsonschema/1-0-0'), data: fc.object() });
const word = fc.string({ unit: 'grapheme', minLength: 1 });
const item = fc.record({ sku: word, price: fc.double({ noNaN: true, noDefaultInfinity: true }), quantity: fc.nat() });
// What a caller means to give, by the argument's name; the rest are words.
const MEANT: Record<string, fc.Arbitrary<unknown>> = {
  context: fc.array(goodEntity, { maxLength: 3 }),
  event: goodEntity,
  timestamp: fc.oneof(fc.nat(), fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })),
  subject: fc.constant(new Subject().setUserId('u').setLang('et')),
  eventId: fc.uuid(),
  anonymous: fc.boolean(),
  isFatal: fc.boolean(),
  currency: fc.constant('EUR'),
  id: fc.uuid(),
  previousId: fc.uuid(),
  nodeName: fc.constant('INPUT'),
  type: fc.constant('email'),
  items: fc.array(item, { maxLength: 3 }),
  terms: fc.array(word, { minLength: 1 }),
  filters: fc.dictionary(word, fc.boolean()),
  elements: fc.array(fc.record({ name: word, value: word, nodeName: fc.constant('SELECT') })),
  elementClasses: fc.array(word),
  formClasses: fc.array(word),
  ...Object.fromEntries(PAGE.map((name) => [name, url])),
  ...Object.fromEntries(
    ['value', 'price', 'unitPrice', 'totalValue', 'taxValue', 'shipping', 'timing'].map((name) => [name, fc.integer()]),
  ),
  ...Object.fromEntries(
    ['minX', 'maxX', 'minY', 'maxY', 'quantity', 'totalResults', 'pageResults'].map((name) => [name, fc.nat()]),
  ),
};
const argument = (name: string): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: MEANT[name] ?? word, weight: 9 }, { arbitrary: value, weight: 1 });

interface Call {
  method: string;
  args: unknown;
}
const call: fc.Arbitrary<Call> = fc.constantFrom(...Object.keys(METHODS)).chain((method) => {
  const names = [...(METHODS[method] as string[]), ...COMMON];
  const required = fc.record(Object.fromEntries(names.map((name) => [name, argument(name)])), {
    requiredKeys: names.slice(0, 4),
  });
  const args = fc.oneof({ arbitrary: required, weight: 20 }, { arbitrary: anything, weight: 1 });
  return args.map((given) => ({ method, args: given }));
});
const calls = fc.array(call, { minLength: 1, maxLength: 5 });

/** Keeps events as a built-in emitter gets them: as the text that a body is made of. */
function encodedSink(): { events: EncodedEvent[]; emitter: Emitter } {
  const events: EncodedEvent[] = [];
  const input = (): void => {};
  const emitter = {
    [ENCODED_INPUT]: (given: readonly EncodedEvent[]) => void events.push(...given),
    input: Object.assign(input, { [ENCODED_INPUT]: input }),
    stats: () => ({ refused: noRefusals() }),
  };
  return { events, emitter: emitter as unknown as Emitter };
}

const run = (tracker: Tracker, { method, args }: Call): void => {
  const call = (tracker as unknown as Record<string, (...given: unknown[]) => unknown>)[method]!.bind(tracker);
  if (method === 'trackError') call(args, args);
  else call(args);
};

function check(events: readonly EncodedEvent[], tracker: Tracker, method: string): void {
  const body = JSON.parse(postBody(events, Date.now()).toString()) as { data: unknown[] };
  expect(body.data).toHaveLength(events.length);
  for (const event of body.data) expect([method, faultsOf(event)]).toEqual([method, []]);
  // Parsed and written again it is the same text: no key twice.
  for (const { json, bytes, eventId } of events) {
    expect(JSON.stringify(JSON.parse(json))).toBe(json);
    expect(bytes).toBe(Buffer.byteLength(json));
    expect((JSON.parse(json) as { eid: string }).eid).toBe(eventId);
  }
  const { offered, accepted, refused } = tracker.stats();
  expect(offered).toBe(accepted + Object.values(refused).reduce((sum, count) => sum + count, 0));
  expect(accepted).toBe(events.length);
}

const settings = fc.record({ encodeBase64: fc.boolean(), anonymous: fc.boolean() });

describe('any arguments', () => {
  it('give a ContractError or an event that the pipeline accepts, while contracts are on', () => {
    fc.assert(
      fc.property(call, settings, (given, options) => {
        const { events, emitter } = encodedSink();
        const tracker = new Tracker({ emitters: emitter, logger: false, namespace: 'ns', ...options });
        try {
          run(tracker, given);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONTRACT' });
          expect(events).toEqual([]);
        }
        check(events, tracker, given.method);
      }),
      { numRuns: 1500 },
    );
  });

  it.each(['log', 'off'] as ContractMode[])(
    'throw nothing in mode %s, and give only what the pipeline takes',
    (contracts) => {
      let taken = 0;
      fc.assert(
        fc.property(calls, settings, (given, options) => {
          const { events, emitter } = encodedSink();
          const tracker = new Tracker({ emitters: emitter, logger: false, contracts, ...options });
          for (const each of given) run(tracker, each);
          check(events, tracker, given.map(({ method }) => method).join());
          taken += events.length;
          if (options.anonymous) for (const event of events) expect(Object.keys(event.payload())).not.toContain('uid');
        }),
        { numRuns: 400 },
      );
      // Were everything refused, the property would hold of nothing.
      expect(taken).toBeGreaterThan(200);
    },
  );

  it('passed to a subject break its contract, or leave only what the pipeline accepts', () => {
    const setters = Object.getOwnPropertyNames(Subject.prototype).filter((name) => name.startsWith('set'));
    expect(setters).toHaveLength(15);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...setters), value, value), { maxLength: 8 }), (given) => {
        const { events, emitter } = encodedSink();
        const tracker = new Tracker({ emitters: emitter, logger: false });
        for (const [setter, ...args] of given)
          try {
            (tracker.subject as unknown as Record<string, (...given: unknown[]) => unknown>)[setter]!(...args);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONTRACT' });
          }
        tracker.trackStructEvent({ category: 'c', action: 'a' });
        expect(events).toHaveLength(1);
        check(events, tracker, 'a subject');
      }),
      { numRuns: 800 },
    );
  });

  it('returned by beforeSend leave an event that the pipeline accepts, or none', () => {
    const keys = ['e', 'p', 'tv', 'uid', 'sid', 'url', 'vp', 'se_va', 'ttm', 'dtm', 'eid', 'stm', 'page', 'foo', '__proto__']; // prettier-ignore
    const payload = fc.oneof(anything, fc.array(fc.tuple(fc.constantFrom(...keys), value)).map((fields) => Object.fromEntries(fields))); // prettier-ignore
    fc.assert(
      fc.property(payload, fc.boolean(), (given, whole) => {
        const { events, emitter } = encodedSink();
        const beforeSend = (own: object): never => (whole ? { ...own, ...Object(given) } : given) as never;
        const tracker = new Tracker({ emitters: emitter, logger: false, beforeSend });
        tracker.trackStructEvent({ category: 'c', action: 'a' });
        check(events, tracker, 'beforeSend');
      }),
      { numRuns: 800 },
    );
  });
});

describe('over a connection', () => {
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.close());

  it.each(['post', 'get'] as const)(
    'whatever is accepted arrives by %s, and the collector finds it good',
    async (method) => {
      const examples = fc.sample(fc.tuple(call, settings), { numRuns: 400, seed: 1 });
      const emitter = new Emitter(collector.url, { method, logger: false });
      let accepted = 0;
      for (const [given, options] of examples) {
        const tracker = new Tracker({ emitters: emitter, logger: false, contracts: 'off', ...options });
        run(tracker, given);
        accepted += tracker.stats().accepted;
      }
      expect(accepted).toBeGreaterThan(50);
      await emitter.flush({ timeoutMs: 120_000 });
      expect(emitter.stats()).toMatchObject({ sent: accepted, waiting: 0, inFlight: 0 });
      collector.assertAllGood();
      for (const { payload } of collector.good()) expect(faultsOf(payload)).toEqual([]);
      await emitter.close();
      collector.reset();
    },
  );
});
