// What the package tells `node:diagnostics_channel`: nothing is made for a message while nobody listens.
import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { DropReason, EncodedEvent, FlushReport, Payload, RefuseReason } from './emitter';

/** A message of `snowplow:track`: an event that at least one emitter has taken. */
export interface TrackMessage {
  readonly eventId: string;
  readonly anonymous: boolean;
  /** The event as it will be sent, but for `stm`. May be personal. */
  payload(): Payload;
}

/** A message of `snowplow:drop`: events that were refused, or accepted and given up. */
export interface DropMessage {
  readonly reason: RefuseReason | DropReason;
  readonly events: number;
}

/** A message of the tracing channel `snowplow:flush`: one flush of one emitter, the last one of a close included. */
export interface FlushMessage {
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What it did; there from `asyncStart` on. */
  readonly result?: FlushReport;
}

const tracked = channel('snowplow:track');
const dropped = channel('snowplow:drop');
const flushed = tracingChannel<'snowplow:flush', FlushMessage>('snowplow:flush');

/** Says that an event was taken. */
export function tellTracked(event: EncodedEvent): void {
  if (tracked.hasSubscribers)
    tracked.publish({
      eventId: event.eventId,
      anonymous: event.anonymous,
      payload: () => event.payload(),
    } satisfies TrackMessage);
}

/** Says that events will not arrive, and why. */
export function tellDropped(reason: RefuseReason | DropReason, events: number): void {
  if (dropped.hasSubscribers) dropped.publish({ reason, events } satisfies DropMessage);
}

/** Runs a flush so that tracing tools see where it begins and ends. */
export function traceFlush(timeoutMs: number, flush: () => Promise<FlushReport>): Promise<FlushReport> {
  return flushed.hasSubscribers ? flushed.tracePromise(flush, { timeoutMs }) : flush();
}
