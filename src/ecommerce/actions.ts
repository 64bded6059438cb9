// The e-commerce events: each is one `snowplow_ecommerce_action` with the entities that say what it is about.
import { type Caller, fail, isAbsent } from '../core/contracts';
import { checkEventArgs, type EventArgs, publicBuilder, type TrackerEvent } from '../core/events/event';
import type { SelfDescribing } from '../core/protocol/self-describing-json';
import {
  type Cart,
  CART,
  type CheckoutStep,
  CHECKOUT_STEP,
  type Product,
  PRODUCT,
  type Promotion,
  PROMOTION,
  type Refund,
  REFUND,
  type Transaction,
  TRANSACTION,
  TRANSACTION_FAILURE,
  type TransactionFailure,
} from './entities';
import { count, entityOf, text, VENDOR } from './rules';

const ACTION = `${VENDOR}/snowplow_ecommerce_action/jsonschema/1-0-2`;
const LIST_NAME = text(128);

/** Entities of an event, in their order; `caller` is undefined while contracts are off. */
type Entities<Args> = (args: Args, caller: Caller) => SelfDescribing[];

/** Makes the builder of one action. The event's own `context` comes first. */
function action<Args extends EventArgs>(name: string, type: string, entities: Entities<Args>, data?: DataOf<Args>) {
  return publicBuilder(`ecommerce.${name}`, (args: Args, caller): TrackerEvent => {
    if (caller) checkEventArgs(caller, args);
    const own = entities(args, caller);
    return {
      fields: { e: 'ue' },
      selfDescribing: { schema: ACTION, data: { type, ...data?.(args, caller) } },
      args: { ...commonArgs(args), context: isAbsent(args.context) ? own : [...args.context, ...own] },
    };
  });
}

/** What an action says itself, beside its type. */
type DataOf<Args> = (args: Args, caller: Caller) => object;

function listName({ name }: { readonly name?: unknown }, caller: Caller): object {
  if (isAbsent(name)) return {};
  if (caller && LIST_NAME.read(name) === undefined) fail(caller, 'name', LIST_NAME.expected, name);
  return { name };
}

const commonArgs = ({ timestamp, subject, eventId, anonymous }: EventArgs): EventArgs => ({
  timestamp,
  subject,
  eventId,
  anonymous,
});

function productsOf({ products }: WithProducts, caller: Caller): SelfDescribing[] {
  if (isAbsent(products)) return [];
  if (!Array.isArray(products)) return caller ? fail(caller, 'products', 'an array of products', products) : [];
  return products.map((one: Product, index) => entityOf(caller, `products[${index}].`, PRODUCT, one));
}

interface WithProducts {
  readonly products?: readonly Product[] | null | undefined;
}

/** Arguments of a product's own page. */
export interface ProductViewArgs extends Product, EventArgs {}

/**
 * A product was looked at, `product_view`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.productView({ id: 'TEA-1', category: 'Tea', price: 4.5, currency: 'EUR' }));
 */
export const productView = action<ProductViewArgs>('productView', 'product_view', (args, caller) => [
  entityOf<Product>(caller, '', PRODUCT, args),
]);

/** Arguments of a list of products. */
export interface ProductListViewArgs extends EventArgs {
  /** The list's name, at most 128 characters. */
  readonly name?: string | null | undefined;
  readonly products: readonly Product[];
}

/**
 * A list of products was looked at, `list_view`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.productListView({ name: 'Teas', products }));
 */
export const productListView = action<ProductListViewArgs>('productListView', 'list_view', productsOf, listName);

/** Arguments of a click on a product of a list. */
export interface ProductListClickArgs extends EventArgs {
  /** The list's name, at most 128 characters. */
  readonly name?: string | null | undefined;
  readonly product: Product;
}

/**
 * A product of a list was chosen, `list_click`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.productListClick({ name: 'Teas', product }));
 */
export const productListClick = action<ProductListClickArgs>(
  'productListClick',
  'list_click',
  (args, caller) => [entityOf(caller, 'product.', PRODUCT, args.product)],
  listName,
);

/** Arguments of what goes into a cart, or out of it. */
export interface CartChangeArgs extends Cart, EventArgs {
  /** What was added or removed. */
  readonly products: readonly Product[];
}

