// What the verdict says of an event: what is wrong, where, and how to mend it.

/** The bad row that Enrich would write. The first three lose the whole request, the others one event. */
export type FailureType =
  | 'collector_payload_format_violation'
  | 'adapter_failures'
  | 'tracker_protocol_violations'
  | 'schema_violations'
  | 'enrichment_failures'
  | 'size_violation';

/** One thing that is wrong with an event, in words a developer can act on. */
export interface Finding {
  /** The wire key or the path at fault: `se_va`, `contexts[1].data/price`, `data[0].foo`, `Content-Type`. */
  readonly field: string;
  /** The rule that was broken: `too-long`, `not-a-uuid`. */
  readonly rule: string;
  /** The value at fault, cut short. */
  readonly value: string;
  readonly problem: string;
  readonly mend: string;
}

/** A finding that makes an event bad. */
export interface Failure extends Finding {
  /** `payload` when every event of the request is lost with it. */
  readonly scope: 'event' | 'payload';
  readonly type: FailureType;
}

const SHOWN = 120;

/** Cuts a value to what a verdict shows of it. */
export function excerpt(value: unknown): string {
  const text = typeof value === 'string' ? value : json(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'nested too deep to show';
  }
}
