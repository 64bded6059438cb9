// Explains to a test's author why an expected event did not arrive.
import { inspect } from 'node:util';
import { excerpt } from '../hints/finding';
import type { CollectedEvent } from '../log/event';
import { asymmetric, differencesOf, type EventFilter, reading } from './match';

/** Explains why too few events matched a filter: shows the nearest event line by line, and the last bad one. */
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

interface Comparison {
  readonly event: CollectedEvent;
  readonly lines: readonly string[];
  readonly equalKeys: number;
  readonly differences: number;
}

function nearest(filter: EventFilter, good: readonly CollectedEvent[]): string[] {
  if (good.length === 0) return ['No good event came.'];
  const came = `${count(good.length, 'good event')} came: ${names(good)}.`;
  if (typeof filter === 'function') return [came];
  // The last of the best matches, because a test usually expects what it has just done.
  const best = good
    .map((event) => compare(filter, event))
    .reduce((top, one) =>
      one.equalKeys > top.equalKeys || (one.equalKeys === top.equalKeys && one.differences <= top.differences)
        ? one
        : top,
    );
  return [came, `Nearest is event ${best.event.number} (- expected, + received):`, ...best.lines];
}

function compare(filter: Readonly<Record<string, unknown>>, event: CollectedEvent): Comparison {
  const actualOf = reading(event);
  const keys = Object.entries(filter).map(([key, expected]) => {
    const found = [...differencesOf(key, expected, actualOf(key))];
    const lines = found.flatMap(({ path, expected: wanted, actual }) => [
      line('-', path, wanted),
      line('+', path, actual),
    ]);
    return { found, lines: found.length > 0 ? lines : [line(' ', key, actualOf(key))] };
  });
  return {
    event,
    lines: keys.flatMap(({ lines }) => lines),
    equalKeys: keys.filter(({ found }) => found.length === 0).length,
    differences: keys.reduce((sum, { found }) => sum + found.length, 0),
  };
}

const line = (sign: string, path: string, value: unknown): string =>
  `  ${sign} ${path}: ${word(value).replaceAll('\n', '\n    ')}`;

/** A value, or a whole filter, as code. */
export const word = (value: unknown): string =>
  inspect(plain(value), { depth: 6, breakLength: 100, maxStringLength: 200 });

// Shows `expect.any(Number)` as `Any<Number>`, because its internals do not help the reader.
function plain(value: unknown): unknown {
  if (asymmetric(value)) return { [inspect.custom]: () => nameOfMatcher(value as AsymmetricMatcher) };
  if (Array.isArray(value)) return value.map(plain);
  if (Object.prototype.toString.call(value) !== '[object Object]') return value;
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, plain(item)]));
}

interface AsymmetricMatcher {
  readonly sample?: unknown;
  readonly toAsymmetricMatcher?: () => string;
  readonly toString: () => string;
}

function nameOfMatcher(matcher: AsymmetricMatcher): string {
  return matcher.toAsymmetricMatcher?.() ?? `${matcher.toString()} ${inspect(plain(matcher.sample))}`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

function names(events: readonly CollectedEvent[]): string {
  const counts = new Map<string, number>();
  for (const event of events) counts.set(nameOf(event), (counts.get(nameOf(event)) ?? 0) + 1);
  return excerpt([...counts].map(([name, times]) => (times === 1 ? name : `${name} × ${times}`)).join(', '));
}

/** Describes all bad events. */
export const explainAllBad = (bad: readonly CollectedEvent[]): string =>
  [`${count(bad.length, 'bad event')} came:`, ...bad.flatMap(explainBad)].join('\n');

function explainBad(event: CollectedEvent): string[] {
  const title = event.lost.length > 0 ? `lost request of ${count(event.lost.length, 'event')}` : nameOf(event);
  return [
    `  event ${event.number}, ${title}:`,
    ...event.errors.flatMap(({ field, value, problem, hint }) => [
      `    ${field} ${problem}${value === '' ? '' : `: ${JSON.stringify(value)}`}`,
      ...hint.split('\n').map((line) => `      ${line}`),
    ]),
  ];
}

/** The name of an event for people: its schema's name, else its type. */
export function nameOf({ schema, event, errors }: CollectedEvent): string {
  if (errors[0]?.scope === 'payload') return 'lost request';
  return schema?.split('/')[1] ?? (event || 'no event');
}