const cartChange: Entities<CartChangeArgs> = (args, caller) => [
  ...productsOf(args, caller),
  entityOf<Cart>(caller, '', CART, args),
];

/**
 * Products were put into a cart, `add_to_cart`. Total value and currency are the cart's afterwards.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.addToCart({ products: [{ ...tea, quantity: 2 }], totalValue: 9, currency: 'EUR' }));
 */
export const addToCart = action<CartChangeArgs>('addToCart', 'add_to_cart', cartChange);

/**
 * Products were taken out of a cart, `remove_from_cart`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.removeFromCart({ products: [{ ...tea, quantity: 1 }], totalValue: 4.5, currency: 'EUR' }));
 */
export const removeFromCart = action<CartChangeArgs>('removeFromCart', 'remove_from_cart', cartChange);

/** Arguments of a step of the checkout. */
export interface CheckoutStepArgs extends CheckoutStep, EventArgs {}

/**
 * A step of the checkout was done, `checkout_step`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.checkoutStep({ step: 2, deliveryMethod: 'store pickup' }));
 */
export const checkoutStep = action<CheckoutStepArgs>('checkoutStep', 'checkout_step', (args, caller) => [
  entityOf<CheckoutStep>(caller, '', CHECKOUT_STEP, args),
]);

/** Arguments of a purchase. */
export interface TransactionArgs extends Omit<Transaction, 'totalQuantity'>, EventArgs {
  /** The sum of the products' quantities when absent. */
  readonly totalQuantity?: number | null | undefined;
  readonly products?: readonly Product[] | null | undefined;
}

function totalQuantity({ totalQuantity: given, products }: TransactionArgs, caller: Caller): number {
  if (!isAbsent(given)) return given;
  const quantities = Array.isArray(products)
    ? products.map((one: Product) => one.quantity).filter(Number.isInteger)
    : [];
  if (caller && quantities.length === 0)
    fail(caller, 'totalQuantity', `${count.expected}, or products with a quantity`, given);
  return (quantities as number[]).reduce((total, quantity) => total + quantity, 0);
}

/**
 * A purchase is complete, `transaction`. A handler tracks it when the order is paid for.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.transaction({ transactionId: 'T-77', revenue: 9, currency: 'EUR', paymentMethod: 'card', products }));
 */
export const transaction = action<TransactionArgs>('transaction', 'transaction', (args, caller) => [
  ...productsOf(args, caller),
  entityOf<Transaction>(caller, '', TRANSACTION, { ...args, totalQuantity: totalQuantity(args, caller) }),
]);

/** Arguments of a refund. */
export interface RefundArgs extends Refund, EventArgs {
  /** What was given back, when it was not the whole order. */
  readonly products?: readonly Product[] | null | undefined;
}

/**
 * Money was given back, `refund`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.refund({ transactionId: 'T-77', refundAmount: 4.5, currency: 'EUR' }));
 */
export const refund = action<RefundArgs>('refund', 'refund', (args, caller) => [
  ...productsOf(args, caller),
  entityOf<Refund>(caller, '', REFUND, args),
]);

/** Arguments of a purchase that failed. */
export interface TransactionErrorArgs extends TransactionFailure, EventArgs {
  readonly transaction: Transaction;
}

/**
 * A purchase failed, `trns_error`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.transactionError({ errorCode: 'E-05', errorType: 'hard', transaction }));
 */
export const transactionError = action<TransactionErrorArgs>('transactionError', 'trns_error', (args, caller) => [
  entityOf(caller, 'transaction.', TRANSACTION, args.transaction),
  entityOf<TransactionFailure>(caller, '', TRANSACTION_FAILURE, args),
]);

/** Arguments of a promotion. */
export interface PromotionArgs extends Promotion, EventArgs {}

const promotion: Entities<PromotionArgs> = (args, caller) => [entityOf<Promotion>(caller, '', PROMOTION, args)];

/**
 * A promotion was shown, `promo_view`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.promotionView({ id: 'P-1', name: 'Spring', slot: 'hero' }));
 */
export const promotionView = action<PromotionArgs>('promotionView', 'promo_view', promotion);

/**
 * A promotion was clicked, `promo_click`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * req.tracker.track(ecommerce.promotionClick({ id: 'P-1', name: 'Spring', slot: 'hero' }));
 */
export const promotionClick = action<PromotionArgs>('promotionClick', 'promo_click', promotion);
