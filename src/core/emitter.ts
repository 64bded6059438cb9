// The port between trackers and emitters: what an emitter is, and what a tracker passes to it.

/** An event as the pipeline takes it: wire key to string, for example `{ e: 'pv', url: 'https://…' }`. Frozen. */
export type Payload = Readonly<Record<string, string>>;

/** Why an event was never accepted. Counted in `stats().refused`, reported by `onDrop`. */
export type RefuseReason =
  'full' | 'closed' | 'invalid' | 'unserializable' | 'too-large' | 'filtered' | 'private' | 'disabled' | 'store-error';

/** Why an accepted event was dropped. Counted in `stats().dropped`, always reported by `onDrop`. */
export type DropReason = 'rejected' | 'too-large' | 'store-error' | 'shutdown';

/** The argument of `onDrop`. */
export interface DropInfo {
  /** The events as payloads. An event that could not be built has only its `eid`, if the caller gave one. */
  readonly events: readonly Payload[];
  readonly reason: RefuseReason | DropReason;
  /** The error of the store or the collector, if it is the cause. */
  readonly error?: Error | undefined;
}

/** What a flush or a close did: events that reached the collector, events that failed meanwhile, events still held. */
export interface FlushReport {
  readonly sent: number;
  readonly failed: number;
  readonly remaining: number;
}

/** What an emitter receives in addition to an event's payload. */
export interface EventMeta {
  readonly eventId: string;
  /** An anonymous event must travel in a request with `SP-Anonymous`, apart from other events. */
  readonly anonymous: boolean;
}

/**
 * Anything that takes events. Only `input` is required, so an object literal will do.
 *
 * @example
 * const printer: EmitterLike = { input: (payload) => console.log(payload.e, payload.eid) };
 * new Tracker({ emitters: [emitter, printer] });
 */
export interface EmitterLike {
  /** Takes one event; `false` refuses it. Must not throw: an error is logged and counts as refused. */
  input(payload: Payload, meta: EventMeta): void | boolean;
  flush?(options?: { timeoutMs?: number }): unknown;
  close?(options?: { timeoutMs?: number }): unknown;
}

/**
 * An event between tracker and emitter: JSON text made once, at track time, so that later changes by the caller cannot
 * reach it and no emitter has to serialise it again. Any object of this shape will do; `decodeEvent` makes one from the
 * text in an event store.
 */
export interface EncodedEvent extends EventMeta {
  /** One flat JSON object whose values are all strings. Has no `stm`, which each attempt to send adds. */
  readonly json: string;
  /** The UTF-8 length of `json`. */
  readonly bytes: number;
  /** The event as a frozen object, created on demand: built-in emitters rarely need it. */
  payload(): Payload;
}

/**
 * The key under which a built-in emitter takes events already encoded, all or none of them.
 * A symbol of the process, because two installed copies of the package may meet.
 */
export const ENCODED_INPUT: unique symbol = Symbol.for('snowplow-middleware.encoded-input.v1') as never;

/**
 * A built-in emitter, as a tracker sees it. Its `input` names itself under the same key, which declares that encoded events
 * may bypass it. The `input` of a subclass declares nothing, and a spy that copies properties names another function: both
 * get every event as a payload.
 */
export interface EncodedInput extends EmitterLike {
  readonly input: EmitterLike['input'] & { readonly [ENCODED_INPUT]?: unknown };
  /** Takes all of the events or none; returns the reason for a refusal. */
  [ENCODED_INPUT](events: readonly EncodedEvent[]): RefuseReason | undefined;
  stats(): EmitterStats;
}

/** What an emitter has done so far. `offered = accepted + refused` and `accepted + recovered = sent + dropped + waiting + inFlight`. */
export interface EmitterStats {
  /** Events that trackers have dispatched to it. */
  readonly offered: number;
  readonly accepted: number;
  /** Events found in a durable store: accepted by an earlier run, or by a process that died. */
  readonly recovered: number;
  readonly refused: Readonly<Record<RefuseReason, number>>;
  readonly sent: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Failed attempts that will be repeated, counted by event. */
  readonly retried: number;
  readonly waiting: number;
  /** UTF-8 bytes of the waiting events. */
  readonly waitingBytes: number;
  readonly inFlight: number;
  /** Milliseconds since the epoch. */
  readonly lastSuccessAt?: number | undefined;
  readonly lastError?:
    { readonly message: string; readonly status?: number | undefined; readonly at: number } | undefined;
}

/** A count of zero for each reason to refuse. */
export const noRefusals = (): Record<RefuseReason, number> => ({
  full: 0,
  closed: 0,
  invalid: 0,
  unserializable: 0,
  'too-large': 0,
  filtered: 0,
  private: 0,
  disabled: 0,
  'store-error': 0,
});
