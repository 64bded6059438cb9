// The leases that are out, with the events of each that are not settled yet, and the counts kept in step with the store.
import type { EncodedEvent } from '../../core/emitter';
import type { Log } from '../../core/logger';
import type { EventStore, Lease } from '../store/event-store';
import type { Ledger } from './stats';
import { asError } from '../transport';
import { isThenable } from '../../core/shape';

export class OpenLeases {
  readonly #store: EventStore;
  readonly #ledger: Ledger;
  readonly #log: Log;
  readonly #open = new Map<Lease, readonly EncodedEvent[]>();

  constructor(store: EventStore, ledger: Ledger, log: Log) {
    this.#store = store;
    this.#ledger = ledger;
    this.#log = log;
  }

  has(lease: Lease): boolean {
    return this.#open.has(lease);
  }

  /** The store has handed out a lease. */
  add(lease: Lease): void {
    this.#open.set(lease, lease.events);
    this.#ledger.inFlight += lease.events.length;
  }

  /** These of the lease were sent or given up, and are counted; the others stay out. */
  acknowledge(lease: Lease, sent: readonly EncodedEvent[], givenUp: readonly EncodedEvent[]): void {
    this.#remove(lease, sent.length === 0 ? givenUp : givenUp.length === 0 ? sent : [...sent, ...givenUp]);
    const done = lease.reject || givenUp.length === 0 ? sent : [...sent, ...givenUp];
    if (done.length > 0) this.#log.guard("the event store's ack", () => lease.ack(done));
    if (givenUp.length > 0) this.#log.guard("the event store's reject", () => lease.reject?.(givenUp));
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
      this.#ledger.inFlight -= events.length;
      if (isThenable(returned)) returned.then(undefined, () => this.#log.error("the event store's nack rejected"));
      return events.length;
    } catch (error) {
      this.#ledger.drop('store-error', events, asError(error));
      return 0;
    }
  }

  /** Gives up what memory holds, in flight and waiting, and says so; a durable store keeps it. Returns how many. */
  abandon(): number {
    const lost: EncodedEvent[] = [];
    const give = (lease: Lease, events: readonly EncodedEvent[]): void => {
      for (const event of events) lost.push(event);
      this.acknowledge(lease, [], events);
    };
    for (const [lease, events] of this.#open) {
      if (this.#store.durable) this.giveBack(lease, events);
      else give(lease, events);
    }
    try {
      while (!this.#store.durable && this.#store.size > 0) {
        const lease = atOnce(this.#store.take({ maxEvents: Infinity, maxBytes: Infinity, overhead: 0 }));
        if (!lease || lease.events.length === 0) break;
        this.add(lease);
        give(lease, lease.events);
      }
    } catch (error) {
      this.#ledger.noteError(asError(error));
    }
    this.#ledger.drop('shutdown', lost);
    return lost.length;
  }

  #remove(lease: Lease, events: readonly EncodedEvent[]): void {
    if (events.length === 0) return;
    const open = this.#open.get(lease) ?? [];
    const removed = events.length < open.length ? new Set(events) : undefined;
    if (removed)
      this.#open.set(lease, open.filter((event) => !removed.has(event))); // prettier-ignore
    else this.#open.delete(lease);
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
