// The sending half of the engine: when the next request may start, what it carries, and what its outcome means for each event.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EncodedEvent } from '../core/emitter';
import type { Log } from '../core/logger';
import { ENVELOPE_BYTES, EVENT_OVERHEAD } from './batch';
import type { EventStore, Lease } from './event-store';
import { FlushRound } from './flush-round';
import { type Ledger, settlementOf } from './ledger';
import { isThenable, OpenLeases } from './open-leases';
import { RetryGate } from './retry-gate';
import { asError, type SendResult, type Transport } from './transport';

export interface PumpSettings {
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

export class Pump {
  readonly #settings: PumpSettings;
  readonly #store: EventStore;
  readonly #transport: Transport;
  readonly #ledger: Ledger;
  readonly #log: Log;
  readonly #gate: RetryGate;
  readonly #onRest: (events: number) => void;
  // Timers and sends are started outside the request that happened to fill a batch: they must not keep it alive.
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #leases: OpenLeases;
  // Waiting events that are to be sent now, whatever their number: a full batch, an interval that is over, a retry.
  #due = 0;
  // Requests under way, and how many of those still wait for the store to give them their events.
  #sending = 0;
  #taking = 0;
  #scheduled = false;
  // Made once: `send` is called for many an event.
  readonly #onTurn = (): void => {
    this.#scheduled = false;
    this.#pump();
  };
  #stopped = false;
  // When a request was last started that was not full.
  #lastPartial = -Infinity;
  #wakeTimer: NodeJS.Timeout | undefined;
  // Shrinks when the receiver says that a batch was too large.
  #maxBytes: number;
  #round: FlushRound | undefined;
  #nextRound: Promise<FlushRound> | undefined;

  /** @param onRest Called when nothing more is to be sent now, with the number of events that are still held. */
  constructor(
    settings: PumpSettings,
    store: EventStore,
    transport: Transport,
    ledger: Ledger,
    log: Log,
    onRest: (events: number) => void,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#transport = transport;
    this.#ledger = ledger;
    this.#log = log;
    this.#leases = new OpenLeases(store, ledger, log);
    this.#gate = new RetryGate(settings.maxRetryDelayMs);
    this.#onRest = onRest;
    this.#maxBytes = settings.maxBytes;
  }

  /** Events waiting or in flight. */
  get held(): number {
    return this.#store.size + this.#ledger.inFlight;
  }

  /** When the receiver wants to be asked again, on the clock of `performance.now()`; in the past when it does not mind. */
  get askedFor(): number {
    return this.#gate.askedFor;
  }

  noteAccepted(events: readonly EncodedEvent[]): void {
    this.#round?.noteAccepted(events);
  }

