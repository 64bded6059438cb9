// The sending half of the engine: when the next request may start, what it carries, and what its outcome means for each event.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EncodedEvent } from '../core/emitter';
import type { Log } from '../core/logger';
import { ENVELOPE_BYTES, EVENT_OVERHEAD } from './batch';
import type { EventStore, Lease } from './event-store';
import { FlushRound } from './flush-round';
import type { Ledger } from './ledger';
import { RetryGate } from './retry-gate';
import type { Failure, SendResult, Transport } from './transport';

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
  #sending = 0;
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

  /** When the receiver wants to be asked again, in milliseconds since the epoch; in the past when it does not mind. */
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
    const round = new FlushRound(this.#store.size, this.#leases.keys(), stopsAtFailure);
    this.#round = round;
    this.#due = this.#store.size;
    this.#outside(() => this.#pump());
    if (round.finished) this.#endRound(round);
    return round;
  }

  #endRound(round: FlushRound): void {
    this.#round = undefined;
    for (const lease of round.held.toReversed()) this.#settleEvents(lease, this.#leases.get(lease) ?? [], 'nack');
    round.end();
  }

  /** No further attempt, whatever happens. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
  }

  /** Gives up what memory holds and says so; a durable store keeps it for the next run. Returns how many. */
  abandon(): number {
    const lost: EncodedEvent[] = [];
    const settle = (lease: Lease, events: readonly EncodedEvent[]): void => {
      if (!this.#store.durable) for (const event of events) lost.push(event);
      this.#settleEvents(lease, events, this.#store.durable ? 'nack' : 'ack');
    };
    for (const [lease, events] of this.#leases) settle(lease, events);
    while (!this.#store.durable && this.#store.size > 0) {
      const lease = this.#store.take({ maxEvents: Infinity, maxBytes: Infinity, overhead: 0 });
      if (!lease || 'then' in lease) break;
      this.#ledger.inFlight += lease.events.length;
      settle(lease, lease.events);
    }
    this.#ledger.drop('shutdown', lost);
    if (this.#round) this.#endRound(this.#round);
    return lost.length;
  }

  #pump(): void {
    while (this.#mayStart()) this.#startOne();
  }

  #mayStart(): boolean {
    const { size, bytes } = this.#store;
    if (size === 0) this.#round?.giveUp();
    if (this.#stopped || size === 0 || this.#due <= 0 || this.#sending >= this.#settings.threads) return false;
    const waitMs = this.#gate.waitMs(this.#round?.trying === true);
    if (waitMs > 0) {
      this.#round?.giveUp();
      const onTime = (): void => {
        this.#retryTimer = undefined;
        this.#pump();
      };
      this.#retryTimer ??= this.#outside(setTimeout, onTime, waitMs).unref();
      return false;
    }
    if (this.#sending === 0) return true;
    // A receiver that fails is asked by one request at a time, and one more connection is worth it only for a full batch.
    const full = size >= this.#settings.maxBatchSize || bytes + size * EVENT_OVERHEAD >= this.#maxBytes;
    return full && this.#gate.failures === 0;
  }

  #startOne(): void {
    this.#sending++;
    const { failures } = this.#gate;
    const onError = (error: unknown): void => {
      this.#log.error('the event store failed to give events');
      this.#ledger.noteError(error as Error);
      this.#noteFailure({ status: 'retry', error: error as Error }, failures);
      this.#deliver(undefined, failures);
    };
    const maxBytes = this.#maxBytes - ENVELOPE_BYTES;
    try {
      const taken = this.#store.take({ maxEvents: this.#settings.maxBatchSize, maxBytes, overhead: EVENT_OVERHEAD });
      if (taken && 'then' in taken) taken.then((lease) => this.#deliver(lease, failures), onError);
      else this.#deliver(taken, failures);
    } catch (error) {
      onError(error);
    }
  }

  #deliver(lease: Lease | undefined, failures: number): void {
    if (!lease) {
      this.#sending--;
      this.#round?.giveUp();
      // Not at once: this may run inside the loop of #pump.
      setImmediate(() => this.#goOn());
      return;
    }
    const { events } = lease;
    this.#leases.set(lease, events);
    this.#ledger.inFlight += events.length;
    this.#due -= events.length;
    this.#round?.noteTaken(lease);
    const settle = (result: SendResult | readonly SendResult[]): void => {
      this.#sending--;
      // A close that ran out of time has settled it already.
      if (this.#leases.has(lease))
        this.#settle(lease, 'status' in result ? events.map(() => result) : result, failures);
      this.#goOn();
    };
    this.#transport.send(events).then(settle, (error: unknown) => settle({ status: 'retry', error: error as Error }));
  }

  #settle(lease: Lease, results: readonly SendResult[], failuresAtStart: number): void {
    const having = (status: SendResult['status']): EncodedEvent[] =>
      lease.events.filter((_event, index) => results[index]?.status === status);
    const [sent, rejected, kept, tooLarge] = [having('sent'), having('rejected'), having('retry'), having('too-large')];
    const failures = results.filter((result) => result.status !== 'sent');
    const alone = tooLarge.length > 0 && lease.events.length === 1;
    const [lost, split] = alone ? [tooLarge, []] : [[], tooLarge];

    this.#settleEvents(lease, [...sent, ...rejected, ...lost], 'ack');
    if (sent.length > 0) this.#gate.succeed();
    const retry = failures.find(({ status }) => status === 'retry');
    if (retry) this.#noteFailure(retry, failuresAtStart);
    // An event that is too large by itself says nothing of the others; a batch says what a request may carry: half of it,
    // by bytes, because that is what receivers limit.
    if (alone) this.#maxBytes = this.#settings.maxBytes;
    else if (split.length > 0) {
      const bytes = split.reduce((total, event) => total + event.bytes + EVENT_OVERHEAD, ENVELOPE_BYTES);
      this.#maxBytes = Math.min(this.#maxBytes, Math.ceil(bytes / 2));
      this.#round?.noteSplit(lease, split.length);
      this.#settleEvents(lease, split, 'nack');
    }
    const failed = lease.events.length - sent.length - split.length;
    if (this.#round?.noteSettled(lease, sent.length, failed, kept.length)) this.#leases.set(lease, kept);
    else this.#settleEvents(lease, kept, 'nack');
    this.#ledger.settle({ sent, rejected, lost, kept, split, failures });
  }

  #settleEvents(lease: Lease, events: readonly EncodedEvent[], how: 'ack' | 'nack'): void {
    this.#leases.delete(lease);
    if (events.length === 0) return;
    this.#ledger.inFlight -= events.length;
    if (how === 'nack') this.#due += events.length;
    this.#log.guard(`the event store's ${how}`, () => lease[how](events));
  }

  #noteFailure({ error, afterMs }: Failure, failuresAtStart: number): void {
    this.#log.warn('events could not be sent and are kept', { error: error.message });
    this.#gate.fail(failuresAtStart, afterMs);
  }

  #goOn(): void {
    if (this.#round?.finished) this.#endRound(this.#round);
    this.#pump();
    if (this.held === 0 || this.#due <= 0) this.#onRest(this.held);
  }
}
