// What all events have in common: their shared arguments, their ids, and the shape that builders make for track().
import { randomFillSync } from 'node:crypto';
import { isDate } from 'node:util/types';
import {
  type Caller,
  checkOptionalFlag,
  checkOptionalUuid,
  contractsFor,
  fail,
  isAbsent,
  isObject,
  isUuid,
} from '../contracts';
import { ContractError, hasCode, UNREADABLE } from '../errors';
import { isTime } from '../protocol/fields';
import { checkEntities, type SelfDescribing } from '../protocol/self-describing-json';
import { isSubject, type Subject } from '../protocol/subject';

/**
 * When an event happened. A number (milliseconds since the epoch) or a Date is the true timestamp `ttm`, sent alongside the
 * creation time `dtm`; `{ type: 'dtm', value }` overrides `dtm` itself.
 */
export type Timestamp = number | Date | { readonly type: 'ttm' | 'dtm'; readonly value: number | Date };

type Optional<T> = T | null | undefined;

/** Arguments that every event takes in addition to its own. undefined, null and '' all mean absent. */
export interface EventArgs {
  /** Entities that describe the circumstances of the event. */
  readonly context?: Optional<readonly SelfDescribing[]>;
  /** When it happened, if not now. */
  readonly timestamp?: Optional<Timestamp>;
  /** Overrides the tracker's subject, field by field, for this event alone. */
  readonly subject?: Optional<Subject>;
  /** The event's id, a UUID; generated if absent. */
  readonly eventId?: Optional<string>;
  /** Leaves out what identifies the visitor, and tells the collector to do the same (`SP-Anonymous`). */
  readonly anonymous?: Optional<boolean>;
}

/** An event before it is tracked: a builder such as `pageView(args)` makes it, `track()` takes it. */
export interface TrackerEvent {
  /** Wire key to value, not yet checked against the pipeline's limits. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The schema and data of a self-describing event (`e=ue`). */
  readonly selfDescribing?: SelfDescribing;
  readonly args: EventArgs;
  /** Events that are accepted or refused together with this one: a transaction's items. */
  readonly items?: readonly TrackerEvent[];
}

/** A point in time as whole milliseconds since the epoch; undefined if the pipeline does not take it. */
export function millisOf(value: unknown): number | undefined {
  // Not `instanceof`: a Date may come from another realm.
  const millis = isDate(value) ? value.getTime() : value;
  return typeof millis === 'number' && isTime(millis) ? Math.trunc(millis) : undefined;
}

const EARLY = Date.UTC(2001, 0);

/** Whether a timestamp is probably in seconds, or from a clock that started with the process. */
export function isBefore2001(timestamp: Timestamp): boolean {
  const millis = millisOf(typeof timestamp === 'object' && 'value' in timestamp ? timestamp.value : timestamp);
  return millis !== undefined && millis < EARLY;
}

/**
 * Checks the arguments that every event takes.
 *
 * @param path Where the arguments are, with a trailing dot, if they are not the caller's own: `items[1].`.
 */
export function checkEventArgs(caller: string, args: unknown, path = ''): asserts args is EventArgs {
  if (!isObject(args)) fail(caller, path.slice(0, -1) || 'args', 'an object', args);
  const { context, timestamp, subject, eventId, anonymous } = args as EventArgs;
  if (!isAbsent(context)) checkEntities(caller, `${path}context`, context);
  if (!isAbsent(timestamp)) checkTimestamp(caller, `${path}timestamp`, timestamp);
  if (!isAbsent(subject) && !isSubject(subject)) fail(caller, `${path}subject`, 'a Subject', subject);
  if (!isAbsent(eventId)) checkOptionalUuid(caller, `${path}eventId`, eventId);
  if (!isAbsent(anonymous)) checkOptionalFlag(caller, `${path}anonymous`, anonymous);
}

function checkTimestamp(caller: string, path: string, timestamp: Timestamp): void {
  const { type, value } = timestamp as { type?: unknown; value?: unknown };
  if (millisOf(type === 'ttm' || type === 'dtm' ? value : timestamp) === undefined)
    fail(caller, path, "milliseconds since 1970, a Date or { type: 'ttm' | 'dtm', value }", timestamp);
}

/**
 * Makes the public builder, which follows the process's contract switch. Arguments that throw when they are read break the
 * contract; with contracts off they give an empty event, which the tracker refuses.
 */
export function publicBuilder<Args>(name: string, build: (args: Args, caller: Caller) => TrackerEvent) {
  return publicFunction(name, build, NO_EVENT);
}

const NO_EVENT: TrackerEvent = { fields: {}, args: {} };

/** The same for a function that makes anything else; `unreadable` is what it makes of such arguments with contracts off. */
export function publicFunction<Args, Result>(
  name: string,
  make: (args: Args, caller: Caller) => Result,
  unreadable: Result,
) {
  return (args: Args): Result => {
    const caller = contractsFor(name);
    try {
      return make(args, caller);
    } catch (error) {
      if (!caller) return unreadable;
      if (hasCode(error, 'ERR_SNOWPLOW_CONTRACT')) throw error;
      throw new ContractError(caller, 'args', 'an object that can be read', UNREADABLE);
    }
  };
}

/** The id in an event, or in the arguments if no event could be built. */
export function eventIdOf(given: unknown): string | undefined {
  try {
    const { eventId, args, event } = given as Partial<EventArgs & TrackerEvent & { event: Partial<TrackerEvent> }>;
    const id = eventId ?? args?.eventId ?? event?.args?.eventId;
    return isUuid(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** A self-describing event. Absent members of its data are left out. */
export function selfDescribingEvent(schema: string, data: Record<string, unknown>, args: EventArgs): TrackerEvent {
  return { fields: { e: 'ue' }, selfDescribing: { schema, data: present(data) }, args };
}

/** A copy of `data` without absent members. */
export function present(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => !isAbsent(value)));
}

const IDS_AT_ONCE = 512;
const ID_BYTES = 16;
const ID_LENGTH = 36;
const HEX = Buffer.from('0123456789abcdef', 'latin1');

// Separate memory that is never released; not slices of the pool that other buffers use.
const random = Buffer.allocUnsafeSlow(IDS_AT_ONCE * ID_BYTES);
const ids = Buffer.allocUnsafeSlow(IDS_AT_ONCE * ID_LENGTH);
let nextId = IDS_AT_ONCE;

/**
 * A new event id: a random UUID (version 4, RFC 9562) in lower case. Many are made at a time: crypto.randomUUID() makes track()
 * 4 to 7 % slower, measured on Node 24 with `bench/`.
 */
export function newEventId(): string {
  if (nextId === IDS_AT_ONCE) makeIds();
  const start = nextId++ * ID_LENGTH;
  return ids.toString('latin1', start, start + ID_LENGTH);
}

function makeIds(): void {
  randomFillSync(random);
  ids.fill('-');
  let at = 0;
  for (let index = 0; index < random.length; index++) {
    const place = index % ID_BYTES;
    let byte = random[index] as number;
    if (place === 6) byte = (byte & 0x0f) | 0x40; // the version
    if (place === 8) byte = (byte & 0x3f) | 0x80; // the variant
    if (place === 4 || place === 6 || place === 8 || place === 10) at++;
    ids[at++] = HEX[byte >> 4] as number;
    ids[at++] = HEX[byte & 15] as number;
  }
  nextId = 0;
}
