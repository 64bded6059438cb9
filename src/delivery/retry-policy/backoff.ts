// When the next attempt may be made: full jitter, so that a fleet does not come back in step, and what the collector asks for.
// Times are monotonic: a wall clock that is set back must not stretch a wait.

const FIRST_MS = 500;
const LEAST_MS = 100;
const LONGEST_RETRY_AFTER_MS = 300_000;
// What C's asctime makes of a date: without a time zone, and always meant as GMT.
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * The wait before the next attempt: a random share of a ceiling that starts at 500 ms and doubles with each failure.
 *
 * @param failures Failed attempts in a row, at least 1.
 * @param maxMs The highest ceiling.
 */
export function backoffDelay(failures: number, maxMs: number, random: () => number = Math.random): number {
  const ceiling = Math.min(maxMs, FIRST_MS * 2 ** Math.min(failures - 1, 30));
  return Math.max(Math.min(LEAST_MS, maxMs), Math.round(random() * ceiling));
}

/**
 * Reads a Retry-After header: seconds or an HTTP date (RFC 9110, 10.2.3). Capped at five minutes; undefined when it
 * says nothing usable.
 */
export function retryAfterMs(header: unknown, now: number): number | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  // Only the three forms of an HTTP date: Date.parse would read one into almost any text with a number in it.
  const text = ASCTIME.test(header) ? `${header} GMT` : header;
  const date = text.endsWith('GMT') ? Date.parse(text) : NaN;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : date - now;
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER_MS) : undefined;
}

/** The backoff towards one receiver, or of one event that failed alone. */
export class Backoff {
  /** Failed attempts in a row. */
  failures = 0;
  #notBefore = 0;
  /** When the receiver wants to be asked again, on the clock of `performance.now()`. */
  askedFor = 0;

  /** @param maxDelayMs The longest wait that it asks for of its own accord. */
  constructor(readonly maxDelayMs: number) {}

  /** @param failuresAtStart What `failures` was when the attempt began: attempts that fail together are one failure. */
  fail(failuresAtStart: number, afterMs: number | undefined): void {
    const now = performance.now();
    if (afterMs !== undefined) this.askedFor = Math.max(this.askedFor, now + afterMs);
    if (failuresAtStart !== this.failures) return;
    this.failures++;
    this.#notBefore = now + backoffDelay(this.failures, this.maxDelayMs);
  }

  /** How long to wait yet, in milliseconds; a flush is bound by what the receiver asked for alone. */
  waitMs(isFlushing: boolean): number {
    const until = isFlushing || this.failures === 0 ? this.askedFor : Math.max(this.askedFor, this.#notBefore);
    return until - performance.now();
  }
}
