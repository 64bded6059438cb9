// One flush: which of the events accepted before it have been tried since, and what came of that.
import type { EncodedEvent } from '../../core/emitter';
import { Batch } from '../retry-policy/isolation';
import type { BatchOutcome } from './outcome';

/** A flush, the last one of a process, or the only one of a job. */
export type How = 'flush' | 'last' | 'sole';

// How often a job's flush asks a receiver that failed for one event, each time another: it may be that which failed.
const MOST_PROBES = 2;

export class Flush {
  sent = 0;
  readonly done: Promise<void>;
  /** Ends the flush. */
  end: () => void = () => {};
  /** What failed: it stays out until the flush has got to the events behind it. */
  readonly held: Batch[] = [];
  #toTry: number;
  #awaited = 0;
  #dropped = 0;
  // Tried and not sent.
  readonly #failed = new Set<EncodedEvent>();
  #probesLeft: number;
  /** Nothing more is tried for it. */
  isOver = false;
  // Ids of events that were accepted after the flush began: it does not wait for them.
  readonly #late = new Set<string>();

  /**
   * @param waiting Events that wait; the store hands them out before any later one of their kind.
   * @param batches Those under way.
   * @param failuresAtStart Attempts that had failed in a row: those that fail in one flush count as one failure.
   * @param how `last` stops when one attempt has failed; `sole` asks a receiver that failed for single events.
   */
  constructor(
    waiting: number,
    batches: Iterable<Batch>,
    readonly failuresAtStart: number,
    readonly how: How,
  ) {
    this.#toTry = waiting;
    this.#probesLeft = how === 'sole' ? MOST_PROBES : 0;
    for (const batch of batches) this.await(batch);
    this.done = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  get failed(): number {
    return this.#dropped + this.#failed.size;
  }

  get hasLate(): boolean {
    return this.#late.size > 0;
  }

  get isFinished(): boolean {
    return this.#toTry <= 0 && this.#awaited === 0;
  }

  /** Whether waiting events have to be tried yet. */
  get isTrying(): boolean {
    return this.#toTry > 0;
  }

  /** Whether it may ask a receiver that failed for one more event. */
  mayProbe(): boolean {
    return this.#probesLeft-- > 0;
  }

  /** These came after it began. */
  addLate(events: readonly EncodedEvent[]): void {
    for (const { eventId } of events) this.#late.add(eventId);
  }

  /** Waits for what becomes of a batch. */
  await(batch: Batch): void {
    batch.awaitedBy = this;
    this.#awaited++;
  }

  /** Waits for a batch that the store has given, as far as it covers its events. */
  awaitTaken(batch: Batch): void {
    const covered = this.#covered(batch.events);
    if (covered === 0) return;
    this.#toTry = Math.max(0, this.#toTry - covered);
    this.await(batch);
  }

  /**
   * A batch has its outcome.
   *
   * @returns true when the flush holds what is kept of it.
   */
  settle(batch: Batch, { sent, rejected, lost, kept, suspects, split }: BatchOutcome): boolean {
    if (batch.awaitedBy !== this) return false;
    batch.awaitedBy = undefined;
    this.#awaited--;
    // What was too large together is still to be tried, in smaller requests.
    this.#toTry += this.#covered(split);
    this.sent += sent.length;
    this.#dropped += rejected.length + lost.length;
    for (const done of [sent, rejected, lost]) for (const event of done) this.#failed.delete(event);
    for (const again of [kept, suspects]) for (const event of again) this.#failed.add(event);
    if (sent.length > 0 && this.how === 'sole') this.#probesLeft = MOST_PROBES;
    if (kept.length + suspects.length > 0 && this.how === 'last') this.stop();
    if (kept.length === 0 || batch.isSetAside) return false;
    this.held.push(new Batch(batch.lease, kept));
    return true;
  }

  /** Nothing more can be taken from the store now; the flush still waits for what is in flight. */
  stopTaking(): void {
    this.#toTry = 0;
  }

  /** Nothing more is tried; the flush still waits for what is in flight. */
  stop(): void {
    this.#toTry = 0;
    this.isOver = true;
  }

  #covered(events: readonly EncodedEvent[]): number {
    if (this.#late.size === 0) return events.length;
    let covered = 0;
    for (const { eventId } of events) if (!this.#late.has(eventId)) covered++;
    return covered;
  }
}
