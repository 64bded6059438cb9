// Values that throw when they are read, passed to every public function: an error of ours, or none.
import { afterEach, describe, expect, it } from 'vitest';
import * as main from 'snowplow-middleware';
import * as ecommerce from 'snowplow-middleware/ecommerce';
import { capture } from '../../support/capture';

afterEach(() => main.enableContracts());

const thrower = (): never => {
  throw new Error('looked at');
};
const revoked = (target: object): unknown => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const trap = {
  get: thrower,
  has: thrower,
  ownKeys: thrower,
  getPrototypeOf: thrower,
  getOwnPropertyDescriptor: thrower,
};
const VALUES: Record<string, unknown> = {
  'a revoked Proxy': revoked({}),
  'a revoked Proxy of a list': revoked([]),
  'a revoked Proxy of a function': revoked(() => {}),
  'a Proxy whose traps throw': new Proxy({}, trap),
  'a tag that throws': Object.defineProperty({}, Symbol.toStringTag, { get: thrower, enumerable: true }),
  'a toString that throws': { toString: thrower, valueOf: thrower, [Symbol.toPrimitive]: thrower },
  'a then that throws': Object.defineProperty({}, 'then', { get: thrower, enumerable: true }),
  'a toJSON that throws': { toJSON: thrower },
  'a class with getters that throw': new (class { get [Symbol.toStringTag](): string { return thrower(); } get then(): unknown { return thrower(); } })(),
  'a list with such in it': [revoked({})],
  'no prototype': Object.create(null),
  'a symbol': Symbol('s'),
}; // prettier-ignore
const hostile = Object.entries(VALUES);

/** Each argument in turn, each member of a good one in turn. */
function places(good: readonly unknown[], bad: unknown): unknown[][] {
  return good.flatMap((value, index) => {
    const put = (one: unknown): unknown[] => good.map((other, at) => (at === index ? one : other));
    const members = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    if (!members) return [put(bad)];
    const getters = Object.keys(value).map((name) => put(Object.defineProperty({ ...value }, name, { get: thrower })));
    return [put(bad), ...Object.keys(value).map((name) => put({ ...value, [name]: bad })), ...getters];
  });
}

