// One flush: which of the events accepted before it have been tried since, and what came of that.
import type { EncodedEvent } from '../core/emitter';
import type { Lease } from './event-store';
import type { Settlement } from './ledger';

/** What the engine holds when a flush begins. */
export interface Held {
  /** Events that wait; the store hands them out before any later one of their kind. */
  readonly waiting: number;
  readonly leases: Iterable<Lease>;
  /** Leases that the store has been asked for and has not given yet. */
  readonly taking: number;
}

export class FlushRound {
  sent = 0;
  failed = 0;
  readonly done: Promise<void>;
  #resolve: () => void = () => {};
  #toTry: number;
  #taking: number;
  readonly #pending: Set<Lease>;
  /** Leases that failed: they stay out until the flush has got to the events behind them. */
  readonly held: Lease[] = [];
  // Ids of events that were accepted after the flush began: they are not waited for.
  readonly #late = new Set<string>();

  /**
   * @param failuresAtStart Attempts that had failed in a row: those that fail in one flush count as one failure.
   * @param stopsAtFailure Give up the rest when one attempt has failed.
   */
  constructor(
    { waiting, leases, taking }: Held,
    readonly failuresAtStart: number,
    readonly stopsAtFailure: boolean,
  ) {
    this.#toTry = waiting;
    this.#taking = taking;
    this.#pending = new Set(leases);
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get hasLate(): boolean {
    return this.#late.size > 0;
  }

  get finished(): boolean {
    return this.#toTry <= 0 && this.#taking === 0 && this.#pending.size === 0;
  }

  /** Whether waiting events have to be tried yet. */
  get trying(): boolean {
    return this.#toTry > 0;
  }

  noteAccepted(events: readonly EncodedEvent[]): void {
    for (const { eventId } of events) this.#late.add(eventId);
  }

  /** The store has been asked for a lease. */
  noteTaking(): void {
    this.#taking++;
  }

  /** The store has answered; with nothing where there is no lease. */
  noteTaken(lease: Lease | undefined): void {
    this.#taking--;
    const covered = lease ? this.#covered(lease.events) : 0;
    if (!lease || covered === 0) return;
    this.#toTry = Math.max(0, this.#toTry - covered);
    this.#pending.add(lease);
  }

  /** @returns true when the lease is now held. */
  noteSettled(lease: Lease, { sent, rejected, lost, kept }: Settlement): boolean {
    if (!this.#pending.delete(lease)) return false;
    this.sent += sent.length;
    this.failed += rejected.length + lost.length + kept.length;
    if (kept.length === 0) return false;
    this.held.push(lease);
    if (this.stopsAtFailure) this.giveUp();
    return true;
  }

  /** Some of the lease were too large together: they are still to be tried, in smaller requests. */
  noteSplit(lease: Lease, events: readonly EncodedEvent[]): void {
    if (this.#pending.has(lease)) this.#toTry += this.#covered(events);
  }

  /** Nothing more can be tried now; what is in flight is still waited for. */
  giveUp(): void {
    this.#toTry = 0;
  }

  end(): void {
    this.#resolve();
  }

  #covered(events: readonly EncodedEvent[]): number {
    if (this.#late.size === 0) return events.length;
    let covered = 0;
    for (const { eventId } of events) if (!this.#late.has(eventId)) covered++;
    return covered;
  }
}
