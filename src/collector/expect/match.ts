// Compares events with the filters of a test.
import { isDate, isRegExp } from 'node:util/types';
import { isObject } from '../../core/contracts';
import { ConfigError } from '../../core/errors';
import { named } from '../../core/options';
import { FIELDS } from '../fields/fields';
import { step } from '../hints/path';
import type { CollectedEvent } from '../log/event';
import { enrich, type Enriched, ENRICHED_NAMES } from '../validate/enriched';

/**
 * What a test expects of an event: a function, or an object of wire keys (`e`, `se_ca`), enriched names (`event`, `page_url`),
 * `schema`, `data` and `contexts`. Objects match in part, a regular expression matches a text, `contexts` requires each listed
 * context in any order, `undefined` requires absence, and asymmetric matchers (`expect.any(String)`) work.
 *
 * @example
 * await collector.waitFor({ event: 'unstruct', schema: /checkout_step/, data: { step: 2 }, contexts: [{ data: { plan: 'gold' } }] });
 */
export type EventFilter = ((event: CollectedEvent) => boolean) | Readonly<Record<string, unknown>>;

/** A difference between an event and the expected one. */
interface Difference {
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

const OWN_KEYS = ['schema', 'data', 'contexts'] as const;
type OwnKey = (typeof OWN_KEYS)[number];
const isOwn = (key: string): key is OwnKey => (OWN_KEYS as readonly string[]).includes(key);

/**
 * Turns a filter into a function.
 *
 * @param owner The method that received the filter, for the message.
 * @throws ConfigError for a key that no event can have.
 */
export function matcherOf(owner: string, filter: EventFilter): (event: CollectedEvent) => boolean {
  if (typeof filter === 'function') return filter;
  for (const key of Object.keys(filter))
    if (!Object.hasOwn(FIELDS, key) && !ENRICHED_NAMES.has(key) && !isOwn(key))
      throw new ConfigError(
        `${owner}: ${named(key)}`,
        'a wire key (se_ca), an enriched name (se_category), schema, data or contexts',
      );
  return (event) => {
    const actual = reading(event);
    return Object.entries(filter).every(
      ([key, expected]) => differencesOf(key, expected, actual(key)).next().done === true,
    );
  };
}

/** Reads the values of a filter's keys from an event. Enriches the event if a key needs that. */
export function reading(event: CollectedEvent): (key: string) => unknown {
  let enriched: Enriched | undefined;
  return (key) => {
    if (isOwn(key)) return event[key];
    return Object.hasOwn(FIELDS, key) ? event.payload[key] : (enriched ??= enrich(event))[key];
  };
}

/** The differences between the value of a filter's key and the expected one. */
export function differencesOf(key: string, expected: unknown, actual: unknown): Generator<Difference> {
  return key === 'contexts' && Array.isArray(expected) && Array.isArray(actual)
    ? ofContexts(expected, actual)
    : differences(key, expected, actual);
}

// Each expected context must be present, in any order. For a missing one, compares with the nearest.
function* ofContexts(expected: readonly unknown[], actual: readonly unknown[]): Generator<Difference> {
  for (const wanted of expected) {
    const found = actual.map((item, index) => [...differences(`contexts[${index}]`, wanted, item)]);
    const [nearest] = found.toSorted((one, other) => one.length - other.length);
    yield* nearest ?? [{ path: 'contexts', expected: [wanted], actual }];
  }
}

function* differences(path: string, expected: unknown, actual: unknown): Generator<Difference> {
  if (!isComposite(expected) || !isComposite(actual) || isOtherList(expected, actual)) {
    if (!isMatch(expected, actual)) yield { path, expected, actual };
  } else for (const [key, value] of Object.entries(expected)) yield* differences(path + step(key), value, actual[key]);
}

type Composite = Readonly<Record<string, unknown>>;

/** Whether a value is compared member by member, and does not match by a special rule. */
const isComposite = (value: unknown): value is Composite =>
  isObject(value) && !isRegExp(value) && !isDate(value) && asymmetric(value) === undefined;

const isOtherList = (expected: unknown, actual: unknown): boolean =>
  Array.isArray(expected) && (!Array.isArray(actual) || actual.length !== expected.length);

/** The match function of `expect.any(String)` and similar matchers, in Jest and in Vitest. */
export function asymmetric(value: unknown): ((actual: unknown) => boolean) | undefined {
  const { asymmetricMatch } = Object(value) as { asymmetricMatch?: (actual: unknown) => boolean };
  return typeof asymmetricMatch === 'function' ? asymmetricMatch.bind(value) : undefined;
}

function isMatch(expected: unknown, actual: unknown): boolean {
  if (expected === undefined || expected === null) return actual === undefined || actual === null;
  if (isRegExp(expected)) return typeof actual === 'string' && actual.search(expected) >= 0;
  if (isDate(expected)) return actual === expected.toISOString() || actual === String(expected.getTime());
  const matches = asymmetric(expected);
  if (matches) return matches(actual);
  // On the wire everything is text: 2 and true match '2' and '1'.
  if (typeof actual === 'string' && typeof expected === 'number') return actual === String(expected);
  if (typeof actual === 'string' && typeof expected === 'boolean') return actual === (expected ? '1' : '0');
  return Object.is(expected, actual);
}