function codeOf(run: () => unknown): unknown {
  try {
    const result = run();
    if (result instanceof Promise) result.catch(() => {});
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

const schema = 'iglu:com.acme/basket/jsonschema/1-0-0';
const entity = { schema, data: { items: 3 } };
const common = {
  context: [entity],
  timestamp: 1e12,
  subject: new main.Subject(),
  eventId: '0b1e7f1a-3f3c-4a44-9c4f-0c6a8b1f2d3e',
  anonymous: false,
};
const item = { sku: 's', price: 1, quantity: 1, name: 'n', category: 'c', context: [entity] };
const page = { pageUrl: 'https://acme.com/', pageTitle: 'Tea', referrer: 'https://r.example/', ...common };
const cart = { sku: 's', quantity: 1, name: 'n', category: 'c', unitPrice: 1, currency: 'EUR', ...common };
const ARGS: Record<string, readonly unknown[]> = {
  pageView: [page],
  pagePing: [{ ...page, minX: 0, maxX: 1, minY: 0, maxY: 1 }],
  screenView: [{ name: 'n', id: 'i', ...common }],
  mobileScreenView: [{ name: 'n', id: common.eventId, type: 't', previousName: 'p', ...common }],
  structEvent: [{ category: 'c', action: 'a', label: 'l', property: 'p', value: 1, ...common }],
  selfDescribing: [{ event: entity, ...common }],
  ecommerceTransaction: [{ orderId: 'T', totalValue: 1, currency: 'EUR', city: 'c', taxValue: 1, items: [item], ...common }],
  ecommerceTransactionItem: [{ orderId: 'T', currency: 'EUR', ...item, ...common }],
  addToCart: [cart],
  removeFromCart: [cart],
  formChange: [{ formId: 'f', elementId: 'e', nodeName: 'INPUT', value: 'v', type: 'email', elementClasses: ['c'], ...common }],
  formSubmit: [{ formId: 'f', formClasses: ['c'], elements: [{ name: 'n', value: 'v', nodeName: 'INPUT' }], ...common }],
  linkClick: [{ targetUrl: 'https://h/', elementId: 'e', elementClasses: ['c'], elementContent: 'c', ...common }],
  siteSearch: [{ terms: ['tea'], filters: { page: true }, totalResults: 1, pageResults: 1, ...common }],
  timing: [{ category: 'c', variable: 'v', timing: 1, label: 'l', ...common }],
  applicationError: [{ error: new Error('x'), isFatal: false, ...common }],
  consentPreferences: [{ eventType: 'pending', basisForProcessing: 'consent', consentUrl: 'https://h/', consentVersion: '1', consentScopes: ['a'], domainsApplied: ['h'], gdprApplies: true, ...common }],
  cmpVisible: [{ elapsedTime: 1, ...common }],
}; // prettier-ignore
const tea = { id: 'TEA-1', category: 'Tea', price: 4.5, currency: 'EUR', name: 'n', quantity: 1 };
const order = { transactionId: 'T', revenue: 9, currency: 'EUR', paymentMethod: 'card', totalQuantity: 1 };
const SHOP: Record<string, readonly unknown[]> = {
  productView: [{ ...tea, ...common }],
  productListView: [{ name: 'n', products: [tea], ...common }],
  productListClick: [{ name: 'n', product: tea, ...common }],
  addToCart: [{ cartId: 'c', totalValue: 1, currency: 'EUR', products: [tea], ...common }],
  removeFromCart: [{ cartId: 'c', totalValue: 1, currency: 'EUR', products: [tea], ...common }],
  checkoutStep: [{ step: 1, deliveryMethod: 'd', ...common }],
  transaction: [{ ...order, products: [tea], ...common }],
  refund: [{ transactionId: 'T', currency: 'EUR', refundAmount: 1, products: [tea], ...common }],
  transactionError: [{ errorType: 'hard', transaction: order, ...common }],
  promotionView: [{ id: 'P', productIds: ['TEA-1'], ...common }],
  promotionClick: [{ id: 'P', productIds: ['TEA-1'], ...common }],
  product: [tea],
  cart: [{ cartId: 'c', totalValue: 1, currency: 'EUR' }],
  user: [{ id: 'u', isGuest: true }],
  page: [{ type: 'product' }],
};
const EMITTER = { batchSize: 1, byteLimit: 1, method: 'post', port: 1, headers: { a: 'b' }, customRetryCodes: { 404: false }, requestTimeoutMs: { connect: 1, response: 1 }, onDrop() {}, dispatcher: { dispatch: () => true }, logger: false }; // prettier-ignore
const TRACKER = { entities: [entity], namespace: 'n', appId: 'a', subject: new main.Subject(), platform: 'srv', encodeBase64: true, beforeSend: () => undefined, logger: false }; // prettier-ignore

const shop = ecommerce as unknown as typeof loose;
const loose = main as unknown as Record<string, (...args: unknown[]) => unknown>;
const make = (name: string, ...args: unknown[]): unknown =>
  Reflect.construct(loose[name] as unknown as new (...args: unknown[]) => unknown, args);
const closing = (made: unknown): void => void (made as { close?: () => Promise<unknown> }).close?.();

// What is made by hand, or set up: a mistake is a ConfigError or a ContractError.
const SET_UP: [name: string, good: readonly unknown[], run: (...args: unknown[]) => unknown][] = [
  ['Emitter', ['h', { ...EMITTER }], (...args) => closing(make('Emitter', ...args))],
  ['AsyncEmitter', [{ endpoint: 'h', ...EMITTER, threadCount: 2 }], (...args) => closing(make('AsyncEmitter', ...args))],
  [
    'TransportEmitter',
    [{ transport: { fits: () => true, send: async () => ({ status: 'sent' }), close: async () => {} }, batchSize: 1, logger: false }],
    (...args) => closing(make('TransportEmitter', ...args)),
  ], // prettier-ignore
  ['Tracker', [{ emitters: { input() {} }, ...TRACKER }], (...args) => closing(make('Tracker', ...args))],
  ['createTracker', [{ endpoint: 'h', emitter: { ...EMITTER }, ...TRACKER }], (...args) => closing(loose['createTracker']?.(...args))],
  ['MemoryEventStore', [{ capacity: 1, capacityBytes: 1 }], (...args) => make('MemoryEventStore', ...args)],
  ['SelfDescribingJson', [schema, { a: 1 }, { validator: { '~standard': { validate: () => ({}) } } }], (...args) => make('SelfDescribingJson', ...args)],
  ['defineSchema', [schema, { '~standard': { validate: () => ({}) } }], (...args) => main.defineSchema(...(args as [never]))({})],
  ['closeOnShutdown', [{ server: { close() {} }, tracker: { flush() {}, close() {} }, signals: [] }], (...args) => main.closeOnShutdown(...(args as [never]))()],
  ['fromPino', [{}], (...args) => loose['fromPino']?.(...args)],
  ['logger.setLevel', ['warn'], (level) => main.logger.setLevel(level as 'warn')],
  ['decodeEvent', ['{"tv":"t","p":"srv","e":"pv"}', { anonymous: false }], (...args) => loose['decodeEvent']?.(...args)],
  ['currentTracker', ['n'], (...args) => loose['currentTracker']?.(...args)],
  ['Snowplow.createTracker', [{ endpoint: 'h', ...TRACKER }], (options) => main.Snowplow.createTracker(options as never)],
  ['Snowplow.addTracker', [capture({ namespace: 'n' }).tracker], (tracker) => main.Snowplow.addTracker(tracker as never)],
  ['Snowplow.getTracker', ['n'], (name) => main.Snowplow.getTracker(name as never)],
  ['Snowplow.removeTracker', ['n'], (name) => main.Snowplow.removeTracker(name as never)],
  ['Subject.merge', [new main.Subject(), new main.Subject()], (a, b) => main.Subject.merge(a as never, b as never)],
  ...Object.entries(ARGS).map(([name, good]): (typeof SET_UP)[number] => [name, good, (...args) => loose[name]?.(...args)]),
  ...Object.entries(SHOP).map(([name, good]): (typeof SET_UP)[number] => [`ecommerce.${name}`, good, (...args) => shop[name]?.(...args)]),
]; // prettier-ignore

it('every function and class of the package is tried', () => {
  const elsewhere = ['disableContracts', 'enableContracts', 'ConfigError', 'ContractError', 'Tracking', 'RequestTracker', 'Subject', 'Snowplow', 'logger']; // prettier-ignore
  const tried = SET_UP.map(([name]) => name).filter((name) => !name.includes('.'));
  expect([...tried, ...elsewhere].toSorted()).toEqual(Object.keys(main).toSorted());
  expect(Object.keys(SHOP).toSorted()).toEqual(Object.keys(ecommerce).toSorted());
});

describe.each(hostile)('%s', (_what, bad) => {
  it.each(SET_UP)('given to %s is a ConfigError or a ContractError, or taken', (name, good, run) => {
    for (const args of places(good, bad)) {
      expect([undefined, 'ERR_SNOWPLOW_CONFIG', 'ERR_SNOWPLOW_CONTRACT']).toContain(codeOf(() => run(...args)));
      main.Snowplow.reset();
    }
    if (name.startsWith('Subject.') || name in ARGS) {
      main.disableContracts();
      for (const args of places(good, bad)) expect(codeOf(() => run(...args))).toBeUndefined();
    }
  });

  it('given to a setter of a subject is a ContractError', () => {
    const setters = Object.getOwnPropertyNames(main.Subject.prototype).filter((name) => name.startsWith('set'));
    expect(setters.length).toBeGreaterThan(10);
    for (const name of setters) {
      const set = (): unknown => (new main.Subject() as never as typeof loose)[name]?.(bad, 1);
      expect([name, codeOf(set)]).toEqual([name, 'ERR_SNOWPLOW_CONTRACT']);
    }
  });

  const METHODS: [method: string, good: readonly unknown[]][] = [
    ...Object.entries(ARGS).flatMap(([name, good]): [string, readonly unknown[]][] => {
      const method = `track${name[0]?.toUpperCase()}${name.slice(1)}`;
      return method in main.Tracking.prototype ? [[method, good]] : [];
    }),
    ['trackSelfDescribingEvent', ARGS['selfDescribing'] as readonly unknown[]],
    ['trackError', [new Error('x'), { isFatal: true, ...common }]],
    ['track', [{ fields: { e: 'se', se_ca: 'c', se_ac: 'a' }, args: common, items: [], selfDescribing: entity }]],
    ['setSubject', [new main.Subject()]],
    ['withSubject', [new main.Subject()]],
    ['addEmitter', [{ input() {} }]],
    ['flush', [{ timeoutMs: 1 }]],
    ['close', [{ timeoutMs: 1 }]],
  ];
  it.each(METHODS)('given to tracker.%s is a contract in mode throw, and silence else', (method, good) => {
    for (const contracts of ['throw', 'log', 'off'] as const)
      for (const args of places(good, bad)) {
        const { tracker } = capture({ contracts });
        const code = codeOf(() => (tracker as never as typeof loose)[method]?.(...args));
        const silent = contracts !== 'throw' && method !== 'addEmitter';
        expect(silent ? [undefined] : [undefined, 'ERR_SNOWPLOW_CONTRACT', 'ERR_SNOWPLOW_CONFIG']).toContain(code);
        const { offered, accepted, refused } = tracker.stats();
        expect(Object.values(refused).reduce((sum, one) => sum + one, accepted)).toBe(offered);
      }
  });

  it('given by a callback, a hook, an emitter or a validator stays there', () => {
    for (const options of [
      { onDrop: () => bad, enabled: false },
      { beforeSend: () => bad },
      { emitters: { input: () => bad } },
    ]) {
      const { tracker } = capture(options as never);
      expect(codeOf(() => tracker.trackStructEvent({ category: 'c', action: 'a' }))).toBeUndefined();
    }
    for (const thrown of [false, true]) {
      const validate = (): unknown => { if (thrown) throw bad; return bad; }; // prettier-ignore
      const validator = { '~standard': { version: 1, vendor: 'v', validate } } as const;
      const code = codeOf(() => new main.SelfDescribingJson(schema, {}, { validator }));
      expect([undefined, 'ERR_SNOWPLOW_CONTRACT']).toContain(code);
    }
    const logger = { debug: () => { throw bad; }, info: thrower, warn: () => { throw bad; }, error: () => bad }; // prettier-ignore
    const { tracker } = capture({ logger: logger as never, contracts: 'log' });
    expect(codeOf(() => tracker.trackStructEvent({ category: '', action: '' }))).toBeUndefined();
  });

  it('given to an emitter is refused, or a ConfigError', async () => {
    const emitter = new main.Emitter('127.0.0.1', { logger: false });
    expect(emitter.input(bad as never)).toBe(false);
    expect(emitter.input({ e: 'pv', p: 'srv', tv: 'x' }, bad as never)).not.toBeUndefined();
    expect(codeOf(() => emitter.setFlushTimer(bad as never))).toBe('ERR_SNOWPLOW_CONFIG');
    await emitter.close({ timeoutMs: 1 });
    for (const method of ['flush', 'close'] as const)
      expect(await emitter[method](bad as never)).toHaveProperty('sent');
  });
});
