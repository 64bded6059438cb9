// The port between trackers and emitters: what an emitter is, and what crosses to it.

/** An event as the pipeline takes it: wire key to string, for example `{ e: 'pv', url: 'https://…' }`. Frozen. */
export type Payload = Readonly<Record<string, string>>;

/** Why an event was never accepted. Counted in `stats().refused`, reported by `onDrop`. */
export type RefuseReason =
  'full' | 'closed' | 'invalid' | 'unserializable' | 'too-large' | 'filtered' | 'private' | 'disabled' | 'store-error';

/** Why an accepted event was dropped. Counted in `stats().dropped`, each one reported by `onDrop`. */
export type DropReason = 'rejected' | 'too-large' | 'store-error' | 'shutdown';

/** What `onDrop` gets. */
export interface DropInfo {
  /** The events as payloads; of one that could not be built its `eid` alone, where the caller gave one. */
  readonly events: readonly Payload[];
  readonly reason: RefuseReason | DropReason;
  /** What the store or the collector said, where that is why. */
  readonly error?: Error | undefined;
}

/** What a flush or a close did: events that reached the collector, events that failed meanwhile, events still held. */
export interface FlushReport {
  readonly sent: number;
  readonly failed: number;
  readonly remaining: number;
}

/** What an emitter learns of an event beside its payload. */
export interface EventMeta {
  readonly eventId: string;
  /** Must travel in a request of its own kind (`SP-Anonymous`), apart from events that are not anonymous. */
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
  /** Takes one event; `false` says that it was refused. Must not throw; what it throws is logged and counts as refused. */
  input(payload: Payload, meta: EventMeta): void | boolean;
  flush?(options?: { timeoutMs?: number }): unknown;
  close?(options?: { timeoutMs?: number }): unknown;
}

/**
 * An event between tracker and emitter: JSON text made once, at track time, so that nothing the caller changes later can
 * reach it and nothing below has to serialise again. Any object of this shape will do; `decodeEvent` makes one of the text
 * that an event store has kept.
 */
export interface EncodedEvent extends EventMeta {
  /** One flat JSON object whose values are all strings. Holds no `stm`: that belongs to each attempt to send. */
  readonly json: string;
  /** The UTF-8 length of `json`. */
  readonly bytes: number;
  /** The event as a frozen object, made when it is asked for: built-in emitters rarely need it. */
  payload(): Payload;
}

/**
 * The key under which a built-in emitter takes events already encoded, all or none of them.
 * A symbol of the process, because two installed copies of the package may meet.
 */
export const ENCODED_INPUT: unique symbol = Symbol.for('snowplow-middleware.encoded-input.v1') as never;

/**
 * A built-in emitter, as a tracker sees it. Its `input` declares under the same key that encoded events need not pass it, by
 * naming itself. An `input` that a subclass puts in front declares nothing, a spy that copies properties names another
 * function: both get every event as a payload.
 */
export interface EncodedInput extends EmitterLike {
  readonly input: EmitterLike['input'] & { readonly [ENCODED_INPUT]?: unknown };
  /** Takes all of the events or none; answers why not. */
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
  /** Attempts that failed and will be made again, counted by event. */
  readonly retried: number;
  readonly waiting: number;
  /** UTF-8 bytes of the events that wait. */
  readonly waitingBytes: number;
  readonly inFlight: number;
  /** Milliseconds since the epoch. */
  readonly lastSuccessAt?: number | undefined;
  readonly lastError?:
    { readonly message: string; readonly status?: number | undefined; readonly at: number } | undefined;
}

/** A count for each reason to refuse, all zero. */
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
