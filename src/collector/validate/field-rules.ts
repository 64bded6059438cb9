// The rules for single fields: one entry per kind, and the length limit. Source: the transform map of Enrich 6.
import { INT32_MAX, isUuid } from '../../core/contracts';
import { PLATFORMS } from '../../core/protocol/fields';
import { EVENT_NAMES, type Field, type FieldKind, FIELDS, firstAddress, lookUp, stored } from '../fields/fields';
import { failing, type Failure } from '../hints/finding';
import { inCode } from '../hints/origins';

interface KindRule {
  readonly rule: string;
  readonly accepts: (value: string) => boolean;
  readonly problem: string;
  readonly hint: string;
}

const INTEGER = /^[+-]?\d{1,19}$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?$/;
const SIZE = /^(\d{1,10})x(\d{1,10})$/;
// Years 0 to 9999, in milliseconds since 1970.
const FIRST_MS = -62_167_219_200_000;
const LAST_MS = 253_402_300_799_999;
const EVENTS = 'pv (page view), pp (page ping), se (structured), ue (self-describing), tr or ti (transaction and item)';

/** Whether Enrich accepts a text as a time. */
export const isMillis = (value: string): boolean =>
  INTEGER.test(value) && Number(value) >= FIRST_MS && Number(value) <= LAST_MS;

// Enrich reads the text `null` as no value in numeric fields.
const isInt32 = (value: string): boolean =>
  value === 'null' || (INTEGER.test(value) && Number(value) >= -INT32_MAX - 1 && Number(value) <= INT32_MAX);

const RULES: Readonly<Partial<Record<FieldKind, KindRule>>> = {
  event: {
    rule: 'unknown-event',
    accepts: (value) => lookUp(EVENT_NAMES, value) !== undefined,
    problem: 'is not an event type',
    hint: `Send one of ${EVENTS}.`,
  },
  platform: {
    rule: 'unknown-platform',
    accepts: (value) => (PLATFORMS as readonly string[]).includes(value),
    problem: 'is not a platform of the protocol',
    hint: `Send srv for a server, web for a site, or one of ${PLATFORMS.filter((name) => !['srv', 'web'].includes(name)).join(', ')}.`,
  },
  uuid: {
    rule: 'not-a-uuid',
    accepts: isUuid,
    problem: 'is not a UUID',
    hint: 'Send 36 characters, hexadecimal digits with hyphens, like the result of crypto.randomUUID(); or leave it out.',
  },
  millis: {
    rule: 'not-milliseconds',
    accepts: isMillis,
    problem: 'is not a time in whole milliseconds since 1970, up to the year 9999',
    hint: 'Send String(Date.now()), not seconds with decimals, microseconds or an ISO date.',
  },
  int32: {
    rule: 'not-an-int32',
    accepts: isInt32,
    problem: 'is not a 32-bit whole number',
    hint: 'Round it with Math.round(), keep it within ±2147483647, or leave it out.',
  },
  decimal: {
    rule: 'not-a-number',
    accepts: (value) => value === 'null' || DECIMAL.test(value),
    problem: 'is not a decimal number',
    hint: 'Send digits with a decimal point, such as 9.99, without NaN, Infinity, currency sign or thousands separator.',
  },
  size: {
    rule: 'not-a-size',
    accepts: (value) => {
      const match = SIZE.exec(value);
      return match !== null && Number(match[1]) <= INT32_MAX && Number(match[2]) <= INT32_MAX;
    },
    problem: 'is not a size in pixels',
    hint: 'Send width, x, height in whole pixels, such as 1280x720.',
  },
  flag: {
    rule: 'not-a-flag',
    accepts: (value) => value === '0' || value === '1',
    problem: 'is not a flag',
    hint: 'Send 1 or 0, not true or false.',
  },
};

const violation = failing('schema_violations');

/** Checks every known field of an event by its kind and its length. */
export function checkFields(payload: Readonly<Record<string, string>>): Failure[] {
  const failures: Failure[] = [];
  for (const [key, value] of Object.entries(payload)) {
    const field = lookUp(FIELDS, key);
    if (!field || (field.overriddenBy !== undefined && Object.hasOwn(payload, field.overriddenBy))) continue;
    const broken = RULES[field.kind];
    if (broken && !broken.accepts(value)) {
      const { rule, problem, hint } = broken;
      failures.push(violation(key, rule, value, problem, hint + inCode(key)));
    }
    failures.push(...checkLength(key, stored(value), field));
    if (key === 'ip' && /^[,| ]+$/.test(value)) failures.push(fatalAddress(value));
  }
  // A GET without `e` does not lose its request, and a legacy ad impression parses, but both fail later.
  const { e } = payload;
  const [rule, problem] =
    e === undefined ? ['no-event', 'is missing'] : ['retired-event', 'is a retired event type that always fails'];
  if (e === undefined || e === 'ad')
    failures.push(failing('enrichment_failures')('e', rule, e ?? '', problem, `Send one of ${EVENTS}.${inCode('e')}`));
  return failures;
}

const fatalAddress = (ip: string): Failure =>
  failing('generic_error')(
    'ip',
    'fatal-address',
    ip,
    'holds separators and no address, so Enrich before 6.10 throws, and every event of the request is lost',
    `Leave it out if there is no address.${inCode('ip')}`,
  );

/** Checks the length of one text, including texts that Enrich derives, such as `page_urlpath`. */
export function checkLength(key: string, value: string, { column, limit }: Field): Failure[] {
  const { length } = key === 'ip' ? firstAddress(value) : value;
  if (limit === undefined || length <= limit) return [];
  const problem = `is ${length} characters long; ${column} takes ${limit}, and the pipeline does not truncate`;
  return [
    violation(key, 'too-long', value, problem, `Send at most ${limit} characters, or leave it out.${inCode(key)}`),
  ];
}
