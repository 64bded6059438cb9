// The sending half of the engine: when the next request may start, what it carries, and what its outcome means for each event.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EncodedEvent } from '../core/emitter';
import type { Log } from '../core/logger';
import { ENVELOPE_BYTES, EVENT_OVERHEAD } from './batch';
import type { EventStore, Lease } from './event-store';
import { FlushRound } from './flush-round';
import { type Ledger, settlementOf } from './ledger';
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
  // What is out, and which of its events are not settled yet.
  readonly #leases = new Map<Lease, readonly EncodedEvent[]>();
  // Waiting events that are to be sent now, whatever their number: a full batch, an interval that is over, a retry.
  #due = 0;
  // Requests under way, and how many of those still wait for the store to give them their events.
  #sending = 0;
  #taking = 0;
  #scheduled = false;
  #stopped = false;
  #retryTimer: NodeJS.Timeout | undefined;
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
    this.#outside(setImmediate, () => {
      this.#scheduled = false;
      this.#pump();
    });
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
    const held = { waiting: this.#store.size, leases: this.#leases.keys(), taking: this.#taking };
    const round = new FlushRound(held, this.#gate.failures, stopsAtFailure);
    this.#round = round;
    this.#due = this.#store.size;
    this.#outside(() => this.#pump());
    return round;
  }

  #endRound(round: FlushRound): void {
    this.#round = undefined;
    for (const lease of round.held.toReversed()) this.#giveBack(lease, this.#leases.get(lease) ?? []);
    round.end();
  }

  /** No further attempt, whatever happens. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
  }

  /** Gives up what memory holds and says so; a durable store keeps it for the next run. Returns how many. */
  abandon(): number {
    this.stop();
    const lost: EncodedEvent[] = [];
    for (const [lease, events] of this.#leases) {
      if (this.#store.durable) {
        this.#giveBack(lease, events);
        continue;
      }
      for (const event of events) lost.push(event);
      this.#acknowledge(lease, events);
    }
    if (!this.#store.durable) this.#drain(lost);
    this.#leases.clear();
    this.#ledger.drop('shutdown', lost);
    if (this.#round) this.#endRound(this.#round);
    return lost.length;
  }

  // A store that fails now has said so before; what it cannot give stays counted as waiting.
  #drain(lost: EncodedEvent[]): void {
    try {
      while (this.#store.size > 0) {
        const lease = this.#store.take({ maxEvents: Infinity, maxBytes: Infinity, overhead: 0 });
        if (!lease || isThenable(lease) || lease.events.length === 0) return;
        this.#ledger.inFlight += lease.events.length;
        for (const event of lease.events) lost.push(event);
        this.#acknowledge(lease, lease.events);
      }
    } catch (error) {
      this.#ledger.noteError(asError(error));
    }
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
      this.#retryAfter(waitMs);
      return false;
    }
    if (this.#sending === 0) return true;
    // A receiver that fails is asked by one request at a time, and one more connection is worth it only for a full batch.
    const full =
      size >= this.#settings.maxBatchSize || ENVELOPE_BYTES + bytes + size * EVENT_OVERHEAD >= this.#maxBytes;
    return full && this.#gate.failures === 0;
  }

  #retryAfter(waitMs: number): void {
    const onTime = (): void => {
      this.#retryTimer = undefined;
      this.#pump();
    };
    this.#retryTimer ??= this.#outside(setTimeout, onTime, Math.ceil(waitMs)).unref();
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
    const { events } = lease;
    this.#taking--;
    this.#leases.set(lease, events);
    this.#ledger.inFlight += events.length;
    this.#due = Math.max(0, this.#due - events.length);
    this.#round?.noteTaken(lease);
    // The store took longer to give them than the emitter had to live.
    if (this.#stopped) this.abandon();
    else void this.#send(lease, failures);
  }

  async #send(lease: Lease, failures: number): Promise<void> {
    let result: SendResult | readonly SendResult[];
    try {
      result = await this.#transport.send(lease.events);
    } catch (error) {
      result = { status: 'retry', error: asError(error) };
    }
    this.#sending--;
    // A close that ran out of time has settled it already.
    if (this.#leases.has(lease))
      this.#settle(lease, Array.isArray(result) ? result : lease.events.map(() => result as SendResult), failures);
    this.#goOn();
  }

  #settle(lease: Lease, results: readonly SendResult[], failuresAtStart: number): void {
    const settlement = settlementOf(lease.events, results);
    const { sent, rejected, lost, kept, split, failures } = settlement;
    this.#ledger.count(settlement);
    this.#leases.delete(lease);
    this.#acknowledge(lease, [...sent, ...rejected, ...lost]);
    if (sent.length > 0) this.#gate.succeed();
    const retry = failures.find(({ status }) => status === 'retry');
    if (retry) this.#gate.fail(failuresAtStart, retry.afterMs);
    // An event that is too large by itself says nothing of the others; a batch says what a request may carry: half of it,
    // by bytes, because that is what receivers limit.
    if (lost.length > 0) this.#maxBytes = this.#settings.maxBytes;
    else if (split.length > 0) {
      const bytes = split.reduce((total, event) => total + event.bytes + EVENT_OVERHEAD, ENVELOPE_BYTES);
      this.#maxBytes = Math.min(this.#maxBytes, Math.ceil(bytes / 2));
      this.#round?.noteSplit(lease, split);
      this.#giveBack(lease, split);
    }
    const failed = lease.events.length - sent.length - split.length;
    if (this.#round?.noteSettled(lease, sent.length, failed, kept.length)) this.#leases.set(lease, kept);
    else this.#giveBack(lease, kept);
    this.#ledger.report(settlement);
  }

  #acknowledge(lease: Lease, events: readonly EncodedEvent[]): void {
    if (events.length > 0) this.#log.guard("the event store's ack", () => lease.ack(events));
  }

  #giveBack(lease: Lease, events: readonly EncodedEvent[]): void {
    this.#leases.delete(lease);
    if (events.length === 0) return;
    try {
      const returned: unknown = lease.nack(events);
      this.#ledger.inFlight -= events.length;
      this.#due += events.length;
      if (isThenable(returned)) returned.then(undefined, () => this.#log.error("the event store's nack rejected"));
    } catch (error) {
      this.#ledger.drop('store-error', events, asError(error));
    }
  }

  #goOn(): void {
    this.#pump();
    if (this.held === 0 || this.#due <= 0) this.#onRest(this.held);
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
