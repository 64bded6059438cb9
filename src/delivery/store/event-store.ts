// The port to where accepted events wait: a store that gives out leases.
import type { EncodedEvent } from '../../core/emitter';

/** How much one request may carry. */
export interface TakeLimits {
  readonly maxEvents: number;
  /** Bytes of the events together, each counted with `overhead`; a first event that is larger is taken alone. */
  readonly maxBytes: number;
  /** What an event costs in a body beside its own bytes. */
  readonly overhead: number;
}

/**
 * Where accepted events wait. `put` is synchronous because `track()` answers at once; what it accepted must be handed
 * out by `take` until it is acknowledged.
 *
 * @example
 * new AsyncEmitter({ endpoint, eventStore: new MemoryEventStore({ capacity: 50_000 }) });
 */
export interface EventStore {
  /** Events that wait, without those under a lease. */
  readonly size: number;
  /** UTF-8 bytes of the events that wait. */
  readonly bytes: number;
  /**
   * Events that came without a `put`: accepted by an earlier run, by a process that died, or elsewhere. Those that another
   * process has adopted are subtracted. @default 0
   */
  readonly recovered?: number;
  /** True when what it holds outlives the process: then a close leaves it there. @default false */
  readonly durable?: boolean;
  /** Takes all of the events or none, at once; false when there is no room. Throwing means that the store itself failed. */
  put(events: readonly EncodedEvent[]): boolean;
  /** Leases the oldest events that fit the limits, all of one anonymity, at least one; undefined when there are none to be had. */
  take(limits: TakeLimits): Lease | undefined;
  /** Resolves when everything accepted so far is safe from a power cut. */
  stored?(): Promise<void>;
  /** Called once, by the engine that uses the store. */
  listen?(listener: StoreListener): void;
  close?(): void | Promise<void>;
}

/** What a store has to tell of its own accord: what happened to it without a call of the engine. */
export interface StoreListener {
  /** Events wait that no `put` brought; they count as `recovered`. */
  arrived(): void;
  /** So many waiting events cannot be read any more, and wait no longer. */
  lost(events: number, error: Error): void;
}

/** Events handed out for sending. Each is settled once, by identity: never by its position. */
export interface Lease {
  readonly events: readonly EncodedEvent[];
  /** These are done with; all of them when none are named. */
  ack(events?: readonly EncodedEvent[]): void | Promise<void>;
  /** These are dropped; acknowledged where the store has no use for the difference. */
  reject?(events: readonly EncodedEvent[]): void | Promise<void>;
  /** These wait again, and count in `size` when it returns, where they were: before whatever came after them. All when none are named. */
  nack(events?: readonly EncodedEvent[]): void | Promise<void>;
}
