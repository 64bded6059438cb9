// The engine of every emitter and worker: takes events into a store, and has them sent in batches, on time, until it is closed.
import { traceFlush } from '../../core/channels';
import { isUuid } from '../../core/contracts';
import { clock, millisOfLimit, type TimeLimit, within } from '../../core/deadline';
import {
  type EmitterStats,
  ENCODED_INPUT,
  type EncodedEvent,
  type EncodedInput,
  type EventMeta,
  type FlushReport,
  type Payload,
  type RefuseReason,
} from '../../core/emitter';
import { ConfigError, show } from '../../core/errors';
import { newEventId } from '../../core/events/event';
import type { Log } from '../../core/logger';
import { encodePayload } from '../../core/tracker/encode';
import { ENVELOPE_BYTES, EVENT_OVERHEAD } from '../body-size';
import type { EventStore } from '../store/event-store';
import type { Flush } from './flush';
import { hold } from './in-flight';
import { type Callbacks, Stats } from './stats';
import { BUFFER_RULES } from '../options';
import { SendLoop, type SendLoopSettings } from './send-loop';
import { asError, type Transport } from '../transport';

/** The engine's settings, resolved: nothing here is optional but the callbacks. */
export interface EngineSettings extends SendLoopSettings, Callbacks {
  readonly batchSize: number;
  /** Bytes of the body to be sent that start a send. */
  readonly byteLimit: number;
}

/** The key under which an emitter tells workers how it delivers. */
export const DELIVERY: unique symbol = Symbol.for('snowplow-middleware.delivery.v1') as never;

const FLUSH_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 5_000;
// How long a close waits between two attempts: it has no time for the usual backoff.
const CLOSE_PAUSE_MS = 500;
// How long resources may take to be released when the time is over.
const RELEASE_MS = 100;

export class BatchEmitter implements EncodedInput {
  readonly #settings: EngineSettings;
  readonly #store: EventStore;
  readonly #transport: Transport;
  readonly #stats: Stats;
  readonly #loop: SendLoop;
  #closing: Promise<FlushReport> | undefined;

  constructor(settings: EngineSettings, store: EventStore, transport: Transport, log: Log) {
    this.#settings = settings;
    this.#store = store;
    this.#transport = transport;
    this.#stats = new Stats(settings, log);
    this.#loop = new SendLoop(settings, store, transport, this.#stats, log);
    // So that they can be handed around: `process.on('SIGTERM', emitter.close)`.
    this.flush = this.flush.bind(this);
    this.close = this.close.bind(this);
    store.listen?.({
      arrived: () => this.#loop.send(),
      lost: (events, error) => this.#stats.lose(events, error),
    });
    if (store.size > 0) this.#loop.send();
  }

