// Sends batches to a Snowplow collector over HTTP, by undici: writes POST tp2 or GET i, and reads the answer's status as an outcome.
import type { EncodedEvent } from '../../core/emitter';
import type { Log } from '../../core/logger';
import { VERSION } from '../../core/protocol/version';
import { CLOSING, ENVELOPE_BYTES, EVENT_OVERHEAD, OPENING } from '../body-size';
import { retryAfterMs } from '../retry-policy/backoff';
import type { DispatcherLike } from '../options';
import type { Outcome, Transport } from '../transport';
import { type Answer, type Limits, UndiciClient } from './undici-client';

export interface CollectorTransportOptions {
  readonly url: URL;
  readonly method: 'post' | 'get';
  readonly connections: number;
  readonly maxPostBytes: number;
  readonly maxGetBytes: number;
  readonly requestTimeoutMs: number | { readonly connect: number; readonly response: number };
  readonly customRetryCodes: Readonly<Record<number, boolean>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: DispatcherLike | undefined;
}

// The pipeline's own trackers retry every failure but these: the collector will never take the same bytes.
const FINAL: ReadonlySet<number> = new Set([400, 401, 403, 410, 422]);
// These speak of the caller or of the endpoint, whatever the events.
const OF_CALLER: ReadonlySet<number> = new Set([401, 410]);
// With a Retry-After these speak of the collector's load.
const OF_LOAD: ReadonlySet<number> = new Set([429, 503]);
// An answer is slow when it takes so much of the time that it may take.
const SLOW_SHARE = 0.25;

const CONTENT = { post: { 'content-type': 'application/json; charset=utf-8' }, get: undefined };

export class CollectorTransport implements Transport {
  readonly #options: CollectorTransportOptions;
  readonly #log: Log;
  readonly #client: UndiciClient;
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #limits: Limits;
  readonly #bodies = new BodyMemory();
  #closing: Promise<void> | undefined;

  constructor(options: CollectorTransportOptions, log: Log) {
    this.#options = options;
    this.#log = log;
    const { url, method, requestTimeoutMs: limit, dispatcher } = options;
    this.#path = url.pathname.replace(/\/$/, '') + (method === 'get' ? '/i' : '/com.snowplowanalytics.snowplow/tp2');
    const connect = typeof limit === 'number' ? limit : limit.connect;
    const response = typeof limit === 'number' ? undefined : limit.response;
    this.#limits = { whole: connect + (response ?? 0), response };
    const given = Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
    this.#headers = {
      'user-agent': `snowplow-middleware/${VERSION}`,
      ...Object.fromEntries(given),
      ...CONTENT[method],
    };
    this.#client = new UndiciClient({
      url,
      connections: options.connections,
      limits: this.#limits,
      connectMs: connect,
      dispatcher,
    });
    if (url.protocol === 'http:' && !isLoopback(url.hostname))
      log.warn('events go to the collector unencrypted: its endpoint is http');
  }

  fits(event: EncodedEvent): boolean {
    const { method, maxPostBytes, maxGetBytes } = this.#options;
    if (method === 'post') return ENVELOPE_BYTES + event.bytes + EVENT_OVERHEAD <= maxPostBytes;
    return this.#target(event).length <= maxGetBytes;
  }

  async send(events: readonly EncodedEvent[]): Promise<Outcome | readonly Outcome[]> {
    const { method, maxPostBytes } = this.#options;
    if (method === 'get') return this.#getEach(events);
    const [first] = events as [EncodedEvent, ...EncodedEvent[]];
    // Only one by itself can be: a batch is taken to fit.
    if (events.length === 1 && !this.fits(first)) return tooLarge('body', maxPostBytes);
    const body = postBody(events, Date.now(), this.#bodies);
    const result = await this.#exchange(this.#path, body, first.anonymous);
    if (result.status === 'sent' && this.#client.isWritten()) this.#bodies.giveBack(body);
    return result;
  }

  async #getEach(events: readonly EncodedEvent[]): Promise<readonly Outcome[]> {
    const results: Outcome[] = [];
    let unreachable: Outcome | undefined;
    for (const event of events) {
      // Where nobody answers, or wants to be left alone, the rest of the batch need not find that out one by one.
      const result = unreachable ?? (await this.#get(event));
      if (result.status === 'retry' && (result.code === undefined || result.afterMs))
        unreachable = { ...result, suspicious: false };
      results.push(result);
    }
    return results;
  }

  #target(event: EncodedEvent): string {
    return `${this.#path}?${getQuery(event, Date.now())}`;
  }

  // A store may hold what was accepted elsewhere, by other limits: a queue, or the run before.
  async #get(event: EncodedEvent): Promise<Outcome> {
    const target = this.#target(event);
    const { maxGetBytes } = this.#options;
    if (target.length > maxGetBytes) return tooLarge('target', maxGetBytes);
    return this.#exchange(target, null, event.anonymous);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#client.close());
  }

  async #exchange(path: string, body: Buffer | null, anonymous: boolean): Promise<Outcome> {
    const startedAt = performance.now();
    const headers = anonymous ? { ...this.#headers, 'sp-anonymous': '*' } : this.#headers;
    const answer = await this.#client.send({ path, method: body === null ? 'GET' : 'POST', body, headers });
    // What mostly comes; other successes are read with the failures.
    if (answer.status === 200 && !answer.unreadable) return { status: 'sent' };
    return this.#outcomeOf(answer, performance.now() - startedAt >= this.#limits.whole * SLOW_SHARE);
  }

  #outcomeOf({ status, retryAfter, error: failure, isBegun, unreadable }: Answer, slow: boolean): Outcome {
    if (unreadable) this.#log.error(unreadable);
    // What fails before the request has left says nothing of the events in it.
    if (status === undefined) return { status: 'retry', error: failure as Error, suspicious: isBegun, slow };
    if (status >= 200 && status < 300) return { status: 'sent' };
    const error = new Error(`the collector answered ${status}`);
    const retry = this.#options.customRetryCodes[status];
    const tooLarge = status === 413 || (status === 414 && this.#options.method === 'get');
    if (tooLarge && retry === undefined) return { status: 'too-large', error, code: status };
    const of = OF_CALLER.has(status) ? 'caller' : 'events';
    if (!(retry ?? !FINAL.has(status))) return { status: 'rejected', error, code: status, of };
    if (status >= 300 && status < 400)
      this.#log.error(`the collector answered ${status}, a redirect, and those are not followed: check the endpoint`);
    else if (status === 404) this.#log.error('the collector answered 404: check the endpoint and its path');
    const afterMs = retryAfterMs(retryAfter, Date.now());
    const isLoad = OF_LOAD.has(status) && afterMs !== undefined;
    return { status: 'retry', afterMs, error, code: status, suspicious: of === 'events' && !tooLarge && !isLoad, slow };
  }
}

const tooLarge = (what: string, limit: number): Outcome => ({
  status: 'too-large',
  error: new Error(`the ${what} would have more than ${limit} bytes`),
});

const isLoopback = (host: string): boolean => /^(localhost|\[::1\]|127(\.\d+){3})$/.test(host);

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

/** Memory of bodies that have left, for those that come: making it anew is what costs most of a large body. */
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
