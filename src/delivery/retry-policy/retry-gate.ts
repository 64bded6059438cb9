// When the next attempt may be made: the emitter's own backoff, and the time that the receiver asked for.
// Times are monotonic: a wall clock that is set back must not stretch a wait.
import { backoffDelay } from './backoff';

export class RetryGate {
  readonly #maxDelayMs: number;
  /** Failed attempts in a row. */
  failures = 0;
  #notBefore = 0;
  /** When the receiver wants to be asked again, on the clock of `performance.now()`. */
  askedFor = 0;

  constructor(maxDelayMs: number) {
    this.#maxDelayMs = maxDelayMs;
  }

  /** @param failuresAtStart What `failures` was when the attempt began: attempts that fail together are one failure. */
  fail(failuresAtStart: number, afterMs: number | undefined): void {
    const now = performance.now();
    if (afterMs !== undefined) this.askedFor = Math.max(this.askedFor, now + afterMs);
    if (failuresAtStart !== this.failures) return;
    this.failures++;
    this.#notBefore = now + backoffDelay(this.failures, this.#maxDelayMs);
  }

  /** Only a success ends the backoff; a rejection says nothing of the receiver's health. */
  succeed(): void {
    this.failures = 0;
  }

  /** How long to wait yet, in milliseconds; a flush is bound by what the receiver asked for alone. */
  waitMs(flushing: boolean): number {
    const until = flushing || this.failures === 0 ? this.askedFor : Math.max(this.askedFor, this.#notBefore);
    return until - performance.now();
  }
}
