// Accepted events in memory: a bounded queue that refuses when it is full and never evicts.
import type { EncodedEvent } from '../core/emitter';
import { integer, resolveOptions } from '../core/options';
import type { Cut, EventStore, Lease } from './event-store';
import { type Entry, Lane } from './lane';

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
  // Anonymous and other events never share a request; in lanes of their own, neither cuts the other's batches short.
  readonly #lanes = [new Lane<Entry>(), new Lane<Entry>()] as const;
  readonly #capacity: number;
  readonly #capacityBytes: number;
  #arrivals = 0;
  #leased = 0;
  #leasedBytes = 0;

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
    return this.#lanes[0].length + this.#lanes[1].length;
  }

  get bytes(): number {
    return this.#lanes[0].bytes + this.#lanes[1].bytes;
  }

  put(events: readonly EncodedEvent[]): boolean {
    const bytes = bytesOf(events);
    if (this.size + this.#leased + events.length > this.#capacity) return false;
    if (this.bytes + this.#leasedBytes + bytes > this.#capacityBytes) return false;
    for (const event of events) this.#lanes[event.anonymous ? 1 : 0].push({ event, order: this.#arrivals++ });
    return true;
  }

  take(cut: Cut): Lease | undefined {
    const [plain, anonymous] = this.#lanes;
    const lane = anonymous.oldest < plain.oldest ? anonymous : plain;
    const entries = lane.take(cut);
    if (entries.length === 0) return undefined;
    const events = entries.map(({ event }) => event);
    // Which are still out; made only when it is not all of them that are settled at once.
    let open: Set<EncodedEvent> | undefined;
    this.#lease(events, 1);
    const settle = (named: readonly EncodedEvent[]): readonly EncodedEvent[] => {
      const whole = named === events && !open;
      open ??= new Set(whole ? [] : events);
      const settled = whole ? events : named.filter((event) => open?.delete(event));
      this.#lease(settled, -1);
      return settled;
    };
    return {
      events,
      ack: (named = events) => void settle(named),
      nack: (named = events) => {
        const returned = new Set(settle(named));
        if (returned.size === 0) return;
        lane.putBack(entries.filter(({ event }) => returned.has(event)));
      },
    };
  }

  #lease(events: readonly EncodedEvent[], sign: 1 | -1): void {
    this.#leased += sign * events.length;
    this.#leasedBytes += sign * bytesOf(events);
  }
}

function bytesOf(events: Iterable<EncodedEvent>): number {
  let bytes = 0;
  for (const event of events) bytes += event.bytes;
  return bytes;
}
