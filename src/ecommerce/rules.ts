// What the fields of an e-commerce entity take: each rule checks a value and gives it as it is sent.
import { type Caller, fail, idText, isAbsent, isObject } from '../core/contracts';
import { SelfDescribingJson } from '../core/protocol/self-describing-json';
import { memoise } from '../core/url/page-url';

/** The rule of one field. */
export interface Rule {
  /** What the field takes, for the error. */
  readonly expected: string;
  readonly isRequired?: boolean;
  /** The value as it is sent; undefined when the field does not take it. */
  readonly read: (value: unknown) => unknown;
}

/** An entity: its schema, and a rule for each field that the builders take. */
export interface EntityRules<Args> {
  readonly schema: string;
  readonly fields: Readonly<Record<keyof Args & string, Rule>>;
}

export const VENDOR = 'iglu:com.snowplowanalytics.snowplow.ecommerce';

/** The rule of a field that its schema requires. */
export const required = (rule: Rule): Rule => ({ ...rule, isRequired: true });

/** Text of at most `limit` characters, as JSON schemas count them. */
export const text = (limit: number): Rule => ({
  expected: `a string of at most ${limit} characters`,
  read: (value) => (typeof value === 'string' && isWithin(value, limit) ? value : undefined),
});

/** An id as databases give it, sent as text. */
export const id = (limit: number): Rule => ({
  expected: `a string of at most ${limit} characters, a safe integer or a bigint`,
  read: (value) => text(limit).read(idText(value)),
});

/** A list of ids. */
export const ids = (limit: number): Rule => {
  const { read, expected } = id(limit);
  return {
    expected: `a list, each item ${expected}`,
    read: (value) => {
      const texts = Array.isArray(value) ? value.map(read) : [undefined];
      return texts.includes(undefined) ? undefined : texts;
    },
  };
};

export const integer = (minimum: number, maximum: number): Rule => ({
  expected: `an integer from ${minimum} to ${maximum}`,
  read: (value) => (Number.isInteger(value) && isBetween(value as number, minimum, maximum) ? value : undefined),
});

const MAX_AMOUNT = 9_999_999;
// How far from a cent the result of a calculation may be.
const TOLERANCE = 1e-9;

/** An amount of money. The schemas take whole cents; a value that a calculation left beside one is rounded to it. */
export const amount: Rule = {
  expected: `an amount from 0 to ${MAX_AMOUNT} in whole cents`,
  read: (value) => {
    if (typeof value !== 'number') return undefined;
    const cents = Math.round(value * 100) / 100;
    return Math.abs(cents - value) <= TOLERANCE && isBetween(cents, 0, MAX_AMOUNT) ? Math.abs(cents) : undefined;
  },
};

export const count = integer(0, 9_999_999);

export const flag: Rule = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

export const currency: Rule = {
  expected: 'a three-letter code, ISO 4217',
  read: (value) => (typeof value === 'string' && lengthOf(value) === 3 ? value : undefined),
};

export const oneOf = (...choices: readonly string[]): Rule => ({
  expected: `one of ${choices.join(', ')}`,
  read: (value) => (choices.includes(value as string) ? value : undefined),
});

/**
 * Makes an entity. Absent fields are left out; without contracts a value that breaks its rule goes as it came.
 *
 * @param path Where the arguments stand, with a dot behind it, when they are not the caller's own: `products[1].`.
 * @throws ContractError that names the field.
 */
export function entityOf<Args>(
  caller: Caller,
  path: string,
  { schema, fields }: EntityRules<Args>,
  args: Args,
): SelfDescribingJson<object> {
  if (caller && !isObject(args)) fail(caller, path.slice(0, -1) || 'args', 'an object', args);
  const data: Record<string, unknown> = {};
  for (const [name, { expected, isRequired, read }] of Object.entries<Rule>(fields)) {
    const given: unknown = args[name as keyof Args];
    const isMissing = isAbsent(given);
    if (isMissing && !isRequired) continue;
    const value = isMissing ? undefined : read(given);
    if (caller && value === undefined) fail(caller, path + name, expected, given);
    data[wireName(name)] = value ?? given;
  }
  return new SelfDescribingJson(schema, data);
}

/** A field's name in the schema: `transactionId` is `transaction_id`. */
const wireName = memoise(200, (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));

const isBetween = (value: number, minimum: number, maximum: number): boolean => value >= minimum && value <= maximum;

// A character is one or two UTF-16 units.
const lengthOf = (value: string): number => Array.from(value).length;
const isWithin = (value: string, limit: number): boolean => value.length <= limit || lengthOf(value) <= limit;
