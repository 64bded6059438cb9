// The send loop: when the next request may start, what it carries, and what its outcome means for each event.
import { AsyncLocalStorage } from 'node:async_hooks';
import { LONGEST_TIMER_MS } from '../../core/deadline';
import type { Log } from '../../core/logger';
import { ENVELOPE_BYTES, EVENT_OVERHEAD, grown, halved, limitsOf } from '../body-size';
import { Backoff } from '../retry-policy/backoff';
import { Batch, Isolation } from '../retry-policy/isolation';
import type { EventStore, Lease, TakeLimits } from '../store/event-store';
import { asError, type Outcome, type Transport } from '../transport';
import { Flush, type How } from './flush';
import { type Holder, InFlight, release } from './in-flight';
import { type BatchOutcome, isolate, SENT, struckOut } from './outcome';
import type { Stats } from './stats';

export interface SendLoopSettings {
  readonly maxBatchSize: number;
  /** Bytes that one body may have. */
  readonly maxBytes: number;
  readonly flushIntervalMs: number;
  readonly maxRetryDelayMs: number;
  /** Most requests at once. */
  readonly threads: number;
}

// Between two requests that are not full: under load it lets events gather, where a request for every few would cost the
// process more than making the events does. An event that comes alone does not wait for it.
const PACE_MS = 50;
// A time that is before every other: the loop's next turn.
const AT_ONCE = -Infinity;

