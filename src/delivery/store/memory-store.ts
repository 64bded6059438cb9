// Accepted events in memory: a bounded queue that refuses when it is full and never evicts.
import type { EncodedEvent } from '../../core/emitter';
import { integer, resolveOptions } from '../../core/options';
import type { TakeLimits, EventStore, Lease } from './event-store';
import { bytesOf, type Entry, Lanes } from './lanes';

/** Options of a {@link MemoryEventStore}. */
export interface MemoryStoreOptions {
  /** Events, waiting and leased together. @default 10_000 */
  capacity?: number | undefined;
  /** UTF-8 bytes, waiting and leased together. @default 16 MiB */
  capacityBytes?: number | undefined;
}

/**
 * The default store: bounded by count and by bytes, waiting and leased events together. Full, it refuses the new event;
 * it never gives up one that it accepted.
 *
 * @example
 * new AsyncEmitter({ endpoint: 'collector.acme.com', eventStore: new MemoryEventStore({ capacity: 50_000 }) });
 */
export class MemoryEventStore implements EventStore {
  readonly #lanes = new Lanes<Entry>();
  readonly #capacity: number;
  readonly #capacityBytes: number;
  #arrivals = 0;

  /** @throws ConfigError */
  constructor(options: MemoryStoreOptions = {}) {
    const rules = { capacity: integer(1), capacityBytes: integer(1) };
    const defaults = { capacity: 10_000, capacityBytes: 16 * 1024 * 1024 };
    ({ capacity: this.#capacity, capacityBytes: this.#capacityBytes } = resolveOptions(
      'MemoryEventStore',
      options,
      rules,
      defaults,
    ));
  }

  get size(): number {
    return this.#lanes.size;
  }

  get bytes(): number {
    return this.#lanes.bytes;
  }

  put(events: readonly EncodedEvent[]): boolean {
    const { size, bytes, leased, leasedBytes } = this.#lanes;
    if (size + leased + events.length > this.#capacity) return false;
    if (bytes + leasedBytes + bytesOf(events) > this.#capacityBytes) return false;
    for (const event of events) this.#lanes.push({ event, order: this.#arrivals++ });
    return true;
  }

  take(limits: TakeLimits): Lease | undefined {
    return this.#lanes.lease(limits);
  }
}
