// Written by `npx snowplow-middleware types` from JSON schemas. Change those and run it again, not this file.
/* eslint-disable */
import { defineSchema } from 'snowplow-middleware';

/**
 * The basket of a visitor.
 *
 * iglu:com.acme/basket/jsonschema/1-0-0
 */
export interface Basket {
  /** Integer; 0 to 1000. */
  items: number;
}
export const basket = defineSchema<Basket, 'iglu:com.acme/basket/jsonschema/1-0-0'>(
  'iglu:com.acme/basket/jsonschema/1-0-0',
);

/**
 * How much of a tea the shop has.
 *
 * iglu:com.acme/stock/jsonschema/1-0-0
 */
export interface Stock {
  /** At most 40 characters. */
  sku: string;
  /**
   * Pieces that nobody has reserved.
   * Integer; 0 to 100000.
   */
  left: number;
}
export const stock = defineSchema<Stock, 'iglu:com.acme/stock/jsonschema/1-0-0'>(
  'iglu:com.acme/stock/jsonschema/1-0-0',
);
