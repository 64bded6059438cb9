// From events to the bytes of one request: the POST envelope, the GET query, `stm` stamped for the attempt, and the memory of bodies.
import type { EncodedEvent } from '../../core/emitter';

const OPENING = '{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[';
const CLOSING = ']}';

/** Bytes of a POST body that are not events; one less, because the first event has no comma. */
export const ENVELOPE_BYTES = OPENING.length + CLOSING.length - 1;

/** Bytes that an event takes in a body beside its own: its `stm`, and a comma. */
export const EVENT_OVERHEAD = `,"stm":"${Date.now()}"}`.length;

/**
 * The body of a POST: every event with `stm`, the time of this attempt, from which the pipeline works out clock skew.
 * Written into one buffer of known size: a text of that length would have to be put together and then encoded.
 *
 * @param sentAt Milliseconds since the epoch.
 * @param memory Where the buffer comes from.
 */
export function postBody(events: readonly EncodedEvent[], sentAt: number, memory?: BodyMemory): Buffer {
  // Behind every event; the comma behind the last gives way to the closing.
  const end = Buffer.from(`,"stm":"${sentAt}"},`, 'latin1');
  let size = OPENING.length + CLOSING.length;
  for (const { bytes } of events) size += bytes + end.length;
  const body = memory ? memory.take(size) : Buffer.allocUnsafe(size);
  let at = body.write(OPENING, 'latin1');
  for (const { json, bytes } of events) {
    // What has as many bytes as units is ASCII. The event's last brace is overwritten by its stamp.
    at += body.write(json, at, bytes === json.length ? 'latin1' : 'utf8') - 1;
    body.set(end, at);
    at += end.length;
  }
  if (events.length > 0) at--;
  at += body.write(CLOSING, at, 'latin1');
  return body.subarray(0, at);
}

/** The query of a GET for one event, percent-encoded, with `stm`. */
export function getQuery(event: EncodedEvent, sentAt: number): string {
  let query = '';
  for (const [key, value] of Object.entries(event.payload())) query += `${key}=${encodeURIComponent(value)}&`;
  return `${query}stm=${sentAt}`;
}

const UNIT = 16 * 1024;
const MOST_KEPT = 4 * 1024 * 1024;

export class BodyMemory {
  readonly #spare: ArrayBufferLike[] = [];
  #spareBytes = 0;

  /** As many bytes, with anything in them; never from a pool that others write to. */
  take(bytes: number): Buffer {
    const spare = this.#spare.pop();
    this.#spareBytes -= spare?.byteLength ?? 0;
    // One that is too small makes room for one that is not.
    const memory =
      spare && spare.byteLength >= bytes ? spare : Buffer.allocUnsafeSlow(Math.ceil(bytes / UNIT) * UNIT).buffer;
    return Buffer.from(memory, 0, bytes);
  }

  /** What was taken is written over from now on: nobody may read it any more. */
  giveBack({ buffer }: Buffer): void {
    if (this.#spareBytes + buffer.byteLength > MOST_KEPT) return;
    this.#spare.push(buffer);
    this.#spareBytes += buffer.byteLength;
  }
}
