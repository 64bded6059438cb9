// How much one request may carry: the bytes of a POST body around its events, and what a receiver teaches that finds one too large.
import type { EncodedEvent } from '../core/emitter';
import type { TakeLimits } from './store/event-store';

export const OPENING = '{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[';
export const CLOSING = ']}';

/** Bytes of a POST body that are not events; one less, because the first event has no comma. */
export const ENVELOPE_BYTES = OPENING.length + CLOSING.length - 1;

/** Bytes that an event takes in a body beside its own: its `stm`, and a comma. */
export const EVENT_OVERHEAD = `,"stm":"${Date.now()}"}`.length;

// A limit that was learnt doubles after some 35 successes: it may have gone.
const GROWTH = 1.02;

/** What a store may give for one request with a body of so many bytes. */
export const limitsOf = (maxEvents: number, bodyBytes: number): TakeLimits => ({
  maxEvents,
  maxBytes: bodyBytes - ENVELOPE_BYTES,
  overhead: EVENT_OVERHEAD,
});

/** Half of what was too large together: by bytes, because that is what receivers limit. */
export function halved(limits: TakeLimits, together: readonly EncodedEvent[]): TakeLimits {
  const bytes = together.reduce((total, event) => total + event.bytes + EVENT_OVERHEAD, 0);
  const half = Math.ceil((bytes + ENVELOPE_BYTES) / 2) - ENVELOPE_BYTES;
  return { ...limits, maxBytes: Math.min(limits.maxBytes, half) };
}

/** Somewhat more after each success, up to `most` bytes. */
export const grown = (limits: TakeLimits, most: number): TakeLimits => ({
  ...limits,
  maxBytes: Math.min(most, Math.ceil(limits.maxBytes * GROWTH)),
});
