// Data that names its schema: what self-describing events and context entities are made of.
import { contractsFor, fail } from './contracts';
import { ContractError } from './errors';
import { runMarked } from './marks';
import { memoise } from './memoise';

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
    if (!isObject(data)) fail(caller, 'data', 'an object', data);
    if (options.validator) checkWith(options.validator, caller, data);
  }
}

// The URI pattern of the self-describing meta schema.
const IGLU_URI = /^iglu:[\w.-]+\/[\w-]+\/[\w-]+\/\d+-\d+-\d+$/;
// An app uses the same few schemas over and over.
const openingOf = (schema: string): string => (IGLU_URI.test(schema) ? `{"schema":"${schema}","data":` : '');
const knownOpening = memoise(500, openingOf);
const LONGEST_KNOWN = 200;

/** How the JSON of a self-describing object of this schema begins; '' where it is no schema's full URI. */
export function jsonOpening(schema: unknown): string {
  if (typeof schema !== 'string') return '';
  return schema.length > LONGEST_KNOWN ? openingOf(schema) : knownOpening(schema);
}

/** Whether `schema` is a schema's full URI, `iglu:vendor/name/format/model-revision-addition`. */
export const isIgluUri = (schema: unknown): schema is string => jsonOpening(schema) !== '';

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const AN_IGLU_URI = 'an iglu: URI such as iglu:com.acme/basket/jsonschema/1-0-0';

/** Names the part at fault only when there is one: this is asked of every entity of every event. */
export const isSelfDescribing = (value: unknown): value is SelfDescribing =>
  isObject(value) && isIgluUri((value as SelfDescribing).schema) && isObject((value as SelfDescribing).data);

/** Checks a list of entities; the path of each is worded only where one is at fault. */
export function checkEntities(caller: string, path: string, entities: unknown): void {
  if (!Array.isArray(entities)) fail(caller, path, 'an array of { schema, data }', entities);
  for (let index = 0; index < entities.length; index++)
    if (!isSelfDescribing(entities[index])) checkSelfDescribing(caller, `${path}[${index}]`, entities[index]);
}

export function checkSelfDescribing(caller: string, path: string, value: unknown): void {
  if (!isObject(value)) fail(caller, path, 'an object { schema, data }', value);
  const { schema, data } = value as SelfDescribing;
  if (!isIgluUri(schema)) fail(caller, `${path}.schema`, AN_IGLU_URI, schema);
  if (!isObject(data)) fail(caller, `${path}.data`, 'an object', data);
}

interface StandardIssue {
  readonly message: string;
}

function checkWith({ '~standard': validator }: StandardSchema, caller: string, data: unknown): void {
  let result: unknown;
  try {
    result = runMarked('callback', () => validator.validate(data));
  } catch (error) {
    throw new ContractError(caller, 'validator', 'one that answers', `what it threw: ${String(error)}`);
  }
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
}
