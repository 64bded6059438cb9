// Validates self-describing data against its schema, with Ajv if it is installed.
import type { ValidateFunction } from 'ajv';
import type { Item } from '../decode/self-describing';
import { failing, type Failure } from '../hints/finding';
import { schemaKey, type SchemaSource } from './iglu';
import { schemaFailure } from './schema-wording';
import { loadValidator } from './validator';

/** Checks one item; resolves to its failures. Never rejects. */
export type SchemaCheck = (item: Item) => Promise<Failure[]>;

const MAX_FAILURES = 20;
const MAX_COMPILED = 500;

/** Makes the check. If Ajv is missing, returns undefined, with a warning that says what to install. */
export function schemaCheck(source: SchemaSource): SchemaCheck | undefined {
  const ajv = loadValidator();
  if (!ajv) {
    process.emitWarning('schemas are unchecked: to check them, npm install --save-dev ajv ajv-draft-04 tlds', {
      type: 'SnowplowCollector',
    });
    return undefined;
  }
  const compiled = new Map<string, ValidateFunction>();

  const compile = (text: string): ValidateFunction => {
    const known = compiled.get(text);
    if (known) return known;
    // `$schema` and `self` belong to Iglu, and a validator does not know them.
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
      text = key && (await source.find(key));
    } catch (error) {
      return [
        unresolved(
          item,
          `could not be fetched: ${reasonOf(error as Error)}`,
          'Correct the address of the registry, or start it.',
        ),
      ];
    }
    if (text === undefined)
      return [unresolved(item, `was not found in ${source.places}`, await hintForMissing(item.schema))];
    let validate: ValidateFunction;
    try {
      validate = compile(text);
    } catch (error) {
      return [
        violation(
          `${item.path}.schema`,
          'broken-schema',
          item.schema,
          `is not a usable draft-04 schema: ${(error as Error).message}`,
          'Correct the schema.',
        ),
      ];
    }
    if (validate(item.data)) return [];
    return (validate.errors ?? []).slice(0, MAX_FAILURES).map((error) => schemaFailure(item, error));
  };

  async function hintForMissing(schema: string): Promise<string> {
    const key = schemaKey(schema);
    const guess = key && (await source.guess(key));
    if (guess !== undefined) return `Did you mean ${guess}?`;
    return `Publish it, save it there as ${schema.slice('iglu:'.length)}, or correct its name and version.`;
  }
}

// The message of fetch says only that it failed; the cause says why.
const reasonOf = ({ message, cause }: Error): string => (cause instanceof Error ? cause.message : message);

const violation = failing('schema_violations');

const unresolved = ({ path, schema }: Item, problem: string, hint: string): Failure =>
  violation(`${path}.schema`, 'schema-not-found', schema, problem, hint);
