// The browser's e-commerce plugin and our builders get the same sixty calls: the same schemas, the same data, the same order. The
// collector then judges each event of ours by the schemas themselves.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as plugin from '@snowplow/browser-plugin-snowplow-ecommerce';
import { trackerCore } from '@snowplow/tracker-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTracker, type SelfDescribing, type Tracker, type TrackerEvent } from 'snowplow-middleware';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import * as ecommerce from 'snowplow-middleware/ecommerce';
import { capture, entitiesOf, eventOf } from '../../support/capture';

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** The plugin's arguments: the same values by their names on the wire. */
function theirs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(theirs);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [snake(name), name === 'context' ? inner : theirs(inner)]),
  );
}

// Arguments are made anew for each call: the plugin pushes its entities into the caller's `context`.
const tea = { id: 'TEA-1', category: 'Tea', price: 4.5, currency: 'EUR' };
const full = {
  ...tea, name: 'Sencha ☕', listPrice: 19.99, quantity: 2, size: '100 g', variant: 'loose', brand: 'Kibune',
  inventoryStatus: 'in stock', position: 0, creativeId: 'shelf',
}; // prettier-ignore
const pot = { id: 'POT-7', category: 'Pots > Clay', price: 0, currency: 'JPY', quantity: 9_999_999 };
const cart = { totalValue: 9, currency: 'EUR' };
const order = { transactionId: 'T-77', revenue: 9, currency: 'EUR', paymentMethod: 'card', totalQuantity: 2 };
const wholeOrder = { ...order, tax: 1.5, shipping: 0, discountCode: 'S', discountAmount: 0.5, creditOrder: true };
const { totalQuantity: _none, ...orderOfProducts } = order;
const refund = { transactionId: 'T-77', currency: 'EUR', refundAmount: 4.35 };
const failure = {
  errorCode: 'E-05',
  errorShortcode: 'NO',
  errorDescription: 'no',
  errorType: 'soft',
  resolution: 'again',
};
const step = {
  step: 90, shippingPostcode: '10111', billingPostcode: '1', shippingFullAddress: 'Pikk 1', billingFullAddress: 'Pikk 2',
  deliveryProvider: 'DHL', deliveryMethod: 'express', couponCode: 'C', accountType: 'guest', paymentMethod: 'card',
  proofOfPayment: 'invoice', marketingOptIn: false,
}; // prettier-ignore
const promotion = { id: 'P-1', name: 'Spring', productIds: ['TEA-1', 'POT-7'], position: 1, creativeId: 'b', type: 'banner', slot: 'hero' }; // prettier-ignore
const context = [{ schema: 'iglu:org.ietf/http_header/jsonschema/1-0-0', data: { name: 'X-Shop', value: 'tallinn' } }];
const timestamp = { type: 'ttm', value: 1_650_000_000_999 };

type Name = keyof typeof ecommerce;
/** Arguments of each builder; every call is made as it is, with entities of its own, and with a time of its own. */
const CALLS: readonly (readonly [name: Name, args: object])[] = [
  ['productView', tea],
  ['productView', full],
  ['productListView', { name: 'Teas', products: [tea, full, pot] }],
  ['productListView', { name: 'None', products: [] }],
  ['productListClick', { name: 'Teas', product: full }],
  ['addToCart', { ...cart, products: [full] }],
  ['addToCart', { ...cart, cartId: 'C-1', totalValue: 0.07, products: [tea, pot] }],
  ['removeFromCart', { ...cart, products: [pot] }],
  ['checkoutStep', { step: 1 }],
  ['checkoutStep', step],
  ['transaction', { ...wholeOrder, products: [full, pot] }],
  ['transaction', { ...orderOfProducts, products: [full, tea] }],
  ['transaction', order],
  ['refund', refund],
  ['refund', { ...refund, refundReason: 'broken', products: [full] }],
  ['transactionError', { transaction: order }],
  ['transactionError', { ...failure, transaction: wholeOrder }],
  ['promotionView', { id: 'P-1' }],
  ['promotionView', promotion],
  ['promotionClick', promotion],
];
const VARIANTS = [{}, { context }, { timestamp }];
const SIXTY = CALLS.flatMap(([name, args]) => VARIANTS.map((more) => [name, { ...args, ...more }] as const));

