// Typed events, as a user's compiler sees them: what is wrong does not compile. `tsc --noEmit` is what fails here.
import * as v from 'valibot';
import { describe, expectTypeOf, it } from 'vitest';
import {
  cmpVisible,
  consentPreferences,
  createTracker,
  type DefinedSchema,
  defineSchema,
  type EventInfo,
  type SelfDescribing,
  type SelfDescribingJson,
  type Tracker,
} from 'snowplow-middleware';
import * as ecommerce from 'snowplow-middleware/ecommerce';

declare const tracker: Tracker;
interface Basket {
  readonly items: number;
  readonly kind?: 'gift' | 'own' | undefined;
}
const BASKET = 'iglu:com.acme/basket/jsonschema/1-0-0';
const basket = defineSchema<Basket, typeof BASKET>(BASKET);
const product = { id: 'TEA-1', category: 'Tea', price: 4.5, currency: 'EUR' };
/** Never called: its body is only compiled. */
const compiled = (_body: () => void): void => {};

describe('defineSchema', () => {
  it('types data and URI', () => {
    expectTypeOf(basket).toEqualTypeOf<DefinedSchema<Basket, Basket, typeof BASKET>>();
    expectTypeOf(basket({ items: 3 })).toEqualTypeOf<SelfDescribingJson<Basket, typeof BASKET>>();
    expectTypeOf(basket.schema).toEqualTypeOf<typeof BASKET>();
    expectTypeOf(defineSchema<Basket>(BASKET)).parameter(0).toEqualTypeOf<Basket>();
  });

  it('takes argument and result from a validator', () => {
    const paid = defineSchema('iglu:com.acme/paid/jsonschema/1-0-0', v.object({ total: v.pipe(v.string(), v.transform(Number)) })); // prettier-ignore
    expectTypeOf(paid).parameter(0).toEqualTypeOf<{ total: string }>();
    expectTypeOf(paid({ total: '9' }).data).toEqualTypeOf<{ total: number }>();
    expectTypeOf(paid.schema).toEqualTypeOf<'iglu:com.acme/paid/jsonschema/1-0-0'>();
  });

  it('refuses wrong data', () => {
    compiled(() => {
      // @ts-expect-error a missing field
      basket({});
      // @ts-expect-error a wrong type
      basket({ items: '3' });
      // @ts-expect-error a wrong word of an enum
      basket({ items: 3, kind: 'loan' });
      // @ts-expect-error a field that the schema does not have
      basket({ items: 3, colour: 'red' });
      // @ts-expect-error no URI of a schema
      defineSchema<Basket>('com.acme/basket');
      // @ts-expect-error no Standard Schema
      defineSchema(BASKET, { parse: () => ({}) });
    });
  });
});

describe('track', () => {
  it('takes self-describing data and what every event takes', () => {
    expectTypeOf<Tracker['track']>().returns.toEqualTypeOf<string | undefined>();
    expectTypeOf<Tracker['track']>().toBeCallableWith(basket({ items: 3 }), { context: [basket({ items: 1 })] });
    compiled(() => {
      // @ts-expect-error neither an event nor data with a schema
      tracker.track({ items: 3 });
      // @ts-expect-error an entity without a schema
      tracker.track(basket({ items: 3 }), { context: [{ items: 3 }] });
    });
  });
});

describe('entities', () => {
  it('are a list, or a function of the event', () => {
    expectTypeOf(createTracker).toBeCallableWith({ endpoint: 'h', entities: [basket({ items: 3 })] });
    expectTypeOf(createTracker).toBeCallableWith({ endpoint: 'h', entities: ({ type }: EventInfo): SelfDescribing[] => (type === 'pv' ? [] : [product].map((one) => ecommerce.product(one))) }); // prettier-ignore
  });
});

describe('e-commerce and consent', () => {
  it('refuse what their schemas refuse', () => {
    compiled(() => {
      // @ts-expect-error a product without a category
      ecommerce.productView({ id: 'TEA-1', price: 4.5, currency: 'EUR' });
      // @ts-expect-error a price that is text
      ecommerce.product({ ...product, price: '4.5' });
      // @ts-expect-error a purchase without a payment method
      ecommerce.transaction({ transactionId: 'T', revenue: 9, currency: 'EUR', products: [product] });
      // @ts-expect-error a kind of error that the schema does not know
      ecommerce.transactionError({ errorType: 'fatal', transaction: { transactionId: 'T', revenue: 9, currency: 'EUR', paymentMethod: 'card', totalQuantity: 1 } }); // prettier-ignore
      // @ts-expect-error the name on the wire
      ecommerce.checkoutStep({ step: 1, delivery_method: 'x' });
      // @ts-expect-error no basis of the GDPR
      consentPreferences({ eventType: 'pending', basisForProcessing: 'mood', consentUrl: 'https://h/', consentVersion: '1', consentScopes: ['a'], domainsApplied: ['h'] }); // prettier-ignore
      // @ts-expect-error a time that is text
      cmpVisible({ elapsedTime: '420' });
    });
  });
});
