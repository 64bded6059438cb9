// A schema and the TypeScript type of its data: the function that makes self-describing data of both.
import { contractsFor } from '../contracts';
import { ConfigError, show } from '../errors';
import { custom } from '../options';
import {
  AN_IGLU_URI,
  type IgluUri,
  isIgluUri,
  outputOf,
  SelfDescribingJson,
  type StandardSchema,
} from './self-describing-json';

/** Makes data of one schema: an event for `track()`, or an entity for `context`. */
export interface DefinedSchema<Input, Output = Input, U extends string = string> {
  /** @throws ContractError while contracts are on, if `data` is not an object or the validator finds an issue. */
  (data: Input): SelfDescribingJson<Output, U>;
  /** The schema's URI. */
  readonly schema: U;
}

type InputOf<V> = V extends StandardSchema<infer Input, unknown> ? Input : never;
type OutputOf<V> = V extends StandardSchema<unknown, infer Output> ? Output : never;

/**
 * Gives the data of a schema its type, so that wrong data does not compile. `npx snowplow-middleware types` writes such
 * definitions from JSON schemas; with a validator of the Standard Schema specification (Zod, Valibot, ArkType) the type
 * comes from the validator.
 *
 * @param uri `iglu:vendor/name/jsonschema/1-0-0`.
 * @param validator Is asked at each call, takes its input type, and its output is sent. It has to answer at once. While
 *   contracts are off, data with an issue goes as it came.
 * @throws ConfigError if `uri` is not the URI of a schema or `validator` is not a Standard Schema.
 * @example
 * const basket = defineSchema<{ items: number }>('iglu:com.acme/basket/jsonschema/1-0-0');
 * req.tracker.track(basket({ items: 3 }));
 * const paid = defineSchema('iglu:com.acme/paid/jsonschema/1-0-0', z.object({ total: z.number() }));
 * req.tracker.track(paid({ total: 9 }));
 */
export function defineSchema<T, const U extends IgluUri = IgluUri>(uri: U): DefinedSchema<T, T, U>;
export function defineSchema<const U extends IgluUri, V extends StandardSchema>(
  uri: U,
  validator: V,
): DefinedSchema<InputOf<V>, OutputOf<V>, U>;
export function defineSchema(uri: string, validator?: unknown): DefinedSchema<unknown> {
  if (!isIgluUri(uri)) throw new ConfigError('defineSchema: uri', AN_IGLU_URI, show(uri));
  if (validator !== undefined && !standardSchema.accepts(validator))
    throw new ConfigError('defineSchema: validator', standardSchema.expected, show(validator));
  const define =
    validator === undefined
      ? (data: unknown) => new SelfDescribingJson(uri, data)
      : (data: unknown) => new SelfDescribingJson(uri, validated(uri, validator, data));
  return Object.assign(define, { schema: uri });
}

const standardSchema = custom(
  'a Standard Schema, as Zod, Valibot and ArkType make them',
  (value) => typeof (Object(value) as Partial<StandardSchema>)['~standard']?.validate === 'function',
);

function validated(uri: string, validator: unknown, data: unknown): unknown {
  const caller = contractsFor(uri);
  try {
    // A validator that only checks gives no output.
    return outputOf(validator, uri, data) ?? data;
  } catch (error) {
    if (caller) throw error;
    return data;
  }
}
