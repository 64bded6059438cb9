// The one book of what is in flight: leases with their unsettled events, and the batches that requests carry.
import type { EncodedEvent } from '../../core/emitter';
import type { Log } from '../../core/logger';
import { isThenable } from '../../core/contracts';
import type { Batch } from '../retry-policy/isolation';
import type { EventStore, Lease } from '../store/event-store';
import { asError } from '../transport';
import type { Stats } from './stats';

export class InFlight {
  readonly #store: EventStore;
  readonly #stats: Stats;
  readonly #log: Log;
  readonly #open = new Map<Lease, readonly EncodedEvent[]>();
  /** What the requests under way carry. */
  readonly batches = new Set<Batch>();
  /** Events under a lease. */
  count = 0;

  constructor(store: EventStore, stats: Stats, log: Log) {
    this.#store = store;
    this.#stats = stats;
    this.#log = log;
  }

  has(lease: Lease): boolean {
    return this.#open.has(lease);
  }

  /** The store has handed out a lease. */
  add(lease: Lease): void {
    this.#open.set(lease, lease.events);
    this.count += lease.events.length;
  }

  /** These of the lease were sent or dropped, and are counted; the others stay out. */
  acknowledge(lease: Lease, sent: readonly EncodedEvent[], dropped: readonly EncodedEvent[]): void {
    const settled = dropped.length === 0 ? sent : [...sent, ...dropped];
    this.#remove(lease, settled);
    const done = lease.reject ? sent : settled;
    if (done.length > 0) this.#log.guard("the event store's ack", () => lease.ack(done));
    if (dropped.length > 0) this.#log.guard("the event store's reject", () => lease.reject?.(dropped));
  }

  /**
   * These of the lease go back to the store.
   *
   * @returns How many wait again: none where the store would not take them.
   */
  giveBack(lease: Lease, events: readonly EncodedEvent[]): number {
    if (events.length === 0 || !this.#open.has(lease)) return 0;
    this.#remove(lease, events);
    try {
      const returned: unknown = lease.nack(events);
      if (isThenable(returned)) returned.then(undefined, () => this.#log.error("the event store's nack rejected"));
      return events.length;
    } catch (error) {
      this.#stats.drop('store-error', events, asError(error));
      return 0;
    }
  }

  /** Drops what memory holds, in flight and waiting, and says so; a durable store keeps it. Returns how many. */
  abandon(): number {
    const dropped: EncodedEvent[] = [];
    const drop = (lease: Lease, events: readonly EncodedEvent[]): void => {
      for (const event of events) dropped.push(event);
      this.acknowledge(lease, [], events);
    };
    for (const [lease, events] of this.#open) {
      if (this.#store.durable) this.giveBack(lease, events);
      else drop(lease, events);
    }
    try {
      while (!this.#store.durable && this.#store.size > 0) {
        const lease = atOnce(this.#store.take({ maxEvents: Infinity, maxBytes: Infinity, overhead: 0 }));
        if (!lease || lease.events.length === 0) break;
        this.add(lease);
        drop(lease, lease.events);
      }
    } catch (error) {
      this.#stats.noteError(asError(error));
    }
    this.#stats.drop('shutdown', dropped);
    return dropped.length;
  }

  #remove(lease: Lease, events: readonly EncodedEvent[]): void {
    if (events.length === 0) return;
    this.count -= events.length;
    const open = this.#open.get(lease) ?? [];
    if (events.length >= open.length) {
      this.#open.delete(lease);
      return;
    }
    const removed = new Set(events);
    this.#open.set(lease, open.filter((event) => !removed.has(event))); // prettier-ignore
  }
}

/**
 * What a store answered to `take`.
 *
 * @throws TypeError when that is a promise: the events of it go back.
 */
export function atOnce(taken: Lease | undefined | PromiseLike<Lease | undefined>): Lease | undefined {
  if (!isThenable(taken)) return taken;
  taken.then(
    (lease) => lease?.nack(),
    () => {},
  );
  throw new TypeError('an event store must answer take() at once');
}
