// Each builder against the schemas that judge it: every field can be given, and a contract refuses what the schema refuses.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { disableContracts, enableContracts, type SelfDescribing, type TrackerEvent } from 'snowplow-middleware';
import * as ecommerce from 'snowplow-middleware/ecommerce';
import { loadValidator, type Validator } from '../../../src/collector/schemas/validator';
import { thrownBy } from '../../support/capture';

const VENDOR = 'com.snowplowanalytics.snowplow.ecommerce';
interface Schema {
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}
const schemas = new Map(
  readFileSync(join(__dirname, '../../compatibility/schemas.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [string, Schema]),
);
const schemaOf = (name: string): Schema => schemas.get(`${VENDOR}/${name}`)!;
const ajv = loadValidator() as Validator;
const judges = new Map([...schemas].map(([path, schema]) => [`iglu:${path}`, ajv.compile(schema)]));
const isGood = ({ schema, data }: SelfDescribing): boolean => judges.get(schema)!(JSON.parse(JSON.stringify(data)));
const entitiesOf = ({ args }: TrackerEvent): readonly SelfDescribing[] => args.context ?? [];
const isJson = (value: unknown): boolean => isDeepStrictEqual(JSON.parse(JSON.stringify(value) ?? 'null'), value);
const camel = (name: string): string => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

afterEach(enableContracts);

const tea: ecommerce.Product = {
  id: 'TEA-1', category: 'Tea > Green', price: 4.5, currency: 'EUR', name: 'Sencha', listPrice: 5, quantity: 2, size: '100 g',
  variant: 'loose', brand: 'Kibune', inventoryStatus: 'in stock', position: 3, creativeId: 'shelf',
}; // prettier-ignore
const order: ecommerce.Transaction = {
  transactionId: 'T-77', revenue: 9, currency: 'EUR', paymentMethod: 'card', totalQuantity: 2, tax: 1.5, shipping: 0,
  discountCode: 'SPRING', discountAmount: 0.5, creditOrder: false,
}; // prettier-ignore
const basket: ecommerce.Cart = { cartId: 'C-1', totalValue: 9, currency: 'EUR' };
const step: ecommerce.CheckoutStep = {
  step: 2, shippingPostcode: '10111', billingPostcode: '10112', shippingFullAddress: 'Pikk 1', billingFullAddress: 'Pikk 2',
  deliveryProvider: 'DHL', deliveryMethod: 'express', couponCode: 'C', accountType: 'guest', paymentMethod: 'card',
  proofOfPayment: 'invoice', marketingOptIn: true,
}; // prettier-ignore
const failure: ecommerce.TransactionFailure = {
  errorCode: 'E-05', errorShortcode: 'CARD_DECLINED', errorDescription: 'declined', errorType: 'hard', resolution: 'another card',
}; // prettier-ignore
const money: ecommerce.Refund = { transactionId: 'T-77', currency: 'EUR', refundAmount: 4.5, refundReason: 'broken' };
const banner: ecommerce.Promotion = {
  id: 'P-1', name: 'Spring', productIds: ['TEA-1', 7], position: 1, creativeId: 'b', type: 'banner', slot: 'hero',
}; // prettier-ignore

/** Each event with all that it can be given: what it says of itself, and the schemas of its entities in order. */
const EVENTS: readonly (readonly [event: TrackerEvent, data: object, entities: readonly string[]])[] = [
  [ecommerce.productView(tea), { type: 'product_view' }, ['product']],
  [ecommerce.productListView({ name: 'Teas', products: [tea, tea] }), { type: 'list_view', name: 'Teas' }, ['product', 'product']],
  [ecommerce.productListClick({ name: 'Teas', product: tea }), { type: 'list_click', name: 'Teas' }, ['product']],
  [ecommerce.addToCart({ ...basket, products: [tea] }), { type: 'add_to_cart' }, ['product', 'cart']],
  [ecommerce.removeFromCart({ ...basket, products: [tea] }), { type: 'remove_from_cart' }, ['product', 'cart']],
  [ecommerce.checkoutStep(step), { type: 'checkout_step' }, ['checkout_step']],
  [ecommerce.transaction({ ...order, products: [tea] }), { type: 'transaction' }, ['product', 'transaction']],
  [ecommerce.refund({ ...money, products: [tea] }), { type: 'refund' }, ['product', 'refund']],
  [ecommerce.transactionError({ ...failure, transaction: order }), { type: 'trns_error' }, ['transaction', 'transaction_error']],
  [ecommerce.promotionView(banner), { type: 'promo_view' }, ['promotion']],
  [ecommerce.promotionClick(banner), { type: 'promo_click' }, ['promotion']],
]; // prettier-ignore

/** The function of each entity that stands alone. */
const SINGLE: Readonly<Record<string, (args: never) => SelfDescribing>> = {
  product: ecommerce.product,
  cart: ecommerce.cart,
  user: ecommerce.user,
  page: ecommerce.page,
  checkout_step: (args) => entitiesOf(ecommerce.checkoutStep(args))[0]!,
  transaction: (args) => entitiesOf(ecommerce.transaction(args))[0]!,
  transaction_error: (args) =>
    entitiesOf(ecommerce.transactionError({ ...(args as object), transaction: order } as never))[1]!,
  refund: (args) => entitiesOf(ecommerce.refund(args))[0]!,
  promotion: (args) => entitiesOf(ecommerce.promotionView(args))[0]!,
};
const FULL: Readonly<Record<string, object>> = {
  product: tea,
  cart: basket,
  user: { id: 'u-17', isGuest: false, email: 'ann@acme.com' },
  page: { type: 'product', language: 'et', locale: 'et-EE' },
  checkout_step: step,
  transaction: order,
  transaction_error: failure,
  refund: money,
  promotion: banner,
};

describe('every action', () => {
  it.each(EVENTS.map((row) => [(row[1] as { type: string }).type, ...row] as const))(
    '%s is one good event with its entities',
    (_type, event, data, entities) => {
      expect(event.fields).toEqual({ e: 'ue' });
      expect(event.selfDescribing).toEqual({
        schema: `iglu:${VENDOR}/snowplow_ecommerce_action/jsonschema/1-0-2`,
        data,
      });
      const schemasOf = entitiesOf(event).map(({ schema }) => schema);
      expect(schemasOf).toEqual(entities.map((name) => `iglu:${VENDOR}/${name}/jsonschema/1-0-0`));
      expect(entitiesOf(event).every(isGood)).toBe(true);
      expect(isGood(event.selfDescribing!)).toBe(true);
    },
  );

  it('is in the schema’s list, and no other is there', () => {
    const { enum: types } = schemaOf('snowplow_ecommerce_action/jsonschema/1-0-2').properties['type'] as {
      enum: string[];
    };
    expect(EVENTS.map(([, data]) => (data as { type: string }).type).sort()).toEqual([...types].sort());
  });

  it('keeps the entities, the time and the id that it is given', () => {
    const own = { schema: 'iglu:com.acme/thing/jsonschema/1-0-0', data: {} };
    const eventId = '3c0f2d54-7d55-4a0a-9d02-7b8a3b1c0d01';
    const { args } = ecommerce.productView({ ...tea, context: [own], timestamp: 1_650_000_000_999, eventId });
    expect(args).toMatchObject({ timestamp: 1_650_000_000_999, eventId });
    expect(args.context).toHaveLength(2);
    expect(args.context?.[0]).toBe(own);
  });
});

describe.each(Object.keys(SINGLE))('the entity %s', (name) => {
  const schema = schemaOf(`${name}/jsonschema/1-0-0`);
  const make = SINGLE[name] as (args: object) => SelfDescribing;
  const full = FULL[name] as Readonly<Record<string, unknown>>;

  it('takes every field of its schema, and no other', () => {
    const { data } = make(full) as { data: object };
    expect(Object.keys(data).sort()).toEqual(Object.keys(schema.properties).sort());
    expect(isGood(make({ ...full, surprise: 1 }))).toBe(true);
  });

  it.each(Object.keys(schema.properties))('refuses %s where the schema refuses it, and nowhere else', (wire) => {
    const field = camel(wire);
    const isRequired = schema.required?.includes(wire) ?? false;
    const values = fc.oneof(
      fc.constantFrom(undefined, null, '', 'EUR', 'eu', 'hard', 'soft', true, false, 0, -1, 1, 90, 91, 1.5, NaN, Infinity),
      fc.constantFrom(9_999_999, 10_000_000, 0.005, 0.1 + 0.2, 4.35, 19.99, 4.3500000001, -0, 2 ** 53, [], {}, [1], ['a']),
      fc.constantFrom(16, 99, 100, 128, 129, 256, 257, 4096, 4097).map((length) => 'x'.repeat(length)),
      fc.constantFrom(64, 128, 129, 256, 257).map((length) => '🫖'.repeat(length)),
      fc.string(),
      fc.double(),
      fc.integer().map((cents) => cents / 100),
      fc.array(fc.string()),
      fc.anything(),
    ); // prettier-ignore
    fc.assert(
      fc.property(values, (value) => {
        const args = { ...full, [field]: value };
        const isAbsent = value === undefined || value === null || value === '';
        let made: SelfDescribing;
        try {
          made = make(args);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONTRACT' });
          // With a purchase's products absent as well, nothing says how many there were.
          if (isAbsent) {
            expect(isRequired).toBe(true);
            return;
          }
          expect((error as { path: string }).path).toMatch(new RegExp(`${field}$`));
          // What JSON cannot say has no verdict.
          if (!isJson(value)) return;
          const asSent = { ...(make(full) as { data: object }).data, [wire]: value };
          expect(isGood({ schema: make(full).schema, data: asSent })).toBe(false);
          return;
        }
        if (isAbsent) expect(made.data).not.toHaveProperty(wire);
        expect(isGood(made)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('amounts', () => {
  const priceOf = (price: number): unknown =>
    (ecommerce.product({ ...tea, price }) as SelfDescribing<{ price: number }>).data.price;

  it('that a calculation left beside a cent are that cent', () => {
    expect(priceOf(0.1 + 0.2)).toBe(0.3);
    expect(priceOf(1.1 * 3)).toBe(3.3);
    expect(priceOf(4.35)).toBe(4.35);
    expect(priceOf(9_999_999)).toBe(9_999_999);
  });

  it('with a part of a cent break the contract', () => {
    for (const price of [0.001, 4.3501, 1.005, 9_999_999.01, -0.01])
      expect(thrownBy(() => ecommerce.product({ ...tea, price })).message).toContain('price');
  });
});

describe('the total quantity of a purchase', () => {
  const { totalQuantity: _given, ...rest } = order;
  const quantityOf = (args: ecommerce.TransactionArgs): unknown =>
    (entitiesOf(ecommerce.transaction(args)).at(-1) as SelfDescribing<{ total_quantity: number }>).data.total_quantity;

  it('is the sum of the products where it is absent', () => {
    const { quantity: _none, ...without } = tea;
    expect(quantityOf({ ...rest, products: [tea, { ...tea, quantity: 3 }, without] })).toBe(5);
    expect(quantityOf({ ...rest, totalQuantity: 7, products: [tea] })).toBe(7);
    expect(quantityOf({ ...rest, products: [{ ...tea, quantity: 0 }] })).toBe(0);
  });

  it('has to come from somewhere', () => {
    const { quantity: _none, ...without } = tea;
    for (const products of [undefined, [], [without]])
      expect(thrownBy(() => ecommerce.transaction({ ...rest, products })).message).toContain('totalQuantity');
  });
});

it('a contract names the product at fault', () => {
  const products = [tea, { ...tea, price: 'free' as never }];
  expect(thrownBy(() => ecommerce.addToCart({ ...basket, products })).message).toContain('products[1].price');
  expect(thrownBy(() => ecommerce.addToCart({ ...basket, products: tea as never })).message).toContain('products');
  expect(thrownBy(() => ecommerce.productListClick({ product: null as never })).message).toContain('product');
  expect(thrownBy(() => ecommerce.productListView({ name: 'x'.repeat(129), products })).message).toContain(
    'products[1]',
  );
  expect(thrownBy(() => ecommerce.productListView({ name: 'x'.repeat(129), products: [tea] })).message).toContain(
    'name',
  );
});

describe('without contracts', () => {
  it('values go as they came, and nothing throws', () => {
    disableContracts();
    const hostile = Object.defineProperty({}, 'id', {
      enumerable: true,
      get() {
        throw new Error('unreadable');
      },
    });
    for (const args of [undefined, null, 7, 'x', {}, hostile, { products: 7 }, { products: [null] }, { context: 7 }])
      for (const build of Object.values(ecommerce)) expect(() => build(args as never)).not.toThrow();
    const { data } = ecommerce.product({ ...tea, price: 'free' as never }) as SelfDescribing<{ price: unknown }>;
    expect(data.price).toBe('free');
  });
});
