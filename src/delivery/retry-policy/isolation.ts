// Finds the event that a receiver refuses: a batch that failed for an event's sake is set aside, divided, and sent around the others.
import type { EncodedEvent } from '../../core/emitter';
import type { Lease } from '../store/event-store';
import { Backoff } from './backoff';

/** What one request carries: a lease's events, or some of them. */
export class Batch {
  /** How many requests had settled when this one started, and whether the last of them was good. */
  settledBefore = 0;
  afterGood = true;
  /** How many had settled when it failed. */
  failedAt = 0;
  /** Its failure was long in coming. */
  isSlow = false;
  /** Where it is a single event: failures that the receiver's other answers prove to be its own. */
  strikes = 0;
  /** When a single event that failed may be tried again. */
  backoff: Backoff | undefined;
  /** The flush that has tried it, if any. */
  triedIn: FlushState | undefined;

  /**
   * @param isSetAside Whether the isolation has it, or had it before it was sent again.
   * @param origin Where it is a part of a batch that was refused for good: whether any of that batch was taken.
   */
  constructor(
    readonly lease: Lease,
    readonly events: readonly EncodedEvent[],
    readonly isSetAside = false,
    readonly origin?: { taken: boolean },
  ) {}

  get isSingle(): boolean {
    return this.events.length === 1;
  }
}

/** A flush, as far as it decides what is tried for it. */
export interface FlushState {
  /** There is no second time: what has failed once is set aside. */
  readonly isSole: boolean;
  /** Whether a receiver that failed may be asked for one more event. */
  mayProbe(): boolean;
}

/** What a receiver's answer says: both of the first prove that it works, the third may be the doing of one event. */
export type Answer = 'sent' | 'refused' | 'suspicious' | 'failed';

// A batch whose failure was long in coming is divided into as many parts as find the event in three steps.
const [FEW_PARTS, MANY_PARTS] = [2, 8];
const MOST_STRIKES = 10;
// So many failures or refusals in a row, with nothing taken between them, speak of the receiver or of the caller.
const IN_A_ROW = 16;
const NO_DIVISION_MS = 60_000;

/**
 * The events that are set aside, and what the order of the answers says of them. A failure counts against a batch when the
 * receiver took other events right before it and right after it: nothing else tells an event that is refused from a
 * receiver that fails.
 */
export class Isolation {
  readonly #backoff: Backoff;
  // To be sent as soon as the receiver works; parts of a batch before what failed after it.
  #groups: Batch[] = [];
  // Events that failed alone: they stay behind all others.
  #singles: Batch[] = [];
  // Failed right after a good answer: the next answer decides whether that counts.
  #undecided: Batch[] = [];
  #settled = 0;
  #lastGood = 0;
  #failedInARow = 0;
  // Ids of events whose batch failed once, and goes again as it is: most failures pass.
  readonly #failedOnce = new Set<string>();
  readonly #refusals = { code: undefined as number | undefined, inARow: 0, out: 0, notDividedBefore: 0 };

  /** @param backoff The receiver's: it says whether it failed last, and when it may be asked again. */
  constructor(backoff: Backoff) {
    this.#backoff = backoff;
  }

