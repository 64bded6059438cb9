// The channels of `node:diagnostics_channel`. Without a subscriber no message is created. An error in a subscriber is logged,
// because Node's own publish() would end the process.
import type { AsyncLocalStorage } from 'node:async_hooks';
import { type Channel, channel, tracingChannel } from 'node:diagnostics_channel';
import type { DropReason, EncodedEvent, FlushReport, Payload, RefuseReason } from './emitter';
import { Log } from './logger';
import { currentMark, runMarked } from './marks';

/** A message of `snowplow:track`: an event that at least one emitter has accepted. */
export interface TrackMessage {
  readonly eventId: string;
  readonly anonymous: boolean;
  /** The event as it will be sent, without `stm`. May hold personal data. */
  payload(): Payload;
}

/** A message of `snowplow:drop`: events that were refused, or accepted and dropped. */
export interface DropMessage {
  readonly reason: RefuseReason | DropReason;
  readonly events: number;
}

/** A message of the tracing channel `snowplow:flush`: one flush of one emitter, including the last flush of a close. */
export interface FlushMessage {
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What it did; set before `asyncStart`. */
  readonly result?: FlushReport;
}

/** The channel `snowplow:track`. Callers of {@link publishTracked} check it for subscribers first. */
export const trackChannel = channel('snowplow:track');
const dropped = channel('snowplow:drop');
const flushed = tracingChannel<'snowplow:flush', FlushMessage>('snowplow:flush');
const log = new Log();

/** Publishes that at least one emitter accepted an event. */
export function publishTracked(event: EncodedEvent): void {
  if (!currentMark())
    publish(trackChannel, {
      eventId: event.eventId,
      anonymous: event.anonymous,
      payload: () => event.payload(),
    } satisfies TrackMessage);
}

/** Publishes that events will not arrive, and why. */
export function publishDropped(reason: RefuseReason | DropReason, events: number): void {
  if (dropped.hasSubscribers) publish(dropped, { reason, events } satisfies DropMessage);
}

/** Runs a flush so that tracing tools see its begin and end. */
export function traceFlush(timeoutMs: number, flush: () => Promise<FlushReport>): Promise<FlushReport> {
  if (!flushed.hasSubscribers || currentMark()) return flush();
  const { start, end, asyncStart, asyncEnd } = flushed;
  const message: { timeoutMs: number; result?: FlushReport } = { timeoutMs };
  const traced = async (): Promise<FlushReport> => {
    publish(start, message);
    const flushing = flush();
    publish(end, message);
    message.result = await flushing;
    publish(asyncStart, message);
    publish(asyncEnd, message);
    return message.result;
  };
  return inStores(start, message, traced);
}

// Node's own lists: publish() is the only public way to the subscribers. A runtime without these lists uses publish().
interface Subscribed {
  readonly _subscribers?: readonly ((message: unknown, name: string | symbol) => unknown)[];
  readonly _stores?: ReadonlyMap<AsyncLocalStorage<unknown>, ((message: unknown) => unknown) | undefined>;
}

function publish(to: Channel, message: object): void {
  if (!to.hasSubscribers) return;
  const { _subscribers: subscribers } = to as Subscribed;
  if (!Array.isArray(subscribers)) return runMarked('callback', () => to.publish(message));
  for (const subscriber of [...subscribers] as NonNullable<Subscribed['_subscribers']>)
    log.guard(`a subscriber of ${String(to.name)}`, () => runMarked('callback', subscriber, message, to.name));
}

// Runs in the context that tracing tools have bound to the channel.
function inStores<Result>(to: Channel, message: object, run: () => Result): Result {
  let bound = run;
  for (const [store, transform] of (to as Subscribed)._stores ?? []) {
    const inner = bound;
    const context = transform ? log.guard(`a store bound to ${String(to.name)}`, transform, message) : message;
    bound = () => store.run(context, inner);
  }
  return bound();
}
