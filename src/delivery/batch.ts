// From events to the bytes of one request: the POST envelope, the GET query, and `stm` stamped for the attempt.
import type { EncodedEvent } from '../core/emitter';

const OPENING = '{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[';
const CLOSING = ']}';

/** Bytes of a POST body that are not events; one less, because the first event has no comma. */
export const ENVELOPE_BYTES = OPENING.length + CLOSING.length - 1;

const stamp = (sentAt: number): string => `,"stm":"${sentAt}"}`;

/** Bytes that an event takes in a body beside its own: its `stm`, and a comma. */
export const EVENT_OVERHEAD = stamp(Date.now()).length;

/**
 * The body of a POST: every event with `stm`, the time of this attempt, from which the pipeline works out clock skew.
 *
 * @param sentAt Milliseconds since the epoch.
 */
export function postBody(events: readonly EncodedEvent[], sentAt: number): string {
  const end = stamp(sentAt);
  let body = OPENING;
  for (const { json } of events) body += `${body === OPENING ? '' : ','}${json.slice(0, -1)}${end}`;
  return body + CLOSING;
}

/** The query of a GET for one event, percent-encoded, with `stm`. */
export function getQuery(event: EncodedEvent, sentAt: number): string {
  let query = '';
  for (const [key, value] of Object.entries(event.payload())) query += `${key}=${encodeURIComponent(value)}&`;
  return `${query}stm=${sentAt}`;
}
