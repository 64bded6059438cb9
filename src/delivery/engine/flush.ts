// One flush: which of the events accepted before it have been tried since, and what came of that.
import type { EncodedEvent } from '../../core/emitter';
import { Batch } from '../retry-policy/isolation';
import type { Settlement } from './outcome';

/** A flush, the last one of a process, or the only one of a job. */
export type How = 'flush' | 'last' | 'sole';

// How often a job's flush asks a receiver that failed for one event, each time another: it may be that which failed.
const MOST_PROBES = 2;

export class FlushRound {
  sent = 0;
  readonly done: Promise<void>;
  #resolve: () => void = () => {};
  #toTry: number;
  readonly #pending: Set<Batch>;
  /** What failed: it stays out until the flush has got to the events behind it. */
  readonly held: Batch[] = [];
  #dropped = 0;
  // Tried and not sent.
  readonly #failed = new Set<EncodedEvent>();
  #probesLeft: number;
  #over = false;
  // Ids of events that were accepted after the flush began: they are not waited for.
  readonly #late = new Set<string>();

  /**
   * @param waiting Events that wait; the store hands them out before any later one of their kind.
   * @param batches Those under way.
   * @param failuresAtStart Attempts that had failed in a row: those that fail in one flush count as one failure.
   * @param how `last` gives up the rest when one attempt has failed; `sole` asks a receiver that failed for single events.
   */
  constructor(
    waiting: number,
    batches: Iterable<Batch>,
    readonly failuresAtStart: number,
    readonly how: How,
  ) {
    this.#toTry = waiting;
    this.#probesLeft = how === 'sole' ? MOST_PROBES : 0;
    this.#pending = new Set(batches);
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get failed(): number {
    return this.#dropped + this.#failed.size;
  }

  get hasLate(): boolean {
    return this.#late.size > 0;
  }

  get finished(): boolean {
    return this.#toTry <= 0 && this.#pending.size === 0;
  }

  /** Whether nothing more is to be tried for it. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Whether it may ask a receiver that failed for one more event. */
  mayProbe(): boolean {
    return this.#probesLeft-- > 0;
  }

  /** Whether waiting events have to be tried yet. */
  get trying(): boolean {
    return this.#toTry > 0;
  }

  noteAccepted(events: readonly EncodedEvent[]): void {
    for (const { eventId } of events) this.#late.add(eventId);
  }

  /** The store has given these. */
  noteTaken(batch: Batch): void {
    const covered = this.#covered(batch.events);
    if (covered === 0) return;
    this.#toTry = Math.max(0, this.#toTry - covered);
    this.#pending.add(batch);
  }

  /** What was set aside is tried again. */
  noteTriedAgain(batch: Batch): void {
    this.#pending.add(batch);
  }

  /** @returns true when what is kept of the batch is now held. */
  noteSettled(batch: Batch, { sent, rejected, lost, kept, suspects }: Settlement): boolean {
    if (!this.#pending.delete(batch)) return false;
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

  /** Some of the batch were too large together: they are still to be tried, in smaller requests. */
  noteSplit(batch: Batch, events: readonly EncodedEvent[]): void {
    if (this.#pending.has(batch)) this.#toTry += this.#covered(events);
  }

  /** Nothing more can be taken from the store now; what is in flight is still waited for. */
  giveUp(): void {
    this.#toTry = 0;
  }

  /** Nothing more is tried; what is in flight is still waited for. */
  stop(): void {
    this.#toTry = 0;
    this.#over = true;
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