  /** What a worker needs of an emitter that it is given. @internal */
  get [DELIVERY](): { readonly settings: EngineSettings; readonly transport: Transport } {
    return { settings: this.#settings, transport: this.#transport };
  }

  /**
   * Takes one event as an object; a tracker hands its events over faster. A subclass may override it and call it.
   *
   * @returns false when the event was refused; `onDrop` and `stats()` say why.
   */
  input(payload: Payload, meta?: EventMeta): boolean {
    let event: EncodedEvent | undefined;
    try {
      const id = meta?.eventId ?? payload['eid'];
      event = encodePayload(payload, isUuid(id) ? id : newEventId(), meta?.anonymous === true);
    } catch {
      // Not an object, or one whose values cannot be read: no event either.
    }
    if (event) return this[ENCODED_INPUT]([event]) === undefined;
    this.#stats.refuse('invalid', [payload]);
    return false;
  }

  [ENCODED_INPUT](events: readonly EncodedEvent[]): RefuseReason | undefined {
    const refusal = this.#admit(events);
    if (refusal) {
      // A buffer may be full, by bytes or by a store of its own capacity, before there is a batch.
      if (refusal === 'full') this.#loop.send();
      this.#stats.refuse(refusal, events);
      return refusal;
    }
    this.#stats.accept(events);
    this.#loop.flush?.addLate(events);
    hold(this.#loop);
    const { size, bytes } = this.#store;
    const { batchSize, byteLimit } = this.#settings;
    if (size >= batchSize || ENVELOPE_BYTES + bytes + size * EVENT_OVERHEAD >= byteLimit) this.#loop.send();
    else this.#loop.sendInTime();
    return undefined;
  }

  /**
   * Sends what was accepted before the call, over any backoff but not before a time that the collector asked for.
   * Resolves when each of those events was sent, was dropped, or has failed one attempt; never rejects.
   *
   * @param limit How long to wait, in milliseconds or as `{ timeoutMs }`. Default 10,000.
   */
  flush(limit?: TimeLimit): Promise<FlushReport> {
    const timeoutMs = millisOfLimit(limit, FLUSH_TIMEOUT_MS);
    return traceFlush(timeoutMs, async () => {
      let flush: Flush | undefined;
      await within(async () => {
        flush = await this.#loop.joinFlush();
        await flush.done;
      }, timeoutMs);
      return { sent: flush?.sent ?? 0, failed: flush?.failed ?? 0, remaining: this.#loop.remaining };
    });
  }

  /**
   * Replaces the longest time, in milliseconds, that an event waits for company; 0 turns the timer off.
   *
   * @throws ConfigError when it is not an integer that a timer can take.
   */
  setFlushTimer(intervalMs: number): void {
    const { flushIntervalMs } = BUFFER_RULES;
    if (!flushIntervalMs.accepts(intervalMs))
      throw new ConfigError('setFlushTimer: intervalMs', flushIntervalMs.expected, show(intervalMs));
    this.#loop.setFlushTimer(intervalMs);
  }

  /** Stops the flush timer: events then wait for a full batch, a flush or the close. */
  cancelFlushTimer(): void {
    this.setFlushTimer(0);
  }

  /** The older name of {@link cancelFlushTimer}. */
  cancelFlush(): void {
    this.setFlushTimer(0);
  }

  /** Resolves when everything accepted so far is safe from a power cut; at once where the store is memory. */
  async stored(): Promise<void> {
    await this.#store.stored?.();
  }

  /** What this emitter has done so far. */
  stats(): EmitterStats {
    return this.#stats.snapshot(this.#store, this.#loop.inFlight.count);
  }

  /**
   * Refuses new events, sends what is left until the deadline, reports the rest to `onDrop` as `shutdown` (a durable
   * store keeps it) and releases every socket and timer. Idempotent; never rejects.
   *
   * @param limit The whole time it may take, in milliseconds or as `{ timeoutMs }`. Default 5,000.
   */
  close(limit?: TimeLimit): Promise<FlushReport> {
    return (this.#closing ??= this.#shutDown(clock.now() + millisOfLimit(limit, CLOSE_TIMEOUT_MS)));
  }

  #admit(events: readonly EncodedEvent[]): RefuseReason | undefined {
    if (this.#closing) return 'closed';
    try {
      for (const event of events) if (!this.#transport.fits(event)) return 'too-large';
      const taken: unknown = this.#store.put(events);
      if (typeof taken === 'boolean') return taken ? undefined : 'full';
      // A promise, most likely: whether it took them cannot be known in time.
      Promise.resolve(taken).catch(() => {});
      throw new TypeError('an event store must answer put() with true or false, at once');
    } catch (error) {
      this.#stats.noteError(asError(error));
      return 'store-error';
    }
  }

  async #shutDown(deadline: number): Promise<FlushReport> {
    const sentBefore = this.#stats.sent;
    const left = (): number => deadline - clock.now();
    this.#loop.setFlushTimer(0);
    for (;;) {
      await this.flush({ timeoutMs: left() });
      // Where the receiver has asked for more time than there is, waiting helps nobody.
      if (this.#loop.remaining === 0 || left() <= 0 || this.#loop.backoff.askedFor > deadline) break;
      const pauseMs = Math.min(CLOSE_PAUSE_MS, Math.max(0, left()));
      await new Promise((resolve) => clock.setTimeout(resolve, pauseMs));
    }
    this.#loop.stop();
    // Answers that are there already are read, but nothing more is waited for: who closes may end the process at any moment.
    await new Promise((resolve) => clock.setImmediate(resolve));
    const failed = this.#loop.abandon();
    await within(() => this.#transport.close(), RELEASE_MS);
    await within(() => this.#store.close?.(), RELEASE_MS);
    return { sent: this.#stats.sent - sentBefore, failed, remaining: this.#loop.remaining };
  }
}

const { input } = BatchEmitter.prototype;
Object.assign(input, { [ENCODED_INPUT]: input });
