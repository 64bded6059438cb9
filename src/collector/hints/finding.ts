// The findings of a verdict: what is wrong with an event, where, and how to fix it.

/** The type of bad row that Enrich would write. The first four lose the whole request, the others one event. */
export type FailureType =
  | 'collector_payload_format_violation'
  | 'adapter_failures'
  | 'tracker_protocol_violations'
  | 'generic_error'
  | 'schema_violations'
  | 'enrichment_failures'
  | 'size_violation';

/**
 * One fault of an event, described so that a developer can fix it.
 *
 * @example
 * { field: 'vid', rule: 'not-an-int32', value: '1.5', problem: 'is not a 32-bit whole number', hint: 'Round it, …' }
 */
export interface Finding {
  /** The wire key or the path at fault: `se_va`, `event.data.price`, `context[1].schema`, `data[0].foo`, `Content-Type`. */
  readonly field: string;
  /** The rule that was broken: `too-long`, `not-a-uuid`. */
  readonly rule: string;
  /** The value at fault, truncated. */
  readonly value: string;
  readonly problem: string;
  readonly hint: string;
}

/** A finding that makes an event bad. */
export interface Failure extends Finding {
  /** `payload` if every event of the request is lost with it. */
  readonly scope: 'event' | 'payload';
  readonly type: FailureType;
}

/** The verdict on one event. */
export interface Verdict {
  readonly errors: readonly Failure[];
  readonly warnings: readonly Finding[];
  /** Schemas that were not checked. */
  readonly unchecked: readonly string[];
}

/** A verdict in one word. */
export const outcomeOf = ({ errors, warnings }: Pick<Verdict, 'errors' | 'warnings'>): 'good' | 'warned' | 'bad' =>
  errors.length > 0 ? 'bad' : warnings.length > 0 ? 'warned' : 'good';

const LOSE_ALL: ReadonlySet<FailureType> = new Set([
  'collector_payload_format_violation',
  'adapter_failures',
  'tracker_protocol_violations',
  'generic_error',
]);

/** Makes failures of one type of bad row. */
export const failing =
  (type: FailureType) =>
  (field: string, rule: string, value: unknown, problem: string, hint: string): Failure => ({
    scope: LOSE_ALL.has(type) ? 'payload' : 'event',
    type,
    field,
    rule,
    value: excerpt(value),
    problem,
    hint,
  });

/** The most findings that are kept for an event. */
export const MAX_FINDINGS = 100;

/** Truncates a value to what a verdict shows. */
export function excerpt(value: unknown, shown = 120): string {
  const text = typeof value === 'string' ? value : json(value);
  return text.length > shown ? `${text.slice(0, shown)}… (${text.length} characters)` : text;
}

/** Limits a list of findings and their texts, which may name keys and schemas of any length. */
export function bounded<Found extends Finding>(findings: readonly Found[]): Found[] {
  return findings.slice(0, MAX_FINDINGS).map((finding) => ({
    ...finding,
    field: excerpt(finding.field),
    problem: excerpt(finding.problem, 400),
    hint: excerpt(finding.hint, 400),
  }));
}

/** The type of a JSON value in words: `null`, `an array`, `a number`. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'too deeply nested to show';
  }
}
