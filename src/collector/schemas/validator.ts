// Configures Ajv to judge as the pipeline's validator does: draft 4, exact decimals, patterns as in Java.
import type { FuncKeywordDefinition, Options, ValidateFunction } from 'ajv';
import { formats } from './formats';

export interface Validator {
  compile(schema: object): ValidateFunction;
}

type AjvClass = new (options: Options) => Validator & {
  removeKeyword(name: string): unknown;
  addKeyword(definition: FuncKeywordDefinition): unknown;
};

/** Loads Ajv and the names of top-level domains, which are optional peers. Undefined if one of them is not installed. */
export function loadValidator(): Validator | undefined {
  let Ajv: AjvClass;
  let domains: string[];
  try {
    ({ default: Ajv } = require('ajv-draft-04') as { default: AjvClass });
    domains = require('tlds') as string[];
  } catch {
    return undefined;
  }
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    logger: false,
    verbose: true,
    formats: formats(domains),
    code: { regExp: Object.assign(javaRegExp, { code: 'new RegExp' }) },
  });
  ajv.removeKeyword('multipleOf');
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    error: { message: ({ schema }) => `must be multiple of ${schema}` },
    validate: isMultiple,
  });
  return ajv;
}

/** Divides decimals exactly: as a double, 19.99 is not a multiple of 0.01. */
function isMultiple(divisor: number, value: number): boolean {
  // Beyond the range of doubles the digits are lost.
  if (!Number.isFinite(value) || !Number.isFinite(divisor)) return true;
  const [one, other] = [decimal(value), decimal(divisor)];
  const exponent = Math.min(one.exponent, other.exponent);
  const scaled = ({ digits, exponent: own }: Decimal): bigint => digits * 10n ** BigInt(own - exponent);
  return scaled(one) % scaled(other) === 0n;
}

interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

function decimal(value: number): Decimal {
  const [digits = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

// In Java, `$` also matches before a line break at the end of the text, and `(?i)` at the start sets a flag.
function javaRegExp(pattern: string): RegExp {
  const [, flags = '', rest = ''] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(pattern)!;
  const source = rest.replaceAll(/\\.|\[(?:\\.|[^\]\\])*\]|\$/gs, (part) => (part === '$' ? END : part));
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    // The pattern has unnecessary escapes, which only `u` refuses.
    return new RegExp(source, flags);
  }
}
const END = '(?=(?:\\r\\n|[\\n\\r\\u0085\\u2028\\u2029])?$)';