export class SendLoop implements Holder {
  readonly #settings: SendLoopSettings;
  readonly #store: EventStore;
  readonly #transport: Transport;
  readonly #stats: Stats;
  readonly #log: Log;
  readonly inFlight: InFlight;
  readonly backoff: Backoff;
  readonly #isolation: Isolation;
  // Timers and sends are started outside the request that happened to fill a batch: they must not keep it alive.
  readonly #outside = AsyncLocalStorage.snapshot();
  // How much one request may carry: less after a receiver has found a body too large, more again with each success.
  #limits: TakeLimits;
  // Waiting events that are to be sent now, whatever their number: a full batch, an interval that is over, a retry.
  #due = 0;
  // When all that waits is due, and how long that is after the first event; Infinity where nothing waits for company.
  #dueAt = Infinity;
  #intervalMs: number;
  // One timer for all waits: it rings at the earliest of them, and the loop then asks for the others anew.
  #ringsAt = Infinity;
  #timer: NodeJS.Timeout | undefined;
  // Made once: `send` is called for many an event.
  readonly #onRing = (): void => {
    // Asked of the timer, not of a clock: a timer may be early by a part of a millisecond.
    if (this.#ringsAt >= this.#dueAt) {
      this.#due = this.#store.size;
      this.#dueAt = Infinity;
    }
    this.#ringsAt = Infinity;
    this.#run();
  };
  #isStopped = false;
  // When a request was last started that was not full.
  #lastPartial = -Infinity;
  /** The flush under way, if any. */
  flush: Flush | undefined;

  constructor(settings: SendLoopSettings, store: EventStore, transport: Transport, stats: Stats, log: Log) {
    this.#settings = settings;
    this.#store = store;
    this.#transport = transport;
    this.#stats = stats;
    this.#log = log;
    this.inFlight = new InFlight(store, stats, log);
    this.backoff = new Backoff(settings.maxRetryDelayMs);
    this.#isolation = new Isolation(this.backoff);
    this.#limits = limitsOf(settings.maxBatchSize, settings.maxBytes);
    this.#intervalMs = settings.flushIntervalMs;
  }

  /** Events waiting or in flight. */
  get remaining(): number {
    return this.#store.size + this.inFlight.count;
  }

  /** Sends what waits, on the loop's next turn: the request that filled a batch does not pay for it. */
  send(): void {
    this.#due = this.#store.size;
    this.#dueAt = Infinity;
    if (this.#ringsAt === AT_ONCE || this.inFlight.batches.size >= this.#settings.threads) return;
    clearTimeout(this.#timer);
    this.#ringsAt = AT_ONCE;
    this.#outside(setImmediate, this.#onRing);
  }

  /** Sends what waits when the first event of it has waited for the interval, if not earlier. */
  sendInTime(): void {
    if (this.#dueAt === Infinity && this.#intervalMs > 0) this.#dueAt = performance.now() + this.#intervalMs;
    this.#ringAt(this.#dueAt);
  }

  /** Replaces the longest time that an event waits for company; 0 is no limit. */
  setFlushTimer(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    this.#dueAt = Infinity;
    this.#stopTimer();
    this.#outside(() => this.#run());
  }

  // Does not keep the process alive.
  #ringAt(at: number): void {
    if (at >= this.#ringsAt || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#ringsAt = at;
    const ms = Math.min(Math.max(1, Math.ceil(at - performance.now())), LONGEST_TIMER_MS);
    this.#timer = this.#outside(setTimeout, this.#onRing, ms).unref();
  }

  #stopTimer(): void {
    if (this.#ringsAt === AT_ONCE) return;
    clearTimeout(this.#timer);
    this.#ringsAt = Infinity;
  }

  /** A flush of all that is held. Callers share one as long as it covers what they have handed over, else the next. */
  async joinFlush(): Promise<Flush> {
    if (this.flush?.hasLate) await this.flush.done;
    return this.flush ?? this.startFlush('flush');
  }

  /** Starts a flush: `last` ends with the first attempt that fails, `sole` tries what fails together apart before it ends. */
  startFlush(how: How): Flush {
    const flush = new Flush(this.#store.size, this.backoff.failures, how);
    this.flush = flush;
    this.#due = this.#store.size;
    this.#outside(() => this.#run());
    return flush;
  }

  #endFlush(flush: Flush): void {
    this.flush = undefined;
    for (const { lease, events } of flush.held) this.#due += this.inFlight.giveBack(lease, events);
    flush.end();
  }

  /** One more attempt before the process ends. */
  sendLast(): void {
    if (!this.flush) this.startFlush('last');
  }

  /** No further attempt, whatever happens. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  /** Drops what memory holds and says so; a durable store keeps it for the next run. Returns how many. */
  abandon(): number {
    this.stop();
    const dropped = this.inFlight.abandon();
    if (this.flush) this.#endFlush(this.flush);
    release(this);
    return dropped;
  }

  #run(): void {
    while (this.#startOne());
    if (this.flush?.isFinished(this.inFlight.batches)) {
      this.#endFlush(this.flush);
      while (this.#startOne());
    }
    if (this.#store.size === 0) {
      this.#dueAt = Infinity;
      if (this.inFlight.count > 0) return;
      this.#stats.silent.clear();
      release(this);
    } else if (this.#due <= 0 || this.#dueAt < Infinity) this.sendInTime();
  }

  // What is set aside and may be divided goes first, because its innocent events have waited; single events go last.
  #startOne(): boolean {
    if (this.#isStopped) this.flush?.stopTaking();
    if (this.#isStopped || this.inFlight.batches.size >= this.#settings.threads) return false;
    const { isEmpty } = this.#isolation;
    const group = isEmpty ? undefined : this.#isolation.nextGroup();
    if (!group && this.#mayTake() && this.#take()) return true;
    const batch = group ?? (isEmpty ? undefined : this.#nextSingle());
    if (!batch) return false;
    void this.#send(batch, this.flush ? this.flush.failuresAtStart : this.backoff.failures);
    return true;
  }

  #nextSingle(): Batch | undefined {
    // Asked for first: a wait that ended between the two questions would end unheard.
    const waitMs = this.#isolation.waitMs(this.flush !== undefined);
    const batch = this.#isolation.nextSingle(this.flush, this.inFlight.batches.size === 0);
    if (!batch) this.#ringAt(performance.now() + waitMs);
    return batch;
  }

  #mayTake(): boolean {
    const { size, bytes } = this.#store;
    const isAlone = this.inFlight.batches.size === 0;
    if (size === 0) this.flush?.stopTaking();
    const isProof = this.#due <= 0 && isAlone && !this.#isolation.isEmpty && this.#isolation.needsProof;
    if (size === 0 || (this.#due <= 0 && !isProof)) return false;
    const { failures, askedFor } = this.backoff;
    const waitMs = failures === 0 && askedFor === 0 ? 0 : this.backoff.waitMs(this.flush?.isTrying === true);
    if (waitMs > 0) {
      this.flush?.stopTaking();
      this.#ringAt(performance.now() + waitMs);
      return false;
    }
    const { maxEvents, maxBytes } = this.#limits;
    const isFull = size >= maxEvents || bytes + size * EVENT_OVERHEAD >= maxBytes;
    // A receiver that fails is asked by one request at a time, and one more connection is worth it only for a full batch.
    if (!isAlone) return isFull && failures === 0;
    if (isFull || isProof || this.flush !== undefined) return true;
    const now = performance.now();
    const isEarly = now < this.#lastPartial + PACE_MS;
    if (isEarly) this.#ringAt(this.#lastPartial + PACE_MS);
    else this.#lastPartial = now;
    return !isEarly;
  }

  // Whether there may be more to do now.
  #take(): boolean {
    const failures = this.flush?.isTrying ? this.flush.failuresAtStart : this.backoff.failures;
    let lease: Lease | undefined;
    try {
      lease = this.inFlight.take(this.#limits);
    } catch (error) {
      this.#stats.noteError(asError(error));
      this.backoff.fail(failures, undefined);
      this.flush?.stopTaking();
      this.#log.error('the event store failed to give events');
      return true;
    }
    if (!lease) {
      // What the store counts it does not give: asked again at once, it would be asked for ever.
      this.#due = 0;
      this.flush?.stopTaking();
      return false;
    }
    this.#due = Math.max(0, this.#due - lease.events.length);
    this.flush?.addTried(lease.events);
    void this.#send(new Batch(lease, lease.events), failures);
    return true;
  }

  async #send(batch: Batch, failures: number): Promise<void> {
    let answer: Outcome | readonly Outcome[];
    this.inFlight.batches.add(batch);
    this.#isolation.start(batch, this.flush);
    try {
      answer = await this.#transport.send(batch.events);
    } catch (error) {
      answer = { status: 'retry', error: asError(error) };
    }
    // A close that ran out of time has settled it already.
    if (this.inFlight.batches.delete(batch)) this.#settle(batch, answer, failures);
    this.#run();
  }

  #settle(batch: Batch, answer: Outcome | readonly Outcome[], failuresAtStart: number): void {
    // What mostly comes, without a look at each event.
    const isSent = (answer as Outcome | undefined)?.status === 'sent';
    const { outcome, dropped } = isSent
      ? { outcome: { ...SENT, sent: batch.events }, dropped: this.#isolation.settle(batch, 'sent').map(struckOut) }
      : isolate(this.#isolation, batch, answer);
    const { sent, rejected, lost, kept, suspects, failures } = outcome;
    this.#stats.count(outcome);
    this.inFlight.acknowledge(batch.lease, sent, lost.length === 0 ? rejected : [...rejected, ...lost]);
    // Only a success ends the backoff; a rejection says nothing of the receiver's health.
    if (sent.length > 0) {
      this.backoff.failures = 0;
      const most = this.#settings.maxBytes - ENVELOPE_BYTES;
      if (this.#limits.maxBytes < most) this.#limits = grown(this.#limits, most);
    }
    const { flush } = this;
    const isHeld = flush?.settle(batch, outcome) === true;
    if (flush?.how === 'last' && kept.length + suspects.length > 0) this.#endFlush(flush);
    if (failures.length > 0) this.#fail(batch, outcome, failuresAtStart, isHeld);
    this.#stats.report(outcome);
    for (const [{ lease, events }, error] of dropped) {
      this.inFlight.acknowledge(lease, [], events);
      this.#stats.drop('rejected', events, error);
    }
  }

  #fail(batch: Batch, outcome: BatchOutcome, failuresAtStart: number, isHeld: boolean): void {
    const { lost, kept, suspects, split, failures } = outcome;
    const retry = failures.find(({ status }) => status === 'retry');
    // What is isolated closes the receiver for the others only where it was to find out for them whether it is back.
    const isOwn = batch.isSetAside && suspects.length > 0 && failuresAtStart === 0 && !this.#isolation.isFutile;
    if (retry && !isOwn) this.backoff.fail(failuresAtStart, retry.afterMs);
    if (split.length > 0) {
      this.#limits = halved(this.#limits, split);
      // What was too large together follows at once.
      this.#lastPartial = -Infinity;
    } else if (lost.length > 0) {
      // An event that is too large by itself says nothing of the others.
      this.#limits = limitsOf(this.#settings.maxBatchSize, this.#settings.maxBytes);
    }
    const returned = isHeld || batch.isSetAside ? split : [...split, ...kept];
    this.#due += this.inFlight.giveBack(batch.lease, returned);
  }
}
