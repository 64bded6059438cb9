// Data that names its schema: what self-describing events and context entities are made of.
import { checkObject, contractsFor, fail } from './contracts';

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
    checkSchema(caller, 'schema', schema);
    checkObject(caller, 'data', data);
    if (options.validator) checkWith(options.validator, caller, 'data', data);
  }
}

// The URI pattern of the self-describing meta schema.
const IGLU_URI = /^iglu:[\w.-]+\/[\w-]+\/[\w-]+\/\d+-\d+-\d+$/;

/** Whether `schema` is a schema's full URI, `iglu:vendor/name/format/model-revision-addition`. */
export const isIgluUri = (schema: unknown): schema is string => typeof schema === 'string' && IGLU_URI.test(schema);

export function checkSchema(caller: string, path: string, schema: unknown): void {
  if (!isIgluUri(schema)) fail(caller, path, 'an iglu: URI such as iglu:com.acme/basket/jsonschema/1-0-0', schema);
}

export function checkSelfDescribing(caller: string, path: string, value: unknown): void {
  checkObject(caller, path, value);
  const { schema, data } = value as SelfDescribing;
  checkSchema(caller, `${path}.schema`, schema);
  checkObject(caller, `${path}.data`, data);
}

interface StandardIssue {
  readonly message: string;
}

function checkWith(validator: StandardSchema, caller: string, path: string, data: unknown): void {
  const result = validator['~standard'].validate(data) as { issues?: readonly StandardIssue[] } | PromiseLike<unknown>;
  if ('then' in result) {
    // The promise's outcome no longer matters, and must not become an unhandled rejection.
    result.then(undefined, () => {});
    fail(caller, path, 'checked by a validator that answers at once', 'a promise' as unknown);
  }
  if (result.issues) fail(caller, path, `valid: ${result.issues.map(({ message }) => message).join('; ')}`, data);
}
