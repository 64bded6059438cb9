// What track() is given: a builder's event or self-describing data, and arguments that are laid over it.
import { type Caller, fail, isAbsent, isObject } from '../contracts';
import type { SelfDescribing } from '../protocol/self-describing-json';
import { checkEventArgs, type EventArgs, present, type TrackerEvent } from './event';
import { buildSelfDescribingEvent } from './self-describing';

/** The arguments of `track()`. */
export interface Given {
  readonly event: TrackerEvent | SelfDescribing;
  readonly args?: EventArgs | undefined;
}

/** Makes one event of what `track()` is given. */
export function buildGiven({ event, args }: Given, caller: Caller): TrackerEvent {
  if (caller && args !== undefined) checkEventArgs(caller, args);
  if (isData(event)) return buildSelfDescribingEvent({ ...args, event }, caller);
  if (caller && !isEvent(event)) fail(caller, 'event', 'an event made by a builder, or { schema, data }', event);
  if (args === undefined) return event;
  const whole = { ...event, args: withArgs(event.args, args) };
  if (isAbsent(event.items)) return whole;
  // A transaction's items share its time and its subject, not its id and its entities.
  const { timestamp, subject, anonymous } = args;
  const shared = { timestamp, subject, anonymous };
  return { ...whole, items: event.items.map((item) => ({ ...item, args: withArgs(item.args, shared) })) };
}

const isData = (event: unknown): event is SelfDescribing =>
  isObject(event) && 'schema' in event && !('fields' in event);

const isEvent = (event: unknown): boolean =>
  isObject(event) &&
  isObject((event as TrackerEvent).fields) &&
  isObject((event as TrackerEvent).args) &&
  (isAbsent((event as TrackerEvent).items) || Array.isArray((event as TrackerEvent).items));

/** The event's own arguments with those that are present laid over them; its entities stay, and the others follow. */
function withArgs(own: EventArgs, given: EventArgs): EventArgs {
  const laidOver: EventArgs = { ...own, ...present(given as Record<string, unknown>) };
  return isAbsent(own.context) || isAbsent(given.context)
    ? laidOver
    : { ...laidOver, context: [...own.context, ...given.context] };
}
