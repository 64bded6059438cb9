// Builders of shop events: a transaction with its items, and additions to and removals from a cart.
import {
  type Caller,
  checkId,
  checkInteger,
  checkNumber,
  checkOptionalNumber,
  checkOptionalText,
  fail,
  type Id,
  idText,
  isAbsent,
} from '../contracts';
import { checkEventArgs, type EventArgs, publicBuilder, selfDescribingEvent, type TrackerEvent } from './event';

/** One item of a transaction. */
export interface TransactionItem {
  readonly sku: Id;
  readonly price: number;
  /** An integer from 0. */
  readonly quantity: number;
  readonly name?: string | null | undefined;
  readonly category?: string | null | undefined;
  readonly context?: EventArgs['context'];
}

/** Arguments of a transaction item that is tracked separately. */
export interface EcommerceTransactionItemArgs extends TransactionItem, EventArgs {
  readonly orderId: Id;
  /** Three letters, ISO 4217. */
  readonly currency?: string | null | undefined;
}

/** Arguments of a transaction. */
export interface EcommerceTransactionArgs extends EventArgs {
  readonly orderId: Id;
  readonly totalValue: number;
  readonly affiliation?: string | null | undefined;
  readonly taxValue?: number | null | undefined;
  readonly shipping?: number | null | undefined;
  readonly city?: string | null | undefined;
  readonly state?: string | null | undefined;
  readonly country?: string | null | undefined;
  /** Three letters, ISO 4217; the items share it. */
  readonly currency?: string | null | undefined;
  readonly items?: readonly TransactionItem[] | null | undefined;
}

function checkItem(caller: string, path: string, item: TransactionItem): void {
  checkEventArgs(caller, item, path);
  checkId(caller, `${path}sku`, item.sku);
  checkNumber(caller, `${path}price`, item.price);
  checkInteger(caller, `${path}quantity`, item.quantity, 0);
  checkOptionalText(caller, `${path}name`, item.name);
  checkOptionalText(caller, `${path}category`, item.category);
}

function checkCurrency(caller: string, value: unknown): void {
  if (!isAbsent(value) && (typeof value !== 'string' || value.length !== 3))
    fail(caller, 'currency', 'a three-letter code', value);
}

export function buildEcommerceTransactionItem(args: EcommerceTransactionItemArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkItem(caller, '', args);
    checkId(caller, 'orderId', args.orderId);
    checkCurrency(caller, args.currency);
  }
  const { orderId, sku, price, quantity, name, category, currency } = args;
  return {
    fields: {
      e: 'ti',
      ti_id: orderId,
      ti_sk: sku,
      ti_nm: name,
      ti_ca: category,
      ti_pr: price,
      ti_qu: quantity,
      ti_cu: currency,
    },
    args,
  };
}

/**
 * One item of a transaction, `e=ti`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(ecommerceTransactionItem({ orderId: 'T-77', sku: 'TEA-1', price: 4.5, quantity: 2 }));
 */
export const ecommerceTransactionItem = publicBuilder('ecommerceTransactionItem', buildEcommerceTransactionItem);

export function buildEcommerceTransaction(args: EcommerceTransactionArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkId(caller, 'orderId', args.orderId);
    checkNumber(caller, 'totalValue', args.totalValue);
    for (const name of ['affiliation', 'city', 'state', 'country'] as const)
      checkOptionalText(caller, name, args[name]);
    for (const name of ['taxValue', 'shipping'] as const) checkOptionalNumber(caller, name, args[name]);
    checkCurrency(caller, args.currency);
    if (!isAbsent(args.items)) {
      if (!Array.isArray(args.items)) fail(caller, 'items', 'an array of items', args.items);
      for (let index = 0; index < args.items.length; index++)
        checkItem(caller, `items[${index}].`, args.items[index] as TransactionItem);
    }
  }
  const { orderId, currency, timestamp, subject, anonymous } = args;
  return {
    fields: {
      e: 'tr',
      tr_id: orderId,
      tr_tt: args.totalValue,
      tr_af: args.affiliation,
      tr_tx: args.taxValue,
      tr_sh: args.shipping,
      tr_ci: args.city,
      tr_st: args.state,
      tr_co: args.country,
      tr_cu: currency,
    },
    args,
    items: (isAbsent(args.items) ? [] : args.items).map((item) =>
      buildEcommerceTransactionItem(
        { ...item, orderId, currency, timestamp, subject, anonymous, eventId: undefined },
        undefined,
      ),
    ),
  };
}

/**
 * A transaction, `e=tr`, with one `e=ti` per item; all of them are accepted, or none. Items share the order id, currency,
 * timestamp and subject, and each can have its own `context`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(ecommerceTransaction({ orderId: 'T-77', totalValue: 9, items: [{ sku: 'TEA-1', price: 4.5, quantity: 2 }] }));
 */
export const ecommerceTransaction = publicBuilder('ecommerceTransaction', buildEcommerceTransaction);

/** Arguments of an addition to a cart, or a removal from it. */
export interface CartArgs extends EventArgs {
  readonly sku: Id;
  readonly quantity: number;
  readonly name?: string | null | undefined;
  readonly category?: string | null | undefined;
  readonly unitPrice?: number | null | undefined;
  readonly currency?: string | null | undefined;
}

const cartBuilder =
  (schema: string) =>
  (args: CartArgs, caller: Caller): TrackerEvent => {
    if (caller) {
      checkEventArgs(caller, args);
      checkId(caller, 'sku', args.sku);
      checkNumber(caller, 'quantity', args.quantity);
      for (const name of ['name', 'category', 'currency'] as const) checkOptionalText(caller, name, args[name]);
      checkOptionalNumber(caller, 'unitPrice', args.unitPrice);
    }
    const { sku, quantity, name, category, unitPrice, currency } = args;
    return selfDescribingEvent(schema, { sku: idText(sku), quantity, name, category, unitPrice, currency }, args);
  };

export const buildAddToCart = cartBuilder('iglu:com.snowplowanalytics.snowplow/add_to_cart/jsonschema/1-0-0');
export const buildRemoveFromCart = cartBuilder('iglu:com.snowplowanalytics.snowplow/remove_from_cart/jsonschema/1-0-0');

/**
 * An addition to a cart, self-describing as `add_to_cart/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(addToCart({ sku: 'TEA-1', quantity: 2, unitPrice: 4.5, currency: 'EUR' }));
 */
export const addToCart = publicBuilder('addToCart', buildAddToCart);

/**
 * A removal from a cart, self-describing as `remove_from_cart/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(removeFromCart({ sku: 'TEA-1', quantity: 1 }));
 */
export const removeFromCart = publicBuilder('removeFromCart', buildRemoveFromCart);
