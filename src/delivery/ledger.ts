// What an emitter has done: its counts, and the reports to the user's callbacks that go with them.
import {
  type DropReason,
  type EmitterStats,
  EncodedEvent,
  noRefusals,
  type Payload,
  type RefuseReason,
} from '../core/emitter';
import type { Log } from '../core/logger';
import type { EventStore } from './event-store';
import type { EmitterOptions } from './options';
import type { Failure } from './transport';

export type Callbacks = Pick<EmitterOptions, 'onSuccess' | 'onFailure' | 'onDrop'>;
type Events = readonly (EncodedEvent | Payload)[];

/** What became of a lease's events: each is in one of the five lists. */
export interface Settlement {
  readonly sent: Events;
  readonly rejected: Events;
  /** Too large by itself: given up. */
  readonly lost: Events;
  readonly kept: Events;
  /** Too large together: tried again in smaller requests. */
  readonly split: Events;
  readonly failures: readonly Failure[];
}

export class Ledger {
  accepted = 0;
  sent = 0;
  retried = 0;
  inFlight = 0;
  readonly #refused = noRefusals();
  readonly #dropped: Record<DropReason, number> = { rejected: 0, 'too-large': 0, 'store-error': 0, shutdown: 0 };
  #lastSuccessAt: number | undefined;
  #lastError: EmitterStats['lastError'];
  readonly #callbacks: Callbacks;
  readonly #log: Log;

  constructor(callbacks: Callbacks, log: Log) {
    this.#callbacks = callbacks;
    this.#log = log;
  }

  refuse(reason: RefuseReason, events: Events): void {
    this.#refused[reason] += events.length;
    this.#log.warn(`events were refused: ${reason}`);
    this.#report(reason, events);
  }

  drop(reason: DropReason, events: Events, error?: Error): void {
    if (events.length === 0) return;
    this.#dropped[reason] += events.length;
    this.#reportDrop(reason, events, error);
  }

  /** Counts events of which the store kept the number alone. */
  lose(events: number, error: Error): void {
    this.#dropped['store-error'] += events;
    this.noteError(error);
    this.#log.error('accepted events were lost in the event store', { events, error: error.message });
    this.#report('store-error', [], error);
  }

  /** Counts what became of a lease's events, and only then tells the callbacks. */
  settle({ sent, rejected, lost, kept, split, failures }: Settlement): void {
    const { onSuccess, onFailure } = this.#callbacks;
    this.sent += sent.length;
    this.retried += kept.length;
    this.#dropped.rejected += rejected.length;
    this.#dropped['too-large'] += lost.length;
    if (sent.length > 0) {
      this.#lastSuccessAt = Date.now();
      if (onSuccess) this.#log.guard('onSuccess', onSuccess, sent.map(payloadOf));
    }
    const [failure] = failures;
    if (!failure) return;
    this.noteError(failure.error, failure.code);
    this.#reportDrop('rejected', rejected, failures.find(({ status }) => status === 'rejected')?.error);
    this.#reportDrop('too-large', lost, failure.error);
    if (!onFailure) return;
    const unsent = [...rejected, ...lost, ...split, ...kept].map(payloadOf);
    const info = { willRetry: kept.length + split.length > 0, status: failure.code, error: failure.error };
    this.#log.guard('onFailure', onFailure, sent.length, unsent, info);
  }

  noteError(error: Error, status?: number): void {
    this.#lastError = { message: error.message, status, at: Date.now() };
  }

  stats(store: EventStore): EmitterStats {
    return {
      offered: this.accepted + Object.values(this.#refused).reduce((total, count) => total + count, 0),
      accepted: this.accepted,
      recovered: store.recovered ?? 0,
      refused: { ...this.#refused },
      sent: this.sent,
      dropped: { ...this.#dropped },
      retried: this.retried,
      waiting: store.size,
      waitingBytes: store.bytes,
      inFlight: this.inFlight,
      lastSuccessAt: this.#lastSuccessAt,
      lastError: this.#lastError,
    };
  }

  #reportDrop(reason: DropReason, events: Events, error?: Error): void {
    if (events.length === 0) return;
    this.#log.warn(`events were given up: ${reason}`, {
      events: events.length,
      ...(error && { error: error.message }),
    });
    this.#report(reason, events, error);
  }

  #report(reason: RefuseReason | DropReason, events: Events, error?: Error): void {
    const { onDrop } = this.#callbacks;
    if (onDrop) this.#log.guard('onDrop', onDrop, events.map(payloadOf), reason, error);
  }
}

const payloadOf = (event: EncodedEvent | Payload): Payload => (event instanceof EncodedEvent ? event.payload() : event);
