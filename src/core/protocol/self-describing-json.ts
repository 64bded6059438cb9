// Data that names its schema: what self-describing events and context entities are made of.
import { contractsFor, fail, INT32_MAX, isAbsent, isJsonObject } from '../contracts';
import { ContractError, hasCode, show, UNREADABLE } from '../errors';
import { runMarked } from '../marks';
import { memoise } from '../memoise';
import { notData } from './json-data';

/** Data with the `iglu:` URI of the schema it follows. A plain object of this shape is accepted wherever one is asked for. */
export interface SelfDescribing<T = unknown> {
  readonly schema: string;
  readonly data: T;
}

/** A validator of the Standard Schema specification (Zod, Valibot, ArkType and others make them); its types copied, not imported. */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
  };
}

/**
 * Data with its schema, checked when it is made.
 *
 * @example
 * new SelfDescribingJson('iglu:com.acme/basket/jsonschema/1-0-0', { items: 3 });
 * new SelfDescribingJson('iglu:com.acme/basket/jsonschema/1-0-0', { items: 3 }, { validator: z.object({ items: z.number() }) });
 */
export class SelfDescribingJson<T = unknown> implements SelfDescribing<T> {
  /**
   * @param schema `iglu:vendor/name/jsonschema/1-0-0`.
   * @param data The data itself; serialised when the event is tracked.
   * @param options `validator`: any Standard Schema object that answers at once, asked now.
   * @throws ContractError when the schema is no iglu URI, the data no object, or the validator finds an issue;
   *   not while contracts are disabled for the process.
   */
  constructor(
    readonly schema: string,
    readonly data: T,
    options: { validator?: StandardSchema | undefined } = {},
  ) {
    const caller = contractsFor('SelfDescribingJson');
    if (!caller) return;
    if (!isIgluUri(schema)) fail(caller, 'schema', AN_IGLU_URI, schema);
    checkData(caller, 'data', data);
    const validator = validatorOf(caller, options);
    if (!isAbsent(validator)) checkWith(validator, caller, data);
  }
}

// The URI pattern of the self-describing meta schema, with a version of SchemaVer: models begin at 1.
const IGLU_URI = /^iglu:[\w.-]+\/[\w-]+\/[\w-]+\/([1-9]\d*)-(0|[1-9]\d*)-(0|[1-9]\d*)$/;
// An app uses the same few schemas over and over.
function openingOf(schema: string): string {
  const [uri, ...version] = IGLU_URI.exec(schema) ?? [];
  return uri && version.every((number) => Number(number) <= INT32_MAX) ? `{"schema":"${uri}","data":` : '';
}
const knownOpening = memoise(500, openingOf);
const LONGEST_KNOWN = 200;

/** How the JSON of a self-describing object of this schema begins; '' where it is no schema's full URI. */
export function jsonOpening(schema: unknown): string {
  if (typeof schema !== 'string') return '';
  return schema.length > LONGEST_KNOWN ? openingOf(schema) : knownOpening(schema);
}

/** Whether `schema` is a schema's full URI, `iglu:vendor/name/format/model-revision-addition`. */
export const isIgluUri = (schema: unknown): schema is string => jsonOpening(schema) !== '';

const AN_IGLU_URI = 'an iglu: URI such as iglu:com.acme/basket/jsonschema/1-0-0';

/** Names the part at fault only when there is one: this is asked of every entity of every event. */
export const isSelfDescribing = (value: unknown): value is SelfDescribing =>
  isJsonObject(value) &&
  isIgluUri((value as SelfDescribing).schema) &&
  notData((value as SelfDescribing).data) === undefined;

/** Checks a list of entities; the path of each is worded only where one is at fault. */
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

interface StandardIssue {
  readonly message: string;
}

function validatorOf(caller: string, options: { validator?: StandardSchema | undefined } | null): unknown {
  try {
    return options?.validator;
  } catch {
    throw new ContractError(caller, 'options', 'an object that can be read', UNREADABLE);
  }
}

function checkWith(validator: unknown, caller: string, data: unknown): void {
  try {
    const standard = (validator as StandardSchema)['~standard'];
    const result: unknown = runMarked('callback', () => standard.validate(data));
    const { issues, then } = Object(result) as { issues?: readonly StandardIssue[]; then?: unknown };
    if (typeof then === 'function') {
      // The promise's outcome no longer matters, and must not become an unhandled rejection.
      Promise.resolve(result).catch(() => {});
      throw new ContractError(caller, 'validator', 'one that answers at once', 'a promise');
    }
    // The messages may quote the data: they stand where the value stands, which is never logged.
    if (issues)
      throw new ContractError(
        caller,
        'data',
        'what its validator accepts',
        issues.map(({ message }) => message).join('; '),
      );
  } catch (error) {
    if (hasCode(error, 'ERR_SNOWPLOW_CONTRACT')) throw error;
    throw new ContractError(caller, 'validator', 'one that answers', `what it threw: ${thrownWords(error)}`);
  }
}

function thrownWords(error: unknown): string {
  try {
    return String(error);
  } catch {
    return show(error);
  }
}
