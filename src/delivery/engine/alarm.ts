// One timer for several waits: it rings at the earliest of them, and whoever is woken asks for the others anew.
import { AsyncLocalStorage } from 'node:async_hooks';
import { LONGEST_TIMER_MS } from '../../core/deadline';

export class Alarm {
  readonly #ring: () => void;
  // Started outside the request that happens to set it: it must not keep that alive.
  readonly #outside = AsyncLocalStorage.snapshot();
  #timer: NodeJS.Timeout | undefined;
  #at = Infinity;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings in so many milliseconds, if not earlier. Does not keep the process alive. */
  setAfter(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#at) return;
    this.stop();
    this.#at = at;
    const onTime = (): void => {
      this.#at = Infinity;
      this.#ring();
    };
    this.#timer = this.#outside(setTimeout, onTime, Math.min(Math.ceil(ms), LONGEST_TIMER_MS)).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#at = Infinity;
  }
}
