// The entities of e-commerce events: what each takes, by its schema in `com.snowplowanalytics.snowplow.ecommerce`.
import type { Id } from '../core/contracts';
import { publicFunction } from '../core/events/event';
import { SelfDescribingJson } from '../core/protocol/self-describing-json';
import {
  amount,
  count,
  currency,
  entityOf,
  type EntityRules,
  flag,
  id,
  ids,
  integer,
  oneOf,
  required,
  text,
  VENDOR,
} from './rules';

type Optional<T> = T | null | undefined;

/** A product, `product/1-0-0`. Amounts are in whole cents, from 0 to 9,999,999. */
export interface Product {
  /** The SKU, at most 4,096 characters. */
  readonly id: Id;
  /** For example `Tea`, or `Tea > Green`; at most 4,096 characters. */
  readonly category: string;
  /** What one of it costs now. */
  readonly price: number;
  /** Three letters, ISO 4217. */
  readonly currency: string;
  readonly name?: Optional<string>;
  /** What one of it costs by the list. */
  readonly listPrice?: Optional<number>;
  /** How many are viewed, bought, put into the cart or taken out of it. */
  readonly quantity?: Optional<number>;
  readonly size?: Optional<string>;
  readonly variant?: Optional<string>;
  readonly brand?: Optional<string>;
  /** For example `in stock`. */
  readonly inventoryStatus?: Optional<string>;
  /** The place in a list. */
  readonly position?: Optional<number>;
  /** The picture or text that presented it. */
  readonly creativeId?: Optional<string>;
}

export const PRODUCT: EntityRules<Product> = {
  schema: `${VENDOR}/product/jsonschema/1-0-0`,
  fields: {
    id: required(id(4096)),
    name: text(4096),
    category: required(text(4096)),
    price: required(amount),
    listPrice: amount,
    quantity: count,
    size: text(256),
    variant: text(256),
    brand: text(256),
    inventoryStatus: text(256),
    position: count,
    currency: required(currency),
    creativeId: text(256),
  },
};

/** A cart, `cart/1-0-0`. */
export interface Cart {
  readonly cartId?: Optional<Id>;
  /** What the cart is worth after the event. */
  readonly totalValue: number;
  /** Three letters, ISO 4217. */
  readonly currency: string;
}

export const CART: EntityRules<Cart> = {
  schema: `${VENDOR}/cart/jsonschema/1-0-0`,
  fields: { cartId: id(4096), totalValue: required(amount), currency: required(currency) },
};

/** A customer, `user/1-0-0`. */
export interface User {
  /** At most 128 characters. */
  readonly id: Id;
  readonly isGuest?: Optional<boolean>;
  readonly email?: Optional<string>;
}

const USER: EntityRules<User> = {
  schema: `${VENDOR}/user/jsonschema/1-0-0`,
  fields: { id: required(id(128)), isGuest: flag, email: text(256) },
};

/** A kind of page, `page/1-0-0`. */
export interface Page {
  /** For example `product` or `checkout`; at most 128 characters. */
  readonly type: string;
  readonly language?: Optional<string>;
  readonly locale?: Optional<string>;
}

const PAGE: EntityRules<Page> = {
  schema: `${VENDOR}/page/jsonschema/1-0-0`,
  fields: { type: required(text(128)), language: text(128), locale: text(128) },
};

/** A step of a checkout, `checkout_step/1-0-0`. */
export interface CheckoutStep {
  /** From 1 to 90. */
  readonly step: number;
  readonly shippingPostcode?: Optional<string>;
  readonly billingPostcode?: Optional<string>;
  readonly shippingFullAddress?: Optional<string>;
  readonly billingFullAddress?: Optional<string>;
  /** For example `DHL`. */
  readonly deliveryProvider?: Optional<string>;
  /** For example `store pickup`. */
  readonly deliveryMethod?: Optional<string>;
  readonly couponCode?: Optional<string>;
  /** For example `guest`. */
  readonly accountType?: Optional<string>;
  /** For example `card`. */
  readonly paymentMethod?: Optional<string>;
  /** For example `invoice`. */
  readonly proofOfPayment?: Optional<string>;
  readonly marketingOptIn?: Optional<boolean>;
}

export const CHECKOUT_STEP: EntityRules<CheckoutStep> = {
  schema: `${VENDOR}/checkout_step/jsonschema/1-0-0`,
  fields: {
    step: required(integer(1, 90)),
    shippingPostcode: text(128),
    billingPostcode: text(128),
    shippingFullAddress: text(4096),
    billingFullAddress: text(4096),
    deliveryProvider: text(128),
    deliveryMethod: text(128),
    couponCode: text(128),
    accountType: text(128),
    paymentMethod: text(128),
    proofOfPayment: text(128),
    marketingOptIn: flag,
  },
};

