// How much one request may carry: less after a receiver has found a body too large, more again with each success.
import type { EncodedEvent } from '../../core/emitter';
import { ENVELOPE_BYTES, EVENT_OVERHEAD } from '../http/batch';
import type { Cut, EventStore } from '../store/event-store';

// A limit that was learnt doubles after some 35 successes: it may have gone.
const GROWTH = 1.02;

export class RequestLimit {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #bytes: number;

  /** What the settings allow in any case: events, and bytes of a body. */
  constructor(maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
    this.#bytes = maxBytes;
  }

  /** What a store may give for one request. */
  get cut(): Cut {
    return { maxEvents: this.#maxEvents, maxBytes: this.#bytes - ENVELOPE_BYTES, overhead: EVENT_OVERHEAD };
  }

  /** Whether what waits makes a whole request. */
  isFilledBy({ size, bytes }: EventStore): boolean {
    return size >= this.#maxEvents || ENVELOPE_BYTES + bytes + size * EVENT_OVERHEAD >= this.#bytes;
  }

  grow(): void {
    if (this.#bytes < this.#maxBytes) this.#bytes = Math.min(this.#maxBytes, Math.ceil(this.#bytes * GROWTH));
  }

  /**
   * An event that is too large by itself says nothing of the others; events that were too large together say what a
   * request may carry: half of them, by bytes, because that is what receivers limit.
   */
  learn(together: readonly EncodedEvent[]): void {
    const bytes = together.reduce((total, event) => total + event.bytes + EVENT_OVERHEAD, ENVELOPE_BYTES);
    this.#bytes = together.length === 0 ? this.#maxBytes : Math.min(this.#bytes, Math.ceil(bytes / 2));
  }
}