interface Sent {
  readonly event: SelfDescribing;
  readonly entities: readonly SelfDescribing[];
  readonly ttm: unknown;
}

const payloads: Record<string, unknown>[] = [];
const published = plugin.SnowplowEcommercePlugin();
const core = trackerCore({
  base64: false,
  corePlugins: [published],
  callback: (builder) => payloads.push(builder.build()),
});
const THEM = plugin as unknown as Record<string, (args: unknown) => void>;

function sentByPlugin(name: string, args: object): Sent {
  payloads.length = 0;
  const copy = structuredClone(args);
  THEM[`track${name[0]!.toUpperCase()}${name.slice(1)}`]!(theirs(copy));
  const [payload = {}] = payloads;
  const parsed = (key: string): { data: never } => JSON.parse(payload[key] as string) as { data: never };
  return { event: parsed('ue_pr').data, entities: payload['co'] ? parsed('co').data : [], ttm: payload['ttm'] };
}

const { tracker, last } = capture({ encodeBase64: false });
const US = { ...ecommerce };
const build = (name: Name, args: object): TrackerEvent => (US[name] as (args: object) => TrackerEvent)(args);

function sentByUs(name: Name, args: object): Sent {
  tracker.track(build(name, args));
  return { event: eventOf(last()), entities: entitiesOf(last()), ttm: last()['ttm'] };
}

it('there are sixty calls, of every builder', () => {
  expect(SIXTY).toHaveLength(60);
  const builders = Object.keys(ecommerce).filter((name) => !['product', 'cart', 'user', 'page'].includes(name));
  expect([...new Set(CALLS.map(([name]) => name))].sort()).toEqual(builders.sort());
});

describe('the published plugin', () => {
  beforeAll(() => {
    published.activateBrowserPlugin?.({ id: 'sp', core } as never);
  });

  it.each(SIXTY)('sends %s as we do: %j', (name, args) => {
    const them = sentByPlugin(name, args);
    expect(them.event.schema).toContain('snowplow_ecommerce_action');
    const us = sentByUs(name, args);
    expect(us).toEqual({ ...them, ttm: them.ttm === undefined ? undefined : String(them.ttm) });
  });

  it.each([
    ['setPageType', 'page', { type: 'product', language: 'et', locale: 'et-EE' }],
    ['setEcommerceUser', 'user', { id: 'u-17', isGuest: false, email: 'ann@acme.com' }],
  ] as const)('puts what %s is given on events as our entity %s', (setter, name, args) => {
    THEM[setter]!(theirs(args));
    const { schema, data } = US[name](args as never);
    expect(sentByPlugin('productView', tea).entities).toContainEqual({ schema, data });
  });
});

describe('the collector', () => {
  let folder: string;
  let collector: Collector;
  let sending: Tracker;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'schemas-'));
    for (const line of readFileSync(join(__dirname, '../schemas.jsonl'), 'utf8').trim().split('\n')) {
      const [path, schema] = JSON.parse(line) as [string, object];
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), JSON.stringify(schema));
    }
    collector = await startCollector({ iglu: [folder] });
    sending = createTracker({ endpoint: collector.url, namespace: 'shop', appId: 'shop', logger: false });
  });
  afterAll(async () => {
    await sending.close();
    await collector.close();
    rmSync(folder, { recursive: true });
  });

  it('judges all sixty good, by the schemas themselves', async () => {
    for (const [name, args] of SIXTY) sending.track(build(name, args));
    await sending.flush();
    expect(collector.bad().flatMap(({ errors }) => errors)).toEqual([]);
    expect(collector.good()).toHaveLength(60);
    expect(collector.good().flatMap(({ unchecked }) => unchecked)).toEqual([]);
  });
});
