// Compares events with what a test expects of them, and explains a miss by the nearest event.
import { inspect } from 'node:util';
import { ConfigError } from '../core/errors';
import { ENRICHED_NAMES, enrich, type Enriched } from './enriched';
import type { CollectedEvent } from './event';
import { FIELDS } from './fields';
import { excerpt } from './finding';

/**
 * What a test expects of an event: a function, or an object of wire keys (`e`, `se_ca`), enriched names (`event`,
 * `page_url`), `schema`, `data` and `contexts`. Objects match in part, a regular expression matches a text, `contexts`
 * asks for each of the contexts named in any order, `undefined` asks for absence, and asymmetric matchers
 * (`expect.any(String)`) work.
 *
 * @example
 * await collector.waitFor({ event: 'unstruct', schema: /checkout_step/, data: { step: 2 }, contexts: [{ data: { plan: 'gold' } }] });
 */
export type EventFilter = ((event: CollectedEvent) => boolean) | Readonly<Record<string, unknown>>;

interface Comparison {
  readonly key: string;
  readonly expected: unknown;
  readonly actual: unknown;
  readonly equal: boolean;
}

const OWN_KEYS = ['schema', 'data', 'contexts'] as const;
type OwnKey = (typeof OWN_KEYS)[number];

/**
 * Turns a filter into a function.
 *
 * @param owner Who takes the filter, for the message.
 * @throws ConfigError on a key that no event can have.
 */
export function matcherOf(owner: string, filter: EventFilter): (event: CollectedEvent) => boolean {
  if (typeof filter === 'function') return filter;
  for (const key of Object.keys(filter))
    if (!Object.hasOwn(FIELDS, key) && !ENRICHED_NAMES.has(key) && !OWN_KEYS.includes(key as OwnKey))
      throw new ConfigError(
        `${owner}: ${key}`,
        'a wire key (se_ca), an enriched name (se_category), schema, data or contexts',
      );
  return (event) => compare(filter, event).every(({ equal }) => equal);
}

function compare(filter: Readonly<Record<string, unknown>>, event: CollectedEvent): Comparison[] {
  let enriched: Enriched | undefined;
  return Object.entries(filter).map(([key, expected]) => {
    const actual = OWN_KEYS.includes(key as OwnKey)
      ? event[key as OwnKey]
      : Object.hasOwn(FIELDS, key)
        ? event.payload[key]
        : (enriched ??= enrich(event))[key];
    return {
      key,
      expected,
      actual,
      equal: key === 'contexts' ? holdsAll(expected, actual) : includes(expected, actual),
    };
  });
}

function holdsAll(expected: unknown, actual: unknown): boolean {
  if (!Array.isArray(expected) || !Array.isArray(actual)) return includes(expected, actual);
  return expected.every((wanted) => actual.some((item) => includes(wanted, item)));
}

function includes(expected: unknown, actual: unknown): boolean {
  if (expected === undefined || expected === null) return actual === undefined || actual === null;
  if (expected instanceof RegExp) return typeof actual === 'string' && actual.search(expected) >= 0;
  if (expected instanceof Date) return actual === expected.toISOString() || actual === String(expected.getTime());
  if (typeof expected === 'object') {
    const { asymmetricMatch } = expected as { asymmetricMatch?: (value: unknown) => boolean };
    if (typeof asymmetricMatch === 'function') return asymmetricMatch.call(expected, actual);
    if (typeof actual !== 'object' || actual === null) return false;
    if (Array.isArray(expected) && (!Array.isArray(actual) || actual.length !== expected.length)) return false;
    return Object.entries(expected).every(([key, value]) => includes(value, (actual as Enriched)[key]));
  }
  // On the wire everything is text: 2 and true stand for '2' and '1'.
  if (typeof actual === 'string' && typeof expected === 'number') return actual === String(expected);
  if (typeof actual === 'string' && typeof expected === 'boolean') return actual === (expected ? '1' : '0');
  return Object.is(expected, actual);
}

/** Words why no event, or not enough of them, met a filter: the nearest one line by line, and what became of the bad ones. */
export function explainMiss(
  filter: EventFilter,
  good: readonly CollectedEvent[],
  bad: readonly CollectedEvent[],
): string {
  const lines = good.length > 0 || bad.length > 0 ? nearest(filter, good) : ['No event came at all.'];
  if (bad.length > 0)
    lines.push('', `${count(bad.length, 'bad event')} came; the last one:`, ...explainBad(bad.at(-1)!));
  return lines.join('\n');
}

function nearest(filter: EventFilter, good: readonly CollectedEvent[]): string[] {
  if (good.length === 0) return ['No good event came.'];
  const came = `${count(good.length, 'good event')} came: ${names(good)}.`;
  const scored =
    typeof filter === 'function'
      ? []
      : good
          .map((event) => ({ event, comparisons: compare(filter, event) }))
          .map((one) => ({
            ...one,
            score: one.comparisons.filter(({ equal }) => equal).length,
          }));
  // The last of the best: what a test just did is mostly what it asks for.
  const best = scored.reduce<(typeof scored)[number] | undefined>(
    (top, one) => (!top || one.score >= top.score ? one : top),
    undefined,
  );
  if (!best) return [came];
  return [came, `Nearest is event ${best.event.number} (- expected, + received):`, ...best.comparisons.flatMap(diff)];
}

function diff({ key, expected, actual, equal }: Comparison): string[] {
  if (equal) return [`    ${key}: ${word(actual)}`];
  return [`  - ${key}: ${word(expected)}`, `  + ${key}: ${word(actual)}`];
}

const word = (value: unknown): string =>
  inspect(value, { depth: 6, breakLength: 100, maxStringLength: 200 }).replaceAll('\n', '\n    ');

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

function names(events: readonly CollectedEvent[]): string {
  const counts = new Map<string, number>();
  for (const event of events) counts.set(nameOf(event), (counts.get(nameOf(event)) ?? 0) + 1);
  return excerpt([...counts].map(([name, times]) => (times === 1 ? name : `${name} × ${times}`)).join(', '));
}

/** What a person calls an event: its schema's name, else its type. */
export function nameOf({ schema, event, errors }: CollectedEvent): string {
  if (errors[0]?.scope === 'payload') return 'lost request';
  return schema?.split('/')[1] ?? (event || 'no event');
}

/** Words what is wrong with a bad event, one finding a line pair. */
export function explainBad(event: CollectedEvent): string[] {
  const title = event.lost.length > 0 ? `lost request of ${count(event.lost.length, 'event')}` : nameOf(event);
  return [
    `  event ${event.number}, ${title}:`,
    ...event.errors.flatMap(({ field, value, problem, mend }) => [
      `    ${field} ${problem}${value === '' ? '' : `: ${JSON.stringify(value)}`}`,
      ...mend.split('\n').map((line) => `      ${line}`),
    ]),
  ];
}
