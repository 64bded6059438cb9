// The rules for single fields: one entry a kind, and the length limit. Source: Enrich 6, design facts of its transform map.
import { excerpt, type Failure } from './finding';
import { EVENT_NAMES, FIELDS, lookUp, PLATFORMS, type Field, type FieldKind } from './fields';

interface KindRule {
  readonly rule: string;
  readonly accepts: (value: string) => boolean;
  readonly problem: string;
  readonly mend: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const INTEGER = /^[+-]?\d{1,19}$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?$/;
const SIZE = /^(\d{1,10})x(\d{1,10})$/;
const INT32_MAX = 2_147_483_647;
// Years 0 to 9999, in milliseconds since 1970.
const FIRST_MS = -62_167_219_200_000;
const LAST_MS = 253_402_300_799_999;

export const isUuid = (value: string): boolean => UUID.test(value);

// Enrich reads the text `null` as no value in numeric fields.
const isInt32 = (value: string): boolean =>
  value === 'null' || (INTEGER.test(value) && Number(value) >= -INT32_MAX - 1 && Number(value) <= INT32_MAX);

const RULES: Readonly<Partial<Record<FieldKind, KindRule>>> = {
  event: {
    rule: 'unknown-event',
    accepts: (value) => lookUp(EVENT_NAMES, value) !== undefined,
    problem: 'is no event type',
    mend: 'Send one of pv, pp, se, ue, tr, ti.',
  },
  platform: {
    rule: 'unknown-platform',
    accepts: (value) => PLATFORMS.includes(value),
    problem: 'is no platform',
    mend: `Send one of ${PLATFORMS.join(', ')}.`,
  },
  uuid: {
    rule: 'not-a-uuid',
    accepts: isUuid,
    problem: 'is not a UUID',
    mend: 'Send 36 characters such as 2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d (crypto.randomUUID()), or leave the field out.',
  },
  millis: {
    rule: 'not-milliseconds',
    accepts: (value) => INTEGER.test(value) && Number(value) >= FIRST_MS && Number(value) <= LAST_MS,
    problem: 'is not a time in whole milliseconds since 1970, up to the year 9999',
    mend: 'Send String(Date.now()): no seconds with decimals, no microseconds, no ISO date.',
  },
  int32: {
    rule: 'not-an-int32',
    accepts: isInt32,
    problem: 'is not a 32-bit whole number',
    mend: 'Round it, keep it within ±2147483647, or leave the field out.',
  },
  decimal: {
    rule: 'not-a-number',
    accepts: (value) => value === 'null' || DECIMAL.test(value),
    problem: 'is not a decimal number',
    mend: 'Send digits with a point, such as 9.99; no NaN, Infinity, currency sign or thousands separator.',
  },
  size: {
    rule: 'not-a-size',
    accepts: (value) => {
      const match = SIZE.exec(value);
      return match !== null && Number(match[1]) <= INT32_MAX && Number(match[2]) <= INT32_MAX;
    },
    problem: 'is not a size',
    mend: 'Send width, x, height in whole pixels, such as 1280x720.',
  },
  flag: {
    rule: 'not-a-flag',
    accepts: (value) => value === '0' || value === '1',
    problem: 'is not a flag',
    mend: 'Send 1 or 0, not true or false.',
  },
};

/** Checks every known field of an event by its kind and its length. */
export function checkFields(payload: Readonly<Record<string, string>>): Failure[] {
  const failures: Failure[] = [];
  for (const [key, value] of Object.entries(payload)) {
    const field = lookUp(FIELDS, key);
    if (!field || (field.overriddenBy !== undefined && Object.hasOwn(payload, field.overriddenBy))) continue;
    const broken = RULES[field.kind];
    if (broken && !broken.accepts(value)) failures.push(failure(key, value, broken));
    const tooLong = checkLength(key, value, field);
    if (tooLong) failures.push(tooLong);
  }
  if (payload['e'] === undefined || payload['e'] === 'ad') failures.push(unusableEvent(payload['e']));
  return failures;
}

/** Checks the length of one text, also of those that Enrich derives, such as `page_urlpath`. */
export function checkLength(key: string, value: string, { column, limit }: Field): Failure | undefined {
  // Enrich keeps the first address of a list.
  const stored = key === 'ip' ? value.split(/[,| ]/, 1)[0]! : value;
  if (limit === undefined || stored.length <= limit) return undefined;
  return failure(key, value, {
    rule: 'too-long',
    problem: `is ${stored.length} characters long; ${column} takes ${limit}, and nothing is truncated`,
    mend: `Cut it to ${limit} characters before you track it, or leave it out.`,
  });
}

function failure(field: string, value: string, { rule, problem, mend }: Omit<KindRule, 'accepts'>): Failure {
  return { scope: 'event', type: 'schema_violations', field, rule, value: excerpt(value), problem, mend };
}

// A GET may lack `e` without harm to the request, and a legacy ad impression parses: both fail later.
function unusableEvent(event: string | undefined): Failure {
  return {
    scope: 'event',
    type: 'enrichment_failures',
    field: 'e',
    rule: event === undefined ? 'no-event' : 'retired-event',
    value: event ?? '',
    problem: event === undefined ? 'is missing' : 'is a retired event type that always fails',
    mend: 'Send one of pv, pp, se, ue, tr, ti.',
  };
}
