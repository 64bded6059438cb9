// The send loop: when the next request may start, what it carries, and what its outcome means for each event.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EncodedEvent } from '../../core/emitter';
import type { Log } from '../../core/logger';
import { ENVELOPE_BYTES, EVENT_OVERHEAD } from '../body-size';
import { Backoff } from '../retry-policy/backoff';
import { Batch, Isolation } from '../retry-policy/isolation';
import type { EventStore, Lease, TakeLimits } from '../store/event-store';
import { asError, type Outcome, type Transport } from '../transport';
import { Alarm } from './alarm';
import { Flush, type How } from './flush';
import { atOnce, InFlight } from './in-flight';
import { isolate, type BatchOutcome } from './outcome';
import type { Stats } from './stats';

export interface SendLoopSettings {
  readonly maxBatchSize: number;
  /** Bytes that one body may have. */
  readonly maxBytes: number;
  readonly maxRetryDelayMs: number;
  /** Most requests at once. */
  readonly threads: number;
}

// Between two requests that are not full: under load it lets events gather, where a request for every few would cost the
// process more than making the events does. An event that comes alone does not wait for it.
const PACE_MS = 50;
// A limit that was learnt from a receiver doubles after some 35 successes: it may have gone.
const GROWTH = 1.02;

export class SendLoop {
  readonly #settings: SendLoopSettings;
  readonly #store: EventStore;
  readonly #transport: Transport;
  readonly #stats: Stats;
  readonly #log: Log;
  readonly #onRest: () => void;
  // Timers and sends are started outside the request that happened to fill a batch: they must not keep it alive.
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #alarm = new Alarm(() => this.#run());
  readonly inFlight: InFlight;
  readonly #backoff: Backoff;
  readonly #isolation: Isolation;
  // How much one request may carry: less after a receiver has found a body too large, more again with each success.
  #limits: TakeLimits;
  // Waiting events that are to be sent now, whatever their number: a full batch, an interval that is over, a retry.
  #due = 0;
  #isScheduled = false;
  // Made once: `send` is called for many an event.
  readonly #onTurn = (): void => {
    this.#isScheduled = false;
    this.#run();
  };
  #isStopped = false;
  // When a request was last started that was not full.
  #lastPartial = -Infinity;
  /** The flush under way, if any. */
  flush: Flush | undefined;
  #nextFlush: Promise<Flush> | undefined;

  /** @param onRest Called when nothing more is to be sent now. */
  constructor(
    settings: SendLoopSettings,
    store: EventStore,
    transport: Transport,
    stats: Stats,
    log: Log,
    onRest: () => void,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#transport = transport;
    this.#stats = stats;
    this.#log = log;
    this.inFlight = new InFlight(store, stats, log);
    this.#backoff = new Backoff(settings.maxRetryDelayMs);
    this.#isolation = new Isolation(this.#backoff, settings.maxRetryDelayMs);
    this.#onRest = onRest;
    this.#limits = limitsOf(settings, settings.maxBytes);
  }

  /** When the receiver wants to be asked again, on the clock of `performance.now()`; in the past when it does not mind. */
  get askedFor(): number {
    return this.#backoff.askedFor;
  }

  /** Sends what waits, on the loop's next turn: the request that filled a batch does not pay for it. */
  send(): void {
    this.#due = this.#store.size;
    if (this.#isScheduled || this.inFlight.batches.size >= this.#settings.threads) return;
    this.#isScheduled = true;
    this.#outside(setImmediate, this.#onTurn);
  }

  /** A flush of all that is held. Callers share one as long as it covers what they have handed over, else the next. */
  joinFlush(): Flush | Promise<Flush> {
    if (!this.flush) return this.startFlush('flush');
    if (!this.flush.hasLate) return this.flush;
    return (this.#nextFlush ??= this.flush.done.then(() => {
      this.#nextFlush = undefined;
      return this.flush ?? this.startFlush('flush');
    }));
  }

  /** Starts a flush: `last` ends with the first attempt that fails, `sole` tries what fails together apart before it ends. */
  startFlush(how: How): Flush {
    if (how === 'sole') this.#isolation.isolatesAtOnce = true;
    const flush = new Flush(this.#store.size, this.inFlight.batches, this.#backoff.failures, how);
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

  /** No further attempt, whatever happens. */
  stop(): void {
    this.#isStopped = true;
    this.#alarm.stop();
  }

  /** Drops what memory holds and says so; a durable store keeps it for the next run. Returns how many. */
  abandon(): number {
    this.stop();
    const dropped = this.inFlight.abandon();
    if (this.flush) this.#endFlush(this.flush);
    return dropped;
  }

  #run(): void {
    while (this.#startOne());
    if (!this.flush?.isFinished) return;
    this.#endFlush(this.flush);
    while (this.#startOne());
  }

  // What is set aside and may be divided goes first, because its innocent events have waited; single events go last.
  #startOne(): boolean {
    if (this.#isStopped) this.flush?.stop();
    if (this.#isStopped || this.inFlight.batches.size >= this.#settings.threads) return false;
    const { isEmpty } = this.#isolation;
    const group = isEmpty ? undefined : this.#isolation.nextGroup();
    if (!group && this.#mayTake()) return this.#take();
    const batch = group ?? (isEmpty ? undefined : this.#nextSingle());
    if (!batch) return false;
    this.flush?.await(batch);
    void this.#send(batch, this.flush ? this.flush.failuresAtStart : this.#backoff.failures);
    return true;
  }

  #nextSingle(): Batch | undefined {
    // Asked for first: a wait that ended between the two questions would end unheard.
    const waitMs = this.#isolation.waitMs(this.flush !== undefined);
    const batch = this.#isolation.nextSingle(this.flush, this.inFlight.batches.size === 0);
    if (!batch && waitMs < Infinity) this.#alarm.setAfter(Math.max(1, waitMs));
    return batch;
  }

  #mayTake(): boolean {
    const { size, bytes } = this.#store;
    const isAlone = this.inFlight.batches.size === 0;
    if (size === 0) this.flush?.stopTaking();
    const isProof = this.#due <= 0 && isAlone && !this.#isolation.isEmpty && this.#isolation.needsProof;
    if (size === 0 || (this.#due <= 0 && !isProof)) return false;
    const { failures, askedFor } = this.#backoff;
    const waitMs = failures === 0 && askedFor === 0 ? 0 : this.#backoff.waitMs(this.flush?.isTrying === true);
    if (waitMs > 0) {
      this.flush?.stopTaking();
      this.#alarm.setAfter(waitMs);
      return false;
    }
    const { maxEvents, maxBytes } = this.#limits;
    const isFull = size >= maxEvents || bytes + size * EVENT_OVERHEAD >= maxBytes;
    // A receiver that fails is asked by one request at a time, and one more connection is worth it only for a full batch.
    if (!isAlone) return isFull && failures === 0;
    if (isFull || isProof || this.flush !== undefined) return true;
    const now = performance.now();
    const restMs = this.#lastPartial + PACE_MS - now;
    if (restMs > 0) this.#alarm.setAfter(restMs);
    else this.#lastPartial = now;
    return restMs <= 0;
  }

  // Whether there may be more to do now.
  #take(): boolean {
    const failures = this.flush?.isTrying ? this.flush.failuresAtStart : this.#backoff.failures;
    let lease: Lease | undefined;
    try {
      lease = this.#store.take(this.#limits);
      if (lease && !lease.events) lease = atOnce(lease);
    } catch (error) {
      this.#stats.noteError(asError(error));
      this.#backoff.fail(failures, undefined);
      this.flush?.stopTaking();
      this.#log.error('the event store failed to give events');
      return true;
    }
    if (!lease || !(lease.events?.length > 0)) {
      // What the store counts it does not give: asked again at once, it would be asked for ever.
      this.#due = 0;
      this.flush?.stopTaking();
      this.#onRest();
      return false;
    }
    this.inFlight.add(lease);
    this.#due = Math.max(0, this.#due - lease.events.length);
    const batch = new Batch(lease, lease.events);
    this.flush?.awaitTaken(batch);
    void this.#send(batch, failures);
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
    this.inFlight.batches.delete(batch);
    // A close that ran out of time has settled it already.
    if (this.inFlight.has(batch.lease)) this.#settle(batch, answer, failures);
    this.#run();
    if (this.#due <= 0 || this.#store.size + this.inFlight.count === 0) this.#onRest();
  }

  #settle(batch: Batch, answer: Outcome | readonly Outcome[], failuresAtStart: number): void {
    const { outcome, dropped } = isolate(this.#isolation, batch, answer);
    const { sent, rejected, lost, failures } = outcome;
    this.#stats.count(outcome);
    this.inFlight.acknowledge(batch.lease, sent, lost.length === 0 ? rejected : [...rejected, ...lost]);
    // Only a success ends the backoff; a rejection says nothing of the receiver's health.
    if (sent.length > 0) {
      this.#backoff.failures = 0;
      const { maxBytes } = this.#limits;
      const most = this.#settings.maxBytes - ENVELOPE_BYTES;
      if (maxBytes < most) this.#limits = { ...this.#limits, maxBytes: Math.min(most, Math.ceil(maxBytes * GROWTH)) };
    }
    const isHeld = this.flush?.settle(batch, outcome) === true;
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
    if (retry && !isOwn) this.#backoff.fail(failuresAtStart, retry.afterMs);
    if (lost.length > 0 || split.length > 0) this.#learn(split);
    const returned = isHeld || batch.isSetAside ? split : [...split, ...kept];
    this.#due += this.inFlight.giveBack(batch.lease, returned);
  }

  // An event that is too large by itself says nothing of the others; events that were too large together say what a request
  // may carry: half of them, by bytes, because that is what receivers limit.
  #learn(together: readonly EncodedEvent[]): void {
    const { maxBytes } = this.#settings;
    const bytes = together.reduce((total, event) => total + event.bytes + EVENT_OVERHEAD, 0);
    const half = Math.ceil((bytes + ENVELOPE_BYTES) / 2);
    const now = this.#limits.maxBytes + ENVELOPE_BYTES;
    this.#limits = limitsOf(this.#settings, together.length === 0 ? maxBytes : Math.min(now, half));
    // What was too large together follows at once.
    if (together.length > 0) this.#lastPartial = -Infinity;
  }
}

/** What a store may give for one request with a body of so many bytes. */
const limitsOf = ({ maxBatchSize }: SendLoopSettings, bodyBytes: number): TakeLimits => ({
  maxEvents: maxBatchSize,
  maxBytes: bodyBytes - ENVELOPE_BYTES,
  overhead: EVENT_OVERHEAD,
});
