// The port to where events are sent: one batch in, one outcome out. Outcomes are values, never exceptions.
import type { EncodedEvent } from '../core/emitter';
import { show } from '../core/errors';

/** What became of a batch, or of one event of it. */
export type Outcome = { readonly status: 'sent' } | Failure;

/** What became of events that were not sent. */
export interface Failure {
  /**
   * `retry`: kept and tried again; `too-large`: a batch is tried again in smaller ones, an event answered for by itself is
   * dropped; `rejected`: the receiver will never take it.
   */
  readonly status: 'retry' | 'too-large' | 'rejected';
  readonly error: Error;
  /** The answer's status code, where there was an answer. */
  readonly code?: number | undefined;
  /** How long the receiver wants to be left alone, in milliseconds. */
  readonly afterMs?: number | undefined;
  /** Of `retry`: one of the events may be why, and not the receiver's state. Such events are isolated. @default false */
  readonly suspicious?: boolean;
  /** Of `retry`: the answer was long in coming, or never came: few such failures are to be made. @default false */
  readonly slow?: boolean;
  /** Of `rejected`: whether the receiver refuses these events, or whoever sends them. @default 'events' */
  readonly of?: 'events' | 'caller';
}

/** The port to where events are sent: one batch in, one outcome out. Nothing of it may throw. */
export interface Transport {
  /** Whether one event can be sent at all; asked before it is accepted. */
  fits(event: EncodedEvent): boolean;
  /** Sends events of one anonymity; answers for all of them, or one by one in their order. */
  send(events: readonly EncodedEvent[]): Promise<Outcome | readonly Outcome[]>;
  /** Ends what is under way and releases what it holds. Idempotent. */
  close(): Promise<void>;
}

/** Whatever was thrown or rejected, as an Error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(show(thrown)));
