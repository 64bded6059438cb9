// Judges one event as the pipeline would: what makes it bad, and what would go wrong in silence.
import type { CollectedRequest } from './event';
import { checkFields } from './field-rules';
import { excerpt, type Failure, type Finding } from './finding';
import { decodeContexts, decodeUnstruct } from './self-describing';
import type { Parameters } from './tracker-payload';
import { checkUrls } from './url-rules';
import { findWarnings } from './warnings';

export interface Verdict {
  readonly errors: readonly Failure[];
  readonly warnings: readonly Finding[];
  readonly unchecked: readonly string[];
}

// What Kinesis, Kafka and NSQ take as one record. The collector splits larger requests, but cannot split an event.
const MAX_RECORD = 1_000_000;

/** Judges one event of a request that arrived whole. Never throws. */
export async function judge(payload: Parameters, request: CollectedRequest): Promise<Verdict> {
  const json = [decodeUnstruct(payload), decodeContexts(payload)];
  const errors = [
    ...checkSize(payload, request),
    ...checkFields(payload),
    ...checkUrls(payload),
    ...json.flatMap(({ failures }) => failures),
  ];
  return {
    errors,
    warnings: findWarnings({ payload, request }),
    unchecked: json.flatMap(({ items }) => items.map(({ schema }) => schema)),
  };
}

function checkSize(payload: Parameters, { bytes }: CollectedRequest): Failure[] {
  if (bytes <= MAX_RECORD) return [];
  const size = Buffer.byteLength(JSON.stringify(payload));
  if (size <= MAX_RECORD) return [];
  return [
    {
      scope: 'event',
      type: 'size_violation',
      field: 'body',
      rule: 'too-large',
      value: excerpt(String(size)),
      problem: `holds an event of ${size} bytes; a record takes ${MAX_RECORD}, though the collector answers 200`,
      mend: 'Send less data with one event.',
    },
  ];
}
