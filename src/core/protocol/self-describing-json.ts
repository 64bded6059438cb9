// Self-describing JSON: data with the name of its schema, in events and context entities.
import { contractsFor, fail, INT32_MAX, isAbsent, isJsonObject } from '../contracts';
import { ContractError, hasCode, show, UNREADABLE } from '../errors';
import { runMarked } from '../marks';
import { memoise } from '../url/page-url';
import { notData } from './json-data';

/** Data with the `iglu:` URI of its schema. A plain object of this shape is accepted everywhere. */
export interface SelfDescribing<T = unknown, U extends string = string> {
  readonly schema: U;
  readonly data: T;
}

/** The full URI of a schema in an Iglu registry: `iglu:vendor/name/jsonschema/1-0-0`. */
export type IgluUri = `iglu:${string}/${string}/jsonschema/${number}-${number}-${number}`;

/** A validator of the Standard Schema specification, such as those of Zod, Valibot and ArkType. The types are copied, not imported. */
export interface StandardSchema<Input = unknown, Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/**
 * Data with its schema, checked at construction.
 *
 * @example
 * new SelfDescribingJson('iglu:com.acme/basket/jsonschema/1-0-0', { items: 3 });
 * new SelfDescribingJson('iglu:com.acme/basket/jsonschema/1-0-0', { items: 3 }, { validator: z.object({ items: z.number() }) });
 */
export class SelfDescribingJson<T = unknown, U extends string = string> implements SelfDescribing<T, U> {
  /**
   * @param schema `iglu:vendor/name/jsonschema/1-0-0`.
   * @param data The data itself; serialised when the event is tracked.
   * @param options `validator`: any synchronous Standard Schema validator, called now.
   * @throws ContractError if the schema is not an iglu URI, the data is not an object, or the validator finds an issue; not while
   *   contracts are disabled for the process.
   */
  constructor(
    readonly schema: U,
    readonly data: T,
    options: { validator?: StandardSchema | undefined } = {},
  ) {
    const caller = contractsFor('SelfDescribingJson');
    if (!caller) return;
    if (!isIgluUri(schema)) fail(caller, 'schema', AN_IGLU_URI, schema);
    checkData(caller, 'data', data);
    const validator = validatorOf(caller, options);
    if (!isAbsent(validator)) outputOf(validator, caller, data);
  }
}

// The URI pattern of the self-describing meta schema, with a SchemaVer version, whose models begin at 1.
const IGLU_URI = /^iglu:[\w.-]+\/[\w-]+\/[\w-]+\/([1-9]\d*)-(0|[1-9]\d*)-(0|[1-9]\d*)$/;
// An app uses the same few schemas again and again.
function openingOf(schema: string): string {
  const [uri, ...version] = IGLU_URI.exec(schema) ?? [];
  return uri && version.every((number) => Number(number) <= INT32_MAX) ? `{"schema":"${uri}","data":` : '';
}
const knownOpening = memoise(500, openingOf);
const LONGEST_KNOWN = 200;

/** The beginning of the JSON of a self-describing object with this schema; '' if the text is not a full schema URI. */
export function jsonOpening(schema: unknown): string {
  if (typeof schema !== 'string') return '';
  return schema.length > LONGEST_KNOWN ? openingOf(schema) : knownOpening(schema);
}

/** Whether `schema` is a full schema URI, `iglu:vendor/name/format/model-revision-addition`. */
export const isIgluUri = (schema: unknown): schema is string => jsonOpening(schema) !== '';

export const AN_IGLU_URI = 'an iglu: URI such as iglu:com.acme/basket/jsonschema/1-0-0';

/** Whether a value is self-describing. It runs for every entity of every event, so {@link checkSelfDescribing} words the fault. */
export const isSelfDescribing = (value: unknown): value is SelfDescribing =>
  isJsonObject(value) &&
  isIgluUri((value as SelfDescribing).schema) &&
  notData((value as SelfDescribing).data) === undefined;

/** Checks a list of entities. It builds the path of an entity only if that entity is wrong. */
export function checkEntities(caller: string, path: string, entities: unknown): void {
  if (!Array.isArray(entities)) fail(caller, path, 'an array of { schema, data }', entities);
  for (let index = 0; index < entities.length; index++)
    if (!isSelfDescribing(entities[index])) checkSelfDescribing(caller, `${path}[${index}]`, entities[index]);
}

export function checkSelfDescribing(caller: string, path: string, value: unknown): void {
  if (!isJsonObject(value)) fail(caller, path, 'an object { schema, data }', value);
  const { schema, data } = value as SelfDescribing;
  if (!isIgluUri(schema)) fail(caller, `${path}.schema`, AN_IGLU_URI, schema);
  checkData(caller, `${path}.data`, data);
}

function checkData(caller: string, path: string, data: unknown): void {
  const received = notData(data);
  if (received !== undefined) throw new ContractError(caller, path, 'an object', received);
}

interface StandardResult {
  readonly value?: unknown;
  readonly issues?: readonly { readonly message: string }[];
  readonly then?: unknown;
}

function validatorOf(caller: string, options: { validator?: StandardSchema | undefined } | null): unknown {
  try {
    return options?.validator;
  } catch {
    throw new ContractError(caller, 'options', 'an object that can be read', UNREADABLE);
  }
}

/**
 * What a validator makes of `data`.
 *
 * @throws ContractError when it finds an issue, throws, or answers with a promise.
 */
export function outputOf(validator: unknown, caller: string, data: unknown): unknown {
  try {
    const standard = (validator as StandardSchema)['~standard'];
    const result: unknown = runMarked('callback', () => standard.validate(data));
    const { issues, then, value } = Object(result) as StandardResult;
    if (typeof then === 'function') {
      // Nobody uses the promise, and its rejection must not be unhandled.
      Promise.resolve(result).catch(() => {});
      throw new ContractError(caller, 'validator', 'synchronous', 'a promise');
    }
    // The messages may quote the data, so they are in the place of the value, which is never logged.
    const messages = issues?.map(({ message }) => message).join('; ');
    if (messages !== undefined) throw new ContractError(caller, 'data', 'accepted by its validator', messages);
    return value;
  } catch (error) {
    if (hasCode(error, 'ERR_SNOWPLOW_CONTRACT')) throw error;
    throw new ContractError(caller, 'validator', 'a validator that does not throw', thrownWords(error));
  }
}

function thrownWords(error: unknown): string {
  try {
    return String(error);
  } catch {
    return show(error);
  }
}
