// Validates self-describing data against its schema, with Ajv where it is installed.
import type { ErrorObject, ValidateFunction } from 'ajv';
import { excerpt, type Failure } from './finding';
import { FORMATS } from './formats';
import { schemaKey, type SchemaSource } from './iglu';
import type { DecodedJson } from './self-describing';

type Item = DecodedJson['items'][number];

/** Checks one item; resolves to its failures. Never rejects. */
export type SchemaCheck = (item: Item) => Promise<Failure[]>;

interface Validator {
  compile(schema: object): ValidateFunction;
}

const MAX_FAILURES = 20;
const MAX_COMPILED = 500;

/** Makes the check, or undefined, with one line on what to install, where Ajv is missing. */
export function schemaCheck(source: SchemaSource): SchemaCheck | undefined {
  const ajv = loadAjv();
  if (!ajv) return undefined;
  const compiled = new Map<string, ValidateFunction>();

  const compile = (text: string): ValidateFunction => {
    const known = compiled.get(text);
    if (known) return known;
    // `$schema` and `self` are Iglu's own, unknown to a validator.
    const { $schema: _meta, self: _self, ...schema } = JSON.parse(text) as Record<string, unknown>;
    const validate = ajv.compile(schema);
    compiled.set(text, validate);
    if (compiled.size > MAX_COMPILED) compiled.delete(compiled.keys().next().value!);
    return validate;
  };

  return async (item) => {
    const key = schemaKey(item.schema);
    let text: string | undefined;
    try {
      text = key && (await source(key));
    } catch (error) {
      return [unresolved(item, `could not be fetched: ${reasonOf(error as Error)}`)];
    }
    if (text === undefined) return [unresolved(item, 'was not found in any source')];
    let validate: ValidateFunction;
    try {
      validate = compile(text);
    } catch (error) {
      return [broken(item, (error as Error).message)];
    }
    if (validate(item.data)) return [];
    return (validate.errors ?? []).slice(0, MAX_FAILURES).map((error) => invalid(item, error));
  };
}

function loadAjv(): Validator | undefined {
  try {
    // An optional peer, loaded only when schemas are asked for.
    const { default: Ajv } = require('ajv-draft-04') as { default: new (options: object) => Validator };
    return new Ajv({ allErrors: true, strict: false, logger: false, verbose: true, formats: FORMATS });
  } catch {
    process.emitWarning('schemas are unchecked: to check them, npm install --save-dev ajv ajv-draft-04', {
      type: 'SnowplowCollector',
    });
    return undefined;
  }
}

function invalid({ path, schema }: Item, error: ErrorObject): Failure {
  const { instancePath, keyword, message = 'is not valid', data } = error;
  const field = `${path}.data${instancePath.replaceAll(/\/(\d+)(?=\/|$)/g, '[$1]').replaceAll('/', '.')}`;
  return failure(field, `schema-${keyword}`, data, wording(error, message), mending(error, schema));
}

function wording({ keyword, params }: ErrorObject, message: string): string {
  if (keyword === 'additionalProperties') return `must not have the property ${params['additionalProperty']}`;
  if (keyword === 'enum') return `must be one of ${excerpt(params['allowedValues'])}`;
  return message;
}

function mending({ keyword, params }: ErrorObject, schema: string): string {
  if (keyword === 'additionalProperties') return `Take it out, or publish a newer version of ${schema} that has it.`;
  if (keyword === 'required') return `Add ${params['missingProperty']}: ${schema} asks for it.`;
  return `Send what ${schema} asks for.`;
}

// fetch says only that it failed; the cause says why.
const reasonOf = ({ message, cause }: Error): string => (cause instanceof Error ? cause.message : message);

const unresolved = ({ path, schema }: Item, why: string): Failure =>
  failure(
    path,
    'schema-not-found',
    schema,
    why,
    'Publish the schema, add its folder or registry, or mend its name and version.',
  );

const broken = ({ path, schema }: Item, why: string): Failure =>
  failure(path, 'broken-schema', schema, `is no usable draft-04 schema: ${why}`, 'Mend the schema.');

function failure(field: string, rule: string, value: unknown, problem: string, mend: string): Failure {
  return { scope: 'event', type: 'schema_violations', field, rule, value: excerpt(value), problem, mend };
}
