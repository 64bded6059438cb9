// The one book of what is in flight: leases and the batches that requests carry; and the exit hook, their last chance.
import type { EncodedEvent } from '../../core/emitter';
import type { Log } from '../../core/logger';
import { isThenable } from '../../core/contracts';
import type { Batch } from '../retry-policy/isolation';
import type { EventStore, Lease, TakeLimits } from '../store/event-store';
import { asError } from '../transport';
import type { Stats } from './stats';

const ALL: TakeLimits = { maxEvents: Infinity, maxBytes: Infinity, overhead: 0 };

export class InFlight {
  readonly #store: EventStore;
  readonly #stats: Stats;
  readonly #log: Log;
  readonly #open = new Map<Lease, readonly EncodedEvent[]>();
  /** What the requests under way carry. */
  readonly batches = new Set<Batch>();

  constructor(store: EventStore, stats: Stats, log: Log) {
    this.#store = store;
    this.#stats = stats;
    this.#log = log;
  }

  /** Events under a lease. */
  get count(): number {
    let count = 0;
    for (const { length } of this.#open.values()) count += length;
    return count;
  }

  /**
   * Leases the next events of the store; undefined where it gives none.
   *
   * @throws What the store throws; a TypeError where it answers with a promise, whose events go back.
   */
  take(limits: TakeLimits): Lease | undefined {
    const lease: Lease | PromiseLike<Lease | undefined> | undefined = this.#store.take(limits);
    if (isThenable(lease)) {
      lease.then(
        (late) => late?.nack(),
        () => {},
      );
      throw new TypeError('an event store must answer take() at once');
    }
    if (!lease || !(lease.events?.length > 0)) return undefined;
    this.#open.set(lease, lease.events);
    return lease;
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
    this.batches.clear();
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
        const lease = this.take(ALL);
        if (!lease) break;
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
    const open = this.#open.get(lease) ?? [];
    if (events.length >= open.length) return void this.#open.delete(lease);
    const removed = new Set(events);
    this.#open.set(lease, open.filter((event) => !removed.has(event))); // prettier-ignore
  }
}

/** Something that holds events, in flight or waiting. */
export interface Holder {
  /** One more attempt for what is held. */
  sendLast(): void;
  /** The process ends now: say what is lost. Must be synchronous. */
  abandon(): unknown;
}

// The last chance of events in memory: a send when the process runs out of work, a report when it exits with some left.
interface ExitHook {
  /** Says that `holder` has got events; the two listeners exist only while somebody holds some. */
  hold(holder: Holder): void;
  /** Says that `holder` has none left. */
  release(holder: Holder): void;
}

function makeExitHook(): ExitHook {
  // Whether each was asked for what it holds: asking again would keep the process alive for as long as sending fails.
  const holders = new Map<Holder, boolean>();
  const onBeforeExit = (): void => {
    for (const [holder, wasAsked] of holders) {
      holders.set(holder, true);
      if (!wasAsked) holder.sendLast();
    }
  };
  const onExit = (): void => {
    for (const holder of holders.keys()) holder.abandon();
  };
  return {
    hold(holder) {
      if (holders.get(holder) === false) return;
      if (holders.size === 0) {
        process.on('beforeExit', onBeforeExit);
        process.on('exit', onExit);
      }
      holders.set(holder, false);
    },
    release(holder) {
      if (!holders.delete(holder) || holders.size > 0) return;
      process.off('beforeExit', onBeforeExit);
      process.off('exit', onExit);
    },
  };
}

// On globalThis, so that the process has two listeners however many copies of the package it has loaded.
const KEY = Symbol.for('snowplow-middleware.exit-hook.v1');
export const { hold, release } = ((globalThis as { [KEY]?: ExitHook })[KEY] ??= makeExitHook());
