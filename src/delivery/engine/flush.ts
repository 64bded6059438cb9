// One flush: which of the events accepted before it have been tried since, and what came of that.
import type { EncodedEvent } from '../../core/emitter';
import { Batch, type FlushState } from '../retry-policy/isolation';
import type { BatchOutcome } from './outcome';

/** A flush, the last one of a process, or the only one of a job. */
export type How = 'flush' | 'last' | 'sole';

// How often a job's flush asks a receiver that failed for one event, each time another: it may be that which failed.
const MOST_PROBES = 2;

export class Flush implements FlushState {
  sent = 0;
  readonly done: Promise<void>;
  /** Ends the flush. */
  readonly end: () => void;
  /** What failed: it stays out until the flush has got to the events behind it. */
  readonly held: Batch[] = [];
  #toTry: number;
  // Tried and not sent.
  readonly #failed = new Set<EncodedEvent>();
  #probesLeft: number;
  // Ids of events that were accepted after the flush began: it does not wait for them.
  readonly #late = new Set<string>();

  /**
   * @param waiting Events that wait; the store hands them out before any later one of their kind.
   * @param failuresAtStart Attempts that had failed in a row: those that fail in one flush count as one failure.
   * @param how `last` ends when one attempt has failed; `sole` asks a receiver that failed for single events.
   */
  constructor(
    waiting: number,
    readonly failuresAtStart: number,
    readonly how: How,
  ) {
    this.#toTry = waiting;
    this.#probesLeft = this.isSole ? MOST_PROBES : 0;
    let end = (): void => {};
    this.done = new Promise((resolve) => (end = resolve));
    this.end = end;
  }

  get isSole(): boolean {
    return this.how === 'sole';
  }

  get failed(): number {
    return this.#failed.size;
  }

  get hasLate(): boolean {
    return this.#late.size > 0;
  }

  /** Whether waiting events have to be tried yet. */
  get isTrying(): boolean {
    return this.#toTry > 0;
  }

  /** Whether nothing is left to be tried, and none of these batches, which are under way, has to be waited for. */
  isFinished(batches: Iterable<Batch>): boolean {
    if (this.isTrying) return false;
    for (const { events } of batches) if (this.#covered(events) > 0) return false;
    return true;
  }

  /** Whether it may ask a receiver that failed for one more event. */
  mayProbe(): boolean {
    return this.#probesLeft-- > 0;
  }

  /** These came after it began. */
  addLate(events: readonly EncodedEvent[]): void {
    for (const { eventId } of events) this.#late.add(eventId);
  }

  /** The store has given these to be tried. */
  addTried(events: readonly EncodedEvent[]): void {
    this.#toTry = Math.max(0, this.#toTry - this.#covered(events));
  }

  /**
   * A batch has its outcome.
   *
   * @returns true when the flush holds what is kept of it.
   */
  settle(batch: Batch, { sent, rejected, lost, kept, suspects, split }: BatchOutcome): boolean {
    if (this.#covered(batch.events) === 0) return false;
    // What was too large together is still to be tried, in smaller requests.
    this.#toTry += this.#covered(split);
    this.sent += sent.length;
    if (sent.length > 0 && this.isSole) this.#probesLeft = MOST_PROBES;
    for (const event of sent) this.#failed.delete(event);
    for (const unsent of [rejected, lost, kept, suspects]) for (const event of unsent) this.#failed.add(event);
    if (kept.length === 0 || batch.isSetAside) return false;
    this.held.push(new Batch(batch.lease, kept));
    return true;
  }

  /** Nothing more can be taken from the store now; the flush still waits for what is in flight. */
  stopTaking(): void {
    this.#toTry = 0;
  }

  #covered(events: readonly EncodedEvent[]): number {
    if (this.#late.size === 0) return events.length;
    let covered = 0;
    for (const { eventId } of events) if (!this.#late.has(eventId)) covered++;
    return covered;
  }
}
