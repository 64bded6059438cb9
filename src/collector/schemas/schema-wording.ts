// Describes what a schema refuses: the path, as the caller of a tracker would write it, and what to change there.
import type { ErrorObject } from 'ajv';
import type { Item } from '../decode/self-describing';
import { excerpt, failing, type Failure, typeName } from '../hints/finding';
import { didYouMean } from '../hints/nearest';
import { step } from '../hints/path';

const EXAMPLES: Readonly<Record<string, string>> = {
  'date-time': 'new Date().toISOString(), such as 2026-01-31T09:30:00Z',
  date: 'a date such as 2026-01-31',
  time: 'a time such as 09:30:00',
  uuid: 'crypto.randomUUID()',
  uri: 'an absolute URL such as https://shop.example/tea',
  email: 'an address such as anna@shop.example',
};

interface Words {
  /** The last step of the path, if the fault is not at the value itself. */
  readonly at?: string;
  readonly value?: unknown;
  readonly problem: string;
  readonly hint: string;
}

/** One fault that Ajv found in an item. */
export function schemaFailure({ path, schema }: Item, error: ErrorObject): Failure {
  const words = (WORDS[error.keyword] ?? otherwise)(error, schema);
  const { at, value = error.data, problem, hint } = words;
  const field = `${path}.data${pathOf(error.instancePath)}${at === undefined ? '' : step(at)}`;
  return failing('schema_violations')(field, `schema-${error.keyword}`, JSON.stringify(value) ?? '', problem, hint);
}

const otherwise = ({ message = 'is not valid' }: ErrorObject, schema: string): Words => ({
  problem: message,
  hint: `Change the value, or publish a newer version of ${schema} that takes it.`,
});

const WORDS: Readonly<Record<string, (error: ErrorObject, schema: string) => Words>> = {
  type: ({ data, params }, schema) => {
    const wanted = [params['type']].flat().join(' or ');
    return { problem: `is ${typeName(data)}, but must be ${wanted}`, hint: hintForType(data, wanted, schema) };
  },
  required: ({ data, params }, schema) => {
    const name = String(params['missingProperty']);
    const guess = didYouMean(name, Object.keys(Object(data) as object)).replace('Did you mean', 'Is it called');
    return { at: name, value: data, problem: 'is missing', hint: `Add it: ${schema} requires it.${guess}` };
  },
  additionalProperties: ({ data, params, parentSchema }, schema) => {
    const name = String(params['additionalProperty']);
    const known = Object.keys((parentSchema?.['properties'] as object | undefined) ?? {});
    return {
      at: name,
      value: (data as Record<string, unknown>)[name],
      problem: `is not a property of the schema, which has ${excerpt(known.join(', '))}`,
      hint: `Remove it, or publish a newer version of ${schema} that has it.${didYouMean(name, known)}`,
    };
  },
  enum: ({ data, params }) => {
    const choices = params['allowedValues'] as unknown[];
    const guess = didYouMean(String(data), choices.map(String));
    return { problem: `is not one of ${excerpt(choices)}`, hint: `Send one of them, spelt exactly like that.${guess}` };
  },
  maxLength: ({ data, params }) => ({
    problem: `is ${Array.from(data as string).length} characters long, but may have at most ${String(params['limit'])}`,
    hint: 'Truncate it before you track it: data with a schema is never truncated for you.',
  }),
  format: ({ params }) => {
    const format = String(params['format']);
    return {
      problem: `is not a valid ${format}`,
      hint: `Send ${EXAMPLES[format] ?? `a value of the format ${format}`}.`,
    };
  },
};

function hintForType(data: unknown, wanted: string, schema: string): string {
  if (data === null) return `Leave it out if there is no value: ${schema} does not accept null.`;
  if (/^(number|integer)$/.test(wanted) && typeof data === 'string')
    return data.trim() !== '' && Number.isFinite(Number(data))
      ? `Send the number ${Number(data)}, without quotes: Number(value).`
      : 'Send a number, without quotes.';
  if (wanted === 'integer' && typeof data === 'number') return 'Send a whole number: Math.round(value).';
  if (wanted === 'string' && (typeof data === 'number' || typeof data === 'boolean'))
    return 'Send it as text: String(value).';
  return `Send ${wanted}.`;
}

// From a JSON pointer: /items/1/a~1b becomes .items[1]["a/b"].
const pathOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => step(part.replaceAll('~1', '/').replaceAll('~0', '~')))
    .join('');
