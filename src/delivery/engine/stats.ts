// The counters of an emitter, and the reports to the user's callbacks that go with them.
import { publishDropped } from '../../core/channels';
import {
  type DropReason,
  type EmitterStats,
  type EncodedEvent,
  noRefusals,
  type Payload,
  type RefuseReason,
} from '../../core/emitter';
import type { Log } from '../../core/logger';
import { asCallback, currentMark } from '../../core/marks';
import type { EventStore } from '../store/event-store';
import type { EmitterOptions } from '../options';
import type { BatchOutcome } from './outcome';
import { payloadsOf } from './payload-list';

export type Callbacks = Pick<EmitterOptions, 'onSuccess' | 'onFailure' | 'onDrop'>;
type Events = readonly (EncodedEvent | Payload)[];

export class Stats {
  readonly #counts = {
    accepted: 0,
    refused: noRefusals(),
    sent: 0,
    dropped: { rejected: 0, 'too-large': 0, 'store-error': 0, shutdown: 0 } as Record<DropReason, number>,
    retried: 0,
    lastSuccessAt: undefined as number | undefined,
    lastError: undefined as EmitterStats['lastError'],
  };
  readonly #callbacks: Callbacks;
  readonly #log: Log;
  // The ids of events that were tracked in a callback: none is called for them. By id, because a store may give others back.
  readonly silent = new Set<string>();

  constructor({ onSuccess, onFailure, onDrop }: Callbacks, log: Log) {
    this.#callbacks = {
      onSuccess: asCallback(onSuccess),
      onFailure: asCallback(onFailure),
      onDrop: asCallback(onDrop),
    };
    this.#log = log;
  }

  get sent(): number {
    return this.#counts.sent;
  }

  accept(events: readonly EncodedEvent[]): void {
    this.#counts.accepted += events.length;
    if (currentMark()) for (const { eventId } of events) this.silent.add(eventId);
  }

  refuse(reason: RefuseReason, events: Events): void {
    this.#counts.refused[reason] += events.length;
    this.#log.warn(`events were refused: ${reason}`);
    if (!currentMark()) this.#report(reason, events);
  }

  /** Events that were in flight are dropped. */
  drop(reason: DropReason, events: Events, error?: Error): void {
    if (events.length === 0) return;
    this.#counts.dropped[reason] += events.length;
    this.#reportDrop(reason, events, error);
  }

  /** Counts events of which the store kept the number alone. */
  lose(events: number, error: Error): void {
    this.#counts.dropped['store-error'] += events;
    this.noteError(error);
    this.#log.error('accepted events were lost in the event store', { events, error: error.message });
    publishDropped('store-error', events);
    this.#report('store-error', [], error);
  }

  /** Counts what is done with of a lease's events. Calls nobody: whoever looks at the counts next finds them in balance. */
  count({ sent, rejected, lost, kept, suspects, failures }: BatchOutcome): void {
    const counts = this.#counts;
    counts.sent += sent.length;
    counts.retried += kept.length + suspects.length;
    counts.dropped.rejected += rejected.length;
    counts.dropped['too-large'] += lost.length;
    if (sent.length > 0) counts.lastSuccessAt = Date.now();
    const [failure] = failures;
    if (failure) this.noteError(failure.error, failure.code);
  }

  /** Tells the callbacks what became of a lease's events. */
  report({ sent, rejected, lost, kept, suspects, split, failures }: BatchOutcome): void {
    const { onSuccess, onFailure } = this.#callbacks;
    // Mostly nothing is silent.
    const told = this.silent.size === 0 ? sent : this.#told(sent);
    if (onSuccess && told.length > 0) this.#log.guard('onSuccess', onSuccess, payloadsOf(told));
    const [failure] = failures;
    if (!failure) return;
    const retry = failures.find(({ status }) => status === 'retry');
    if (retry) this.#log.warn('events could not be sent and are kept', { error: wording(retry.error) });
    this.#reportDrop('rejected', rejected, failures.find(({ status }) => status === 'rejected')?.error);
    this.#reportDrop('too-large', lost, failure.error);
    if (!onFailure) return;
    const again = [...split, ...kept, ...suspects];
    const unsent = payloadsOf(this.#told([...rejected, ...lost, ...again]));
    if (unsent.length === 0) return;
    const info = { willRetry: again.length > 0, status: failure.code, error: failure.error };
    this.#log.guard('onFailure', onFailure, told.length, unsent, info);
  }

  noteError(error: Error, status?: number): void {
    this.#counts.lastError = { message: wording(error), status, at: Date.now() };
  }

  snapshot(store: EventStore, inFlight: number): EmitterStats {
    const { accepted, refused, dropped } = this.#counts;
    return {
      offered: accepted + Object.values(refused).reduce((total, count) => total + count, 0),
      ...this.#counts,
      recovered: store.recovered ?? 0,
      refused: { ...refused },
      dropped: { ...dropped },
      waiting: store.size,
      waitingBytes: store.bytes,
      inFlight,
    };
  }

  #reportDrop(reason: DropReason, events: Events, error?: Error): void {
    if (events.length === 0) return;
    this.#log.warn(`events were dropped: ${reason}`, {
      events: events.length,
      ...(error && { error: wording(error) }),
    });
    const told = this.#told(events);
    if (told.length > 0) this.#report(reason, told, error);
  }

  #told<Event extends EncodedEvent | Payload>(events: readonly Event[]): readonly Event[] {
    return events.filter((event) => !this.silent.has(idOf(event)));
  }

  #report(reason: RefuseReason | DropReason, events: Events, error?: Error): void {
    const { onDrop } = this.#callbacks;
    if (events.length > 0) publishDropped(reason, events.length);
    if (onDrop) this.#log.guard('onDrop', onDrop, { events: payloadsOf(events), reason, error });
  }
}

// The error of several addresses tried in vain has no message of its own.
const wording = (error: Error & { code?: unknown }): string => error.message || String(error.code);

const idOf = (event: EncodedEvent | Payload): string => ('eventId' in event ? event.eventId : event['eid']) as string;
