// Judges one event as the pipeline would: what makes it bad, and what would go wrong in silence.
import type { CollectedRequest } from './event';
import { checkFields } from './field-rules';
import type { Failure, Finding } from './finding';
import { decodeContexts, decodeUnstruct } from './self-describing';
import type { Parameters } from './tracker-payload';
import { checkUrls } from './url-rules';

export interface Verdict {
  readonly errors: readonly Failure[];
  readonly warnings: readonly Finding[];
  readonly unchecked: readonly string[];
}

/** Judges one event of a request that arrived whole. Never throws. */
export async function judge(payload: Parameters, _request: CollectedRequest): Promise<Verdict> {
  const json = [decodeUnstruct(payload), decodeContexts(payload)];
  const errors = [...checkFields(payload), ...checkUrls(payload), ...json.flatMap(({ failures }) => failures)];
  return { errors, warnings: [], unchecked: json.flatMap(({ items }) => items.map(({ schema }) => schema)) };
}
