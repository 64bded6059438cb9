// The sending half of the engine: when the next request may start, what it carries, and what its outcome means for each event.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EncodedEvent } from '../../core/emitter';
import type { Log } from '../../core/logger';
import { Alarm } from './alarm';
import type { EventStore, Lease } from '../store/event-store';
import { FlushRound, type How } from './flush';
import { Batch, Isolation } from '../retry-policy/isolation';
import type { Ledger } from './stats';
import { atOnce, OpenLeases } from './in-flight';
import { RequestLimit } from './request-limit';
import { RetryGate } from '../retry-policy/retry-gate';
import { isolate } from './outcome';
import { asError, type SendResult, type Transport } from '../transport';

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
  readonly #isolation: Isolation;
  // What the requests under way carry.
  readonly #out = new Set<Batch>();
  // Waiting events that are to be sent now, whatever their number: a full batch, an interval that is over, a retry.
  #due = 0;
  // Requests under way.
  #sending = 0;
  #scheduled = false;
  // Made once: `send` is called for many an event.
  readonly #onTurn = (): void => {
    this.#scheduled = false;
    this.#pump();
  };
  #stopped = false;
  // When a request was last started that was not full.
  #lastPartial = -Infinity;
  readonly #alarm = new Alarm(() => this.#pump());
  readonly #limit: RequestLimit;
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
    this.#isolation = new Isolation(this.#gate, settings.maxRetryDelayMs);
    this.#onRest = onRest;
    this.#limit = new RequestLimit(settings.maxBatchSize, settings.maxBytes);
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
    if (!this.#round) return this.#startRound('flush');
    if (!this.#round.hasLate) return this.#round;
    return (this.#nextRound ??= this.#round.done.then(() => {
      this.#nextRound = undefined;
      return this.#round ?? this.#startRound('flush');
    }));
  }

  /** A flush that ends with the first attempt that fails: for the last call of a process. */
  lastRound(): void {
    if (!this.#round) this.#startRound('last');
  }

  /** A flush that is the only one: what fails together is tried apart before it ends. */
  soleRound(): FlushRound {
    this.#isolation.isolatesAtOnce = true;
    return this.#startRound('sole');
  }

  #startRound(how: How): FlushRound {
    const round = new FlushRound(this.#store.size, this.#out, this.#gate.failures, how);
    this.#round = round;
    this.#due = this.#store.size;
    this.#outside(() => this.#pump());
    return round;
  }

  #endRound(round: FlushRound): void {
    this.#round = undefined;
    for (const { lease, events } of round.held) this.#giveBack(lease, events);
    round.end();
  }

  /** No further attempt, whatever happens. */
  stop(): void {
    this.#stopped = true;
    this.#alarm.stop();
  }

  /** Gives up what memory holds and says so; a durable store keeps it for the next run. Returns how many. */
  abandon(): number {
    this.stop();
    const lost = this.#leases.abandon();
    if (this.#round) this.#endRound(this.#round);
    return lost;
  }

  #pump(): void {
    while (this.#startOne());
    if (!this.#round?.finished) return;
    this.#endRound(this.#round);
    while (this.#startOne());
  }

  // What is set aside and may be divided goes first, because its innocent events have waited; single events go last.
  #startOne(): boolean {
    if (this.#stopped) this.#round?.stop();
    if (this.#stopped || this.#sending >= this.#settings.threads) return false;
    const group = this.#isolation.nextGroup();
    if (!group && this.#mayTake()) return this.#take();
    const batch = group ?? this.#nextSingle();
    if (batch) this.#sendAgain(batch);
    return batch !== undefined;
  }

  #nextSingle(): Batch | undefined {
    if (this.#isolation.isEmpty) return undefined;
    // Asked for first: a wait that ended between the two questions would end unheard.
    const waitMs = this.#isolation.waitMs(this.#round !== undefined);
    const batch = this.#isolation.nextSingle(this.#round, this.#sending === 0);
    if (!batch && waitMs < Infinity) this.#alarm.setAfter(Math.max(1, waitMs));
    return batch;
  }

  #mayTake(): boolean {
    const { size } = this.#store;
    if (size === 0) this.#round?.giveUp();
    const isProof = this.#due <= 0 && this.#sending === 0 && this.#isolation.needsProof;
    if (size === 0 || (this.#due <= 0 && !isProof)) return false;
    const waitMs = this.#gate.waitMs(this.#round?.trying === true);
    if (waitMs > 0) {
      this.#round?.giveUp();
      this.#alarm.setAfter(waitMs);
      return false;
    }
    const full = this.#limit.isFilledBy(this.#store);
    // A receiver that fails is asked by one request at a time, and one more connection is worth it only for a full batch.
    if (this.#sending > 0) return full && this.#gate.failures === 0;
    return full || isProof || this.#round !== undefined || this.#isInPace();
  }

  #isInPace(): boolean {
    const now = performance.now();
    const restMs = this.#lastPartial + PACE_MS - now;
    if (restMs > 0) this.#alarm.setAfter(restMs);
    else this.#lastPartial = now;
    return restMs <= 0;
  }

  // Whether there may be more to do now.
  #take(): boolean {
    const failures = this.#round?.trying ? this.#round.failuresAtStart : this.#gate.failures;
    let lease: Lease | undefined;
    try {
      lease = atOnce(this.#store.take(this.#limit.cut));
    } catch (error) {
      this.#ledger.noteError(asError(error));
      this.#gate.fail(failures, undefined);
      this.#round?.giveUp();
      this.#log.error('the event store failed to give events');
      return true;
    }
    if (lease && lease.events?.length > 0) {
      this.#deliver(lease, failures);
      return true;
    }
    // What the store counts it does not give: asked again at once, it would be asked for ever.
    this.#due = 0;
    this.#round?.giveUp();
    this.#onRest(this.held);
    return false;
  }

  #deliver(lease: Lease, failures: number): void {
    this.#leases.add(lease);
    this.#due = Math.max(0, this.#due - lease.events.length);
    const batch = new Batch(lease, lease.events);
    this.#round?.noteTaken(batch);
    this.#sending++;
    void this.#send(batch, failures);
  }

  #sendAgain(batch: Batch): void {
    this.#sending++;
    this.#round?.noteTriedAgain(batch);
    void this.#send(batch, this.#round ? this.#round.failuresAtStart : this.#gate.failures);
  }

  async #send(batch: Batch, failures: number): Promise<void> {
    let answer: SendResult | readonly SendResult[];
    this.#out.add(batch);
    this.#isolation.start(batch, this.#round);
    try {
      answer = await this.#transport.send(batch.events);
    } catch (error) {
      answer = { status: 'retry', error: asError(error) };
    }
    this.#sending--;
    this.#out.delete(batch);
    // A close that ran out of time has settled it already.
    if (this.#leases.has(batch.lease)) this.#settle(batch, answer, failures);
    this.#goOn();
  }

  #settle(batch: Batch, answer: SendResult | readonly SendResult[], failuresAtStart: number): void {
    const { settlement, dropped } = isolate(this.#isolation, batch, answer);
    const { sent, rejected, lost, kept, suspects, split, failures } = settlement;
    this.#ledger.count(settlement);
    this.#leases.acknowledge(batch.lease, sent, rejected.length > 0 ? [...rejected, ...lost] : lost);
    if (sent.length > 0) {
      this.#gate.succeed();
      this.#limit.grow();
    }
    const retry = failures.find(({ status }) => status === 'retry');
    // What is isolated closes the gate for the others only where it was to find out for them whether the receiver is back.
    const isOwn = batch.isSetAside && suspects.length > 0 && failuresAtStart === 0 && !this.#isolation.isFutile;
    if (retry && !isOwn) this.#gate.fail(failuresAtStart, retry.afterMs);
    if (lost.length > 0 || split.length > 0) this.#limit.learn(split);
    // What was too large together follows at once.
    if (split.length > 0) this.#lastPartial = -Infinity;
    this.#round?.noteSplit(batch, split);
    const held = this.#round?.noteSettled(batch, settlement) === true;
    this.#giveBack(batch.lease, held || batch.isSetAside ? split : [...split, ...kept]);
    this.#ledger.report(settlement);
    for (const [{ lease, events }, error] of dropped) {
      this.#leases.acknowledge(lease, [], events);
      this.#ledger.drop('rejected', events, error);
    }
  }

  #giveBack(lease: Lease, events: readonly EncodedEvent[]): void {
    this.#due += this.#leases.giveBack(lease, events);
  }

  #goOn(): void {
    this.#pump();
    if (this.held === 0 || this.#due <= 0) this.#onRest(this.held);
  }
}
