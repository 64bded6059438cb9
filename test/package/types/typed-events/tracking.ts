// Written by `npx snowplow-middleware types` from JSON schemas. Change those and run it again, not this file.
/* eslint-disable */
import {
  ContractError,
  defineSchema,
  selfDescribing,
  SelfDescribingJson,
  type SelfDescribing,
  type TrackerEvent,
} from 'snowplow-middleware';

/**
 * What a visitor has in the basket.
 *
 * iglu:com.acme/basket/jsonschema/1-0-0
 */
export interface Basket {
  /** Integer; at least 1. */
  items: number;
  currency: 'EUR' | 'USD';
  /**
   * What the visitor wrote.
   * At most 200 characters.
   */
  note?: string | null | undefined;
}
export const basket = defineSchema<Basket, 'iglu:com.acme/basket/jsonschema/1-0-0'>(
  'iglu:com.acme/basket/jsonschema/1-0-0',
);

/** iglu:com.acme/payment/jsonschema/1-0-0 */
export type Payment =
  | {
      method: 'card' | 'invoice';
      card: {
        brand: string;
      };
      invoice?: string | undefined;
    }
  | {
      method: 'card' | 'invoice';
      card?:
        | {
            brand: string;
          }
        | undefined;
      invoice: string;
    };
export const payment = defineSchema<Payment, 'iglu:com.acme/payment/jsonschema/1-0-0'>(
  'iglu:com.acme/payment/jsonschema/1-0-0',
);

/** iglu:com.acme/product/jsonschema/1-0-0 */
export interface Product {
  /** At most 40 characters. */
  sku: string;
  /** A multiple of 0.01. */
  price?: number | undefined;
}
export const product = defineSchema<Product, 'iglu:com.acme/product/jsonschema/1-0-0'>(
  'iglu:com.acme/product/jsonschema/1-0-0',
);

/** iglu:com.acme/user/jsonschema/1-0-0 */
export interface User {
  id: string;
}
export const user = defineSchema<User, 'iglu:com.acme/user/jsonschema/1-0-0'>('iglu:com.acme/user/jsonschema/1-0-0');

/**
 * Checkout started
 * - 1 or more of iglu:com.acme/product/jsonschema/1-0-0
 * - 1 of iglu:com.acme/user/jsonschema/1-0-0
 */
export function checkoutStarted(
  data: Basket,
  entities: readonly (
    | SelfDescribing<Product, 'iglu:com.acme/product/jsonschema/1-0-0'>
    | SelfDescribing<User, 'iglu:com.acme/user/jsonschema/1-0-0'>
  )[],
): TrackerEvent {
  return specified(
    'checkoutStarted',
    {
      id: '11d881cd-316e-4286-b5d4-fe7aebf56fca',
      name: 'Checkout started',
      data_product_id: '3d3059c4-d29b-4979-a973-43f7070e1dd0',
      data_product_name: 'Shop',
    },
    new SelfDescribingJson('iglu:com.acme/basket/jsonschema/1-0-0', data),
    entities,
    [
      ['iglu:com.acme/product/jsonschema/1-0-0', 1, Infinity],
      ['iglu:com.acme/user/jsonschema/1-0-0', 1, 1],
    ],
  );
}

/** The event of a specification, with the entity that names the specification. Contracts count the entities. */
function specified(
  name: string,
  specification: Readonly<Record<string, string>>,
  event: SelfDescribing,
  entities: readonly SelfDescribing[],
  counts: readonly (readonly [schema: string, least: number, most: number])[],
): TrackerEvent {
  const validate = (value: unknown) => {
    for (const [schema, least, most] of counts) {
      const count = entities.filter((entity) => entity.schema === schema).length;
      const asked = least === most ? `${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
      if (count < least || count > most) throw new ContractError(name, 'entities', `${asked} of ${schema}`, `${count}`);
    }
    return { value };
  };
  const entity = new SelfDescribingJson(
    'iglu:com.snowplowanalytics.snowplow/event_specification/jsonschema/1-0-4',
    specification,
    { validator: { '~standard': { version: 1, vendor: 'snowplow-middleware', validate } } },
  );
  return selfDescribing({ event, context: [...entities, entity] });
}