/** A purchase, `transaction/1-0-0`. Amounts are in whole cents, from 0 to 9,999,999. */
export interface Transaction {
  readonly transactionId: Id;
  readonly revenue: number;
  /** Three letters, ISO 4217. */
  readonly currency: string;
  /** For example `card`; at most 128 characters. */
  readonly paymentMethod: string;
  readonly totalQuantity: number;
  readonly tax?: Optional<number>;
  readonly shipping?: Optional<number>;
  readonly discountCode?: Optional<string>;
  readonly discountAmount?: Optional<number>;
  readonly creditOrder?: Optional<boolean>;
}

export const TRANSACTION: EntityRules<Transaction> = {
  schema: `${VENDOR}/transaction/jsonschema/1-0-0`,
  fields: {
    transactionId: required(id(4096)),
    revenue: required(amount),
    currency: required(currency),
    paymentMethod: required(text(128)),
    totalQuantity: required(count),
    tax: amount,
    shipping: amount,
    discountCode: text(99),
    discountAmount: amount,
    creditOrder: flag,
  },
};

/** What went wrong in a purchase, `transaction_error/1-0-0`. */
export interface TransactionFailure {
  readonly errorCode?: Optional<Id>;
  readonly errorShortcode?: Optional<string>;
  readonly errorDescription?: Optional<string>;
  /** `hard` when the customer cannot go on. */
  readonly errorType?: Optional<'hard' | 'soft'>;
  /** What the customer may do. */
  readonly resolution?: Optional<string>;
}

export const TRANSACTION_FAILURE: EntityRules<TransactionFailure> = {
  schema: `${VENDOR}/transaction_error/jsonschema/1-0-0`,
  fields: {
    errorCode: id(256),
    errorShortcode: text(4096),
    errorDescription: text(4096),
    errorType: oneOf('hard', 'soft'),
    resolution: text(4096),
  },
};

/** A refund, `refund/1-0-0`. */
export interface Refund {
  readonly transactionId: Id;
  /** Three letters, ISO 4217. */
  readonly currency: string;
  /** In whole cents, from 0 to 9,999,999. */
  readonly refundAmount: number;
  readonly refundReason?: Optional<string>;
}

export const REFUND: EntityRules<Refund> = {
  schema: `${VENDOR}/refund/jsonschema/1-0-0`,
  fields: {
    transactionId: required(id(4096)),
    currency: required(currency),
    refundAmount: required(amount),
    refundReason: text(4096),
  },
};

/** An internal promotion such as a banner, `promotion/1-0-0`. */
export interface Promotion {
  readonly id: Id;
  readonly name?: Optional<string>;
  /** The products that it promotes. */
  readonly productIds?: Optional<readonly Id[]>;
  readonly position?: Optional<number>;
  readonly creativeId?: Optional<string>;
  /** For example `banner`. */
  readonly type?: Optional<string>;
  /** For example `hero`. */
  readonly slot?: Optional<string>;
}

export const PROMOTION: EntityRules<Promotion> = {
  schema: `${VENDOR}/promotion/jsonschema/1-0-0`,
  fields: {
    id: required(id(4096)),
    name: text(256),
    productIds: ids(4096),
    position: count,
    creativeId: text(4096),
    type: text(256),
    slot: text(256),
  },
};

/** Makes the public function of an entity. */
const publicEntity = <Args>(name: string, rules: EntityRules<Args>) =>
  publicFunction(
    `ecommerce.${name}`,
    (args: Args, caller) => entityOf(caller, '', rules, args),
    new SelfDescribingJson<object>(rules.schema, {}),
  );

/**
 * A product as an entity of any event.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.trackPageView({ context: [ecommerce.product({ id: 'TEA-1', category: 'Tea', price: 4.5, currency: 'EUR' })] });
 */
export const product = publicEntity('product', PRODUCT);

/**
 * A cart as an entity of any event.
 *
 * @throws ContractError while contracts are on.
 * @example
 * ecommerce.cart({ cartId: 'C-1', totalValue: 9, currency: 'EUR' });
 */
export const cart = publicEntity('cart', CART);

/**
 * The customer as an entity of any event; for all events of a tracker by its option `entities`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * app.use(snowplow({ endpoint, entities: (req) => (req.user ? [ecommerce.user({ id: req.user.id })] : []) }));
 */
export const user = publicEntity('user', USER);

/**
 * The kind of page as an entity of any event.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.trackPageView({ context: [ecommerce.page({ type: 'product', language: 'et' })] });
 */
export const page = publicEntity('page', PAGE);