  get #lastWasGood(): boolean {
    return this.#lastGood === this.#settled;
  }

  /** So many failed in a row that the receiver is to be left alone. */
  get isFutile(): boolean {
    return this.#failedInARow >= IN_A_ROW;
  }

  /** Nothing is set aside. */
  get isEmpty(): boolean {
    return this.#groups.length + this.#singles.length + this.#undecided.length === 0;
  }

  /**
   * Whether the next request should carry an event that waits, though none is due: what is set aside needs a good answer to go on,
   * and events that failed alone would bring another failure, which makes the receiver look worse than it is.
   */
  get needsProof(): boolean {
    if (this.#lastWasGood) return false;
    return this.#groups.length + this.#undecided.length > 0 || (this.#singles.length > 0 && this.#backoff.failures > 0);
  }

  /** A batch that may be divided; only after a good answer, because its failure would else tell nothing. */
  nextGroup(): Batch | undefined {
    const [group] = this.#groups;
    if (!group || !this.#lastWasGood || this.#backoff.waitMs(true) > 0) return undefined;
    // While it is not clear whether it is the caller who is refused, one request at a time finds out.
    if (group.origin && this.#refusals.inARow > 0 && this.#refusals.out > 0) return undefined;
    return this.#groups.shift();
  }

  /**
   * An event that failed alone, when it may be tried again; or one that asks whether the receiver takes any. For when no
   * others are to be sent.
   *
   * @param flush The flush that is under way: it waits for no backoff, and tries each batch once.
   * @param isAlone Whether no request is under way.
   */
  nextSingle(flush: FlushState | undefined, isAlone: boolean): Batch | undefined {
    const isDue = ({ backoff, triedIn }: Batch): boolean =>
      backoff !== undefined && (flush ? triedIn !== flush : backoff.waitMs(false) <= 0);
    const isWorking = this.#isWorking;
    const due = isWorking ? (extract(this.#singles, isDue) ?? extract(this.#undecided, isDue)) : undefined;
    if (due || !isAlone || this.#backoff.waitMs(flush !== undefined) > 0) return due;
    // A flush is an attempt for all that is held, whatever state the receiver is in.
    const queues = [this.#groups, this.#undecided, this.#singles];
    for (const queue of flush ? queues : []) {
      const untried = extract(queue, ({ triedIn }) => triedIn !== flush);
      if (untried) return untried;
    }
    if (flush && !isWorking && !flush.mayProbe()) return undefined;
    for (const queue of queues) {
      // Those that have failed alone wait for their time, unless there is nothing else to ask with; in a flush, for the next.
      const isTried = ({ isSingle, triedIn }: Batch): boolean => flush !== undefined && isSingle && triedIn === flush;
      const batch = extract(queue, (one) => (!isWorking || !one.backoff) && !isTried(one));
      if (batch) return batch.isSingle ? batch : splitOne(queue, batch);
    }
    return undefined;
  }

  /** How long until something of what is set aside may be sent, in milliseconds; Infinity where only an answer changes that. */
  waitMs(flushing: boolean): number {
    if (this.isEmpty) return Infinity;
    const waitMs = this.#backoff.waitMs(flushing || this.#isWorking);
    const waits = waitMs > 0 ? [waitMs] : [];
    // A flush tries each of these at once, and none of them twice.
    if (this.#isWorking && !flushing)
      for (const { backoff } of [...this.#singles, ...this.#undecided]) if (backoff) waits.push(backoff.waitMs(false));
    return Math.min(...waits);
  }

  // As far as is known.
  get #isWorking(): boolean {
    return this.#backoff.failures === 0 || this.#lastWasGood;
  }

  /** The batch is on its way. */
  start(batch: Batch, flush: FlushState | undefined): void {
    batch.triedIn = flush;
    batch.settledBefore = this.#settled;
    batch.afterGood = this.#lastWasGood;
    if (batch.origin) this.#refusals.out++;
  }

  /**
   * Whether a failure that may be the doing of one of these events is reason to set them aside: the second one is, and one
   * that was so long in coming that a second one would hold up the others.
   */
  isSuspect(batch: Batch, events: readonly EncodedEvent[]): boolean {
    if (batch.isSetAside || batch.isSlow || batch.triedIn?.isSole) return true;
    if (events.some(({ eventId }) => this.#failedOnce.has(eventId))) return true;
    for (const { eventId } of events) this.#failedOnce.add(eventId);
    return false;
  }

  /** These are sent, dropped or set aside. */
  forget(events: readonly EncodedEvent[]): void {
    for (const { eventId } of events) this.#failedOnce.delete(eventId);
  }

  /**
   * The receiver has answered. A batch that is to be tried again, and was set aside or is suspected, is set aside.
   *
   * @returns Single events against which this was the last strike.
   */
  settle(batch: Batch, answer: Answer): readonly Batch[] {
    this.#settled++;
    if (answer === 'sent' || answer === 'refused') {
      this.#lastGood = this.#settled;
      this.#failedInARow = 0;
    }
    const undecided = this.#undecided;
    if (undecided.length > 0) this.#undecided = [];
    const struckOut = undecided.filter((other) => this.#decide(other, batch));
    if (answer === 'suspicious') this.#suspect(batch);
    else if (answer === 'failed' && batch.isSetAside) this.#putBack(batch);
    if (batch.origin) this.#refusals.out--;
    if (answer === 'sent') {
      if (this.#failedOnce.size > 0) this.forget(batch.events);
      this.#refusals.inARow = 0;
      this.#refusals.notDividedBefore = 0;
      if (batch.origin) batch.origin.taken = true;
    }
    return struckOut;
  }

  /**
   * The batch was refused for good. One event is refused by itself; several are divided, unless the receiver refuses so
   * much that it must be the caller whom it refuses.
   *
   * @returns What is refused now: none where the batch was divided.
   */
  refuse(batch: Batch, code: number | undefined): readonly Batch[] {
    const refusals = this.#refusals;
    refusals.inARow = refusals.code === code ? refusals.inARow + 1 : 1;
    refusals.code = code;
    const now = performance.now();
    if (refusals.inARow >= IN_A_ROW && !batch.origin?.taken) {
      refusals.inARow = 0;
      refusals.notDividedBefore = now + NO_DIVISION_MS;
      const isHopeless = ({ origin }: Batch): boolean => origin !== undefined && !origin.taken;
      const refused = [batch, ...this.#groups.filter(isHopeless)];
      this.#groups = this.#groups.filter((group) => !isHopeless(group));
      return refused;
    }
    if (batch.isSingle || now < refusals.notDividedBefore) return [batch];
    this.#divide(batch, batch.origin ?? { taken: false });
    return [];
  }

  #suspect(given: Batch): void {
    const batch = partOf(given, given.events);
    batch.failedAt = this.#settled;
    if (!batch.backoff) this.#failedInARow++;
    if (batch.isSingle) {
      batch.backoff ??= new Backoff(this.#backoff.maxDelayMs);
      batch.backoff.fail(batch.backoff.failures, undefined);
    }
    if (!batch.afterGood) this.#putBack(batch);
    else if (isProven(batch) && this.#lastGood > batch.settledBefore) this.#divide(batch);
    else this.#undecided.push(batch);
  }

  /** An answer after a failure is there. Returns true when that was the last strike. */
  #decide(failed: Batch, next: Batch): boolean {
    const isNext = next.settledBefore >= failed.failedAt;
    const counts = this.#lastWasGood && (isNext || isProven(failed));
    if (!counts && !isNext) this.#undecided.push(failed);
    else if (!counts) this.#putBack(failed);
    else if (!failed.isSingle) this.#divide(failed);
    else if (++failed.strikes >= MOST_STRIKES) return true;
    else this.#putBack(failed);
    return false;
  }

  #divide(batch: Batch, origin?: Batch['origin']): void {
    const { lease, events } = batch;
    const length = Math.ceil(events.length / (batch.isSlow ? MANY_PARTS : FEW_PARTS));
    const parts: Batch[] = [];
    for (let at = 0; at < events.length; at += length)
      parts.push(new Batch(lease, events.slice(at, at + length), true, origin));
    this.#groups.unshift(...parts);
  }

  // Its failure says nothing of its events.
  #putBack(batch: Batch): void {
    (batch.backoff ? this.#singles : this.#groups).push(batch);
  }
}

function extract(queue: Batch[], accepts: (batch: Batch) => boolean): Batch | undefined {
  const at = queue.findIndex(accepts);
  return at < 0 ? undefined : queue.splice(at, 1)[0];
}

/** Some events of a batch that is set aside, with all that is known of it. */
function partOf(batch: Batch, events: readonly EncodedEvent[]): Batch {
  const { lease, origin, isSlow, strikes, backoff, triedIn, settledBefore, afterGood } = batch;
  const known = { isSlow, strikes, backoff, triedIn, settledBefore, afterGood };
  return Object.assign(new Batch(lease, events, true, origin), known);
}

/** One event of a batch, each time another; the rest of it waits in `queue`. */
function splitOne(queue: Batch[], batch: Batch): Batch {
  const rest = partOf(batch, batch.events.slice(1));
  // It was tried with the others, not by itself.
  if (rest.isSingle) rest.triedIn = undefined;
  queue.push(rest);
  return new Batch(batch.lease, batch.events.slice(0, 1), true);
}

/** Whether what the receiver took meanwhile is proof enough against the batch: to wait for another answer costs too much. */
const isProven = ({ isSingle, isSlow }: Batch): boolean => !isSingle && isSlow;