  /** Sends what waits, on the loop's next turn: the request that filled a batch does not pay for it. */
  send(): void {
    this.#due = this.#store.size;
    if (this.#scheduled || this.#sending >= this.#settings.threads) return;
    this.#scheduled = true;
    this.#outside(setImmediate, this.#onTurn);
  }

  /** A flush of all that is held. Callers share one as long as it covers what they have handed over, else the next. */
  join(): FlushRound | Promise<FlushRound> {
    if (!this.#round) return this.#startRound(false);
    if (!this.#round.hasLate) return this.#round;
    return (this.#nextRound ??= this.#round.done.then(() => {
      this.#nextRound = undefined;
      return this.#round ?? this.#startRound(false);
    }));
  }

  /** A flush that ends with the first attempt that fails: for the last call of a process. */
  lastRound(): void {
    if (!this.#round) this.#startRound(true);
  }

  #startRound(stopsAtFailure: boolean): FlushRound {
    const held = { waiting: this.#store.size, leases: this.#leases.all(), taking: this.#taking };
    const round = new FlushRound(held, this.#gate.failures, stopsAtFailure);
    this.#round = round;
    this.#due = this.#store.size;
    this.#outside(() => this.#pump());
    return round;
  }

  #endRound(round: FlushRound): void {
    this.#round = undefined;
    for (const lease of round.held) this.#giveBack(lease);
    round.end();
  }

  /** No further attempt, whatever happens. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#wakeTimer);
  }

  /** Gives up what memory holds and says so; a durable store keeps it for the next run. Returns how many. */
  abandon(): number {
    this.stop();
    const lost = this.#leases.abandon();
    if (this.#round) this.#endRound(this.#round);
    return lost;
  }

  #pump(): void {
    while (this.#mayStart()) this.#startOne();
    if (!this.#round?.finished) return;
    this.#endRound(this.#round);
    while (this.#mayStart()) this.#startOne();
  }

  #mayStart(): boolean {
    const { size, bytes } = this.#store;
    if (size === 0 || this.#stopped) this.#round?.giveUp();
    if (this.#stopped || size === 0 || this.#due <= 0 || this.#sending >= this.#settings.threads) return false;
    const waitMs = this.#gate.waitMs(this.#round?.trying === true);
    if (waitMs > 0) {
      this.#round?.giveUp();
      this.#wakeAfter(waitMs);
      return false;
    }
    const full =
      size >= this.#settings.maxBatchSize || ENVELOPE_BYTES + bytes + size * EVENT_OVERHEAD >= this.#maxBytes;
    // A receiver that fails is asked by one request at a time, and one more connection is worth it only for a full batch.
    if (this.#sending > 0) return full && this.#gate.failures === 0;
    return full || this.#round !== undefined || this.#isInPace();
  }

  #isInPace(): boolean {
    const now = performance.now();
    const restMs = this.#lastPartial + PACE_MS - now;
    if (restMs > 0) this.#wakeAfter(restMs);
    else this.#lastPartial = now;
    return restMs <= 0;
  }

  #wakeAfter(waitMs: number): void {
    const onTime = (): void => {
      this.#wakeTimer = undefined;
      this.#pump();
    };
    this.#wakeTimer ??= this.#outside(setTimeout, onTime, Math.ceil(waitMs)).unref();
  }

  #startOne(): void {
    const failures = this.#round?.trying ? this.#round.failuresAtStart : this.#gate.failures;
    const onTaken = (lease: Lease | undefined): void => {
      if (lease && lease.events?.length > 0) return this.#deliver(lease, failures);
      // What the store counts it does not give: asked again at once, it would be asked for ever.
      this.#due = 0;
      this.#leaveOff();
    };
    const onError = (error: unknown): void => {
      this.#ledger.noteError(asError(error));
      this.#gate.fail(failures, undefined);
      this.#leaveOff();
      this.#log.error('the event store failed to give events');
    };
    this.#sending++;
    this.#taking++;
    this.#round?.noteTaking();
    try {
      const taken = this.#store.take({
        maxEvents: this.#settings.maxBatchSize,
        maxBytes: this.#maxBytes - ENVELOPE_BYTES,
        overhead: EVENT_OVERHEAD,
      });
      if (isThenable(taken)) taken.then(onTaken, onError);
      else onTaken(taken);
    } catch (error) {
      onError(error);
    }
  }

  // There was nothing to send after all.
  #leaveOff(): void {
    this.#sending--;
    this.#taking--;
    this.#round?.noteTaken(undefined);
    this.#round?.giveUp();
    // Not at once: this may run inside the loop of #pump.
    setImmediate(() => this.#goOn());
  }

  #deliver(lease: Lease, failures: number): void {
    this.#taking--;
    this.#leases.add(lease);
    this.#due = Math.max(0, this.#due - lease.events.length);
    this.#round?.noteTaken(lease);
    // The store took longer to give them than the emitter had to live.
    if (this.#stopped) this.abandon();
    else void this.#send(lease, failures);
  }

  async #send(lease: Lease, failures: number): Promise<void> {
    let answer: SendResult | readonly SendResult[];
    try {
      answer = await this.#transport.send(lease.events);
    } catch (error) {
      answer = { status: 'retry', error: asError(error) };
    }
    this.#sending--;
    // A close that ran out of time has settled it already.
    if (this.#leases.has(lease)) this.#settle(lease, answer, failures);
    this.#goOn();
  }

  #settle(lease: Lease, answer: SendResult | readonly SendResult[], failuresAtStart: number): void {
    const settlement = settlementOf(lease.events, answer);
    const { sent, rejected, lost, kept, split, failures } = settlement;
    this.#ledger.count(settlement);
    this.#leases.acknowledge(lease, sent, [...rejected, ...lost], [...split, ...kept]);
    if (sent.length > 0) this.#gate.succeed();
    const retry = failures.find(({ status }) => status === 'retry');
    if (retry) this.#gate.fail(failuresAtStart, retry.afterMs);
    if (lost.length > 0 || split.length > 0) this.#learn(split);
    this.#round?.noteSplit(lease, split);
    const held = this.#round?.noteSettled(lease, settlement) === true;
    if (!held) this.#giveBack(lease);
    this.#ledger.report(settlement);
  }

  // An event that is too large by itself says nothing of the others; a batch says what a request may carry: half of it, by
  // bytes, because that is what receivers limit.
  #learn(split: readonly EncodedEvent[]): void {
    // What was too large together follows at once.
    if (split.length > 0) this.#lastPartial = -Infinity;
    const bytes = split.reduce((total, event) => total + event.bytes + EVENT_OVERHEAD, ENVELOPE_BYTES);
    this.#maxBytes = split.length === 0 ? this.#settings.maxBytes : Math.min(this.#maxBytes, Math.ceil(bytes / 2));
  }

  #giveBack(lease: Lease): void {
    this.#due += this.#leases.giveBack(lease);
  }

  #goOn(): void {
    this.#pump();
    if (this.held === 0 || this.#due <= 0) this.#onRest(this.held);
  }
}
