// One flush: which of the events accepted before it have been tried since, and what came of that.
import type { EncodedEvent } from '../core/emitter';
import type { Lease } from './event-store';

export class FlushRound {
  sent = 0;
  failed = 0;
  readonly done: Promise<void>;
  #resolve: () => void = () => {};
  #toTry: number;
  readonly #pending: Set<Lease>;
  /** Leases that failed: they stay out until the flush has got to the events behind them. */
  readonly held: Lease[] = [];
  // Ids of events that were accepted after the flush began: they are not waited for.
  readonly #late = new Set<string>();

  /**
   * @param waiting Events that waited when the flush began; the store hands them out before any later one of their kind.
   * @param inFlight Leases that were out then.
   * @param stopsAtFailure Give up the rest when one attempt has failed.
   */
  constructor(
    waiting: number,
    inFlight: Iterable<Lease>,
    readonly stopsAtFailure: boolean,
  ) {
    this.#toTry = waiting;
    this.#pending = new Set(inFlight);
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get hasLate(): boolean {
    return this.#late.size > 0;
  }

  get finished(): boolean {
    return this.#toTry <= 0 && this.#pending.size === 0;
  }

  /** Whether waiting events have to be tried yet. */
  get trying(): boolean {
    return this.#toTry > 0;
  }

  noteAccepted(events: readonly EncodedEvent[]): void {
    for (const { eventId } of events) this.#late.add(eventId);
  }

  noteTaken(lease: Lease): void {
    if (this.#toTry <= 0) return;
    const covered = lease.events.filter(({ eventId }) => !this.#late.has(eventId)).length;
    if (covered === 0) return;
    this.#toTry -= covered;
    this.#pending.add(lease);
  }

  /** @returns true when the lease is now held. */
  noteSettled(lease: Lease, sent: number, failed: number, kept: number): boolean {
    if (!this.#pending.delete(lease)) return false;
    this.sent += sent;
    this.failed += failed;
    if (kept === 0) return false;
    this.held.push(lease);
    if (this.stopsAtFailure) this.giveUp();
    return true;
  }

  /** Some of the lease were too large together: they are still to be tried, in smaller requests. */
  noteSplit(lease: Lease, events: number): void {
    if (this.#pending.has(lease)) this.#toTry += events;
  }

  /** Nothing more can be tried now; what is in flight is still waited for. */
  giveUp(): void {
    this.#toTry = 0;
  }

  end(): void {
    this.#resolve();
  }
}
