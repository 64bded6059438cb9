// An event's fields, subject, data and entities become one flat JSON text, once, at track time.
import { isDate } from 'node:util/types';
import { type Caller, isAbsent, isUuid } from '../contracts';
import { EncodedEvent, type RefuseReason } from '../emitter';
import { ContractError, hasCode } from '../errors';
import { type EventArgs, millisOf, type TrackerEvent } from '../events/event';
import { newEventId } from '../protocol/event-id';
import { closeObject, field, type Frame, opening, openObject } from './common-fields';
import { clean, cleanOfEvent } from '../protocol/fields';
import { withoutLinker } from '../url/linker';
import { hasOwnKeysOnly } from '../protocol/own-keys';
import { jsonOpening, type SelfDescribing } from '../protocol/self-describing-json';
import { IDENTIFYING_KEYS } from './privacy';
import { isObject } from '../shape';

// Values of these need no escape, and the test for one costs by the length.
const DTM = opening('dtm');
const TTM = opening('ttm');
const EID = opening('eid');
const PAGE = { url: opening('url'), refr: opening('refr') } as const;
const UE_PX = opening('ue_px');
const CX = opening('cx');

const UNSTRUCT = 'iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0';
const CONTEXTS = 'iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1';

// The pipeline refuses JSON deeper than 40; the envelopes take three of them.
const MAX_DEPTH = 32;
// An event's own data and entities together, in UTF-16 units of JSON.
const MAX_JSON = 65_536;

type Breach = Pick<ContractError, 'path' | 'expected' | 'received'>;

/** An event that cannot become a payload; its reason is what the tracker counts. Never reaches the user. */
export class Refusal extends Error {
  readonly #reason: RefuseReason;
  readonly #breach: Breach | undefined;

  /** @param breach What an argument has to be, and is not, where it is the caller's fault. */
  constructor(reason: RefuseReason, breach?: Breach) {
    super(reason);
    this.#reason = reason;
    this.#breach = breach;
  }

  /** Why an event was refused that `error` was thrown for, whatever that is. */
  static reasonOf(error: unknown): RefuseReason {
    return Refusal.#is(error) ? error.#reason : 'unserializable';
  }

  /** The broken contract that `error` is, or would be if a caller's arguments were checked; undefined where it is none. */
  static breachOf(error: unknown, caller: Caller): ContractError | undefined {
    if (hasCode(error, 'ERR_SNOWPLOW_CONTRACT')) return error as ContractError;
    if (!caller || !Refusal.#is(error) || !error.#breach) return undefined;
    const { path, expected, received } = error.#breach;
    return new ContractError(caller, path, expected, received);
  }

  static #is(error: unknown): error is Refusal {
    return isObject(error) && #reason in error;
  }
}

/**
 * Encodes one event.
 *
 * @param base64 Whether data and entities go as `ue_px` and `cx` (URL-safe base64) or as `ue_pr` and `co`.
 * @throws Refusal when it is no event, too large or too deep; whatever the caller's own data throws when it is read.
 */
export function encodeEvent(
  event: TrackerEvent,
  frame: Frame,
  entities: readonly SelfDescribing[],
  base64: boolean,
): EncodedEvent {
  const { fields, selfDescribing, args } = event;
  const type = cleanOfEvent('e', fields['e']);
  if (type === undefined || (type === 'ue' && !selfDescribing)) throw new Refusal('invalid');
  let text = frame.head;
  let { url, refr } = frame;
  const ownOnly = hasOwnKeysOnly();
  for (const key in fields) {
    if (!ownOnly && !Object.hasOwn(fields, key)) continue;
    const value = cleanOfEvent(key, fields[key]);
    if (value === undefined) continue;
    if (key === 'url') url = value;
    else if (key === 'refr') refr = value;
    else text += field(key, value);
  }
  text += urlField('url', url, frame.anonymous) + urlField('refr', refr, frame.anonymous);

  let budget = MAX_JSON;
  if (selfDescribing) {
    const json = `{"schema":"${UNSTRUCT}","data":${stringify(selfDescribing, 'event')}}`;
    budget -= json.length;
    text += base64 ? UE_PX + toBase64(json) : field('ue_pr', json);
  }
  const items = entityTexts(args.context, entities);
  if (items !== '') {
    const json = `{"schema":"${CONTEXTS}","data":[${items}]}`;
    budget -= json.length;
    text += base64 ? CX + toBase64(json) : field('co', json);
  }
  if (budget < 0) throw new Refusal('too-large');

  text = closeObject(text + times(args.timestamp) + EID + (isUuid(args.eventId) ? args.eventId : newEventId()));
  return new EncodedEvent(text, Buffer.byteLength(text), undefined, frame.anonymous);
}

/**
 * Encodes a payload that has been an object: from a `beforeSend` hook, or handed to an emitter's `input`. Only what the
 * pipeline takes is kept; undefined when it is no event (`tv`, `p` and `e` are required by payload_data 1-0-4).
 */
export function encodePayload(
  payload: Readonly<Record<string, unknown>>,
  eventId: string,
  anonymous: boolean,
): EncodedEvent | undefined {
  let text = '';
  const required = new Set(['tv', 'p', 'e']);
  for (const key of Object.keys(payload)) {
    const value = key === 'stm' || key === 'eid' ? undefined : clean(key, payload[key]);
    if (value === undefined || (anonymous && IDENTIFYING_KEYS.has(key))) continue;
    required.delete(key);
    text += key === 'url' || key === 'refr' ? urlField(key, value, anonymous) : field(key, value);
  }
  if (required.size > 0) return undefined;
  text = closeObject(openObject(text + field('eid', eventId)));
  return new EncodedEvent(text, Buffer.byteLength(text), undefined, anonymous);
}

function urlField(key: 'url' | 'refr', value: string | undefined, anonymous: boolean): string {
  const told = value && anonymous ? withoutLinker(value) : value;
  // What is left may be nothing but a scheme.
  const url = told === value ? value : clean(key, told);
  // Nothing that a URL may hold needs an escape.
  return url ? PAGE[key] + url : '';
}

function entityTexts(context: EventArgs['context'], further: readonly SelfDescribing[]): string {
  let texts = '';
  let index = 0;
  for (const entity of isAbsent(context) ? [] : context)
    texts += `${texts && ','}${stringify(entity, 'context', index++)}`;
  for (const entity of further) texts += `${texts && ','}${stringify(entity)}`;
  return texts;
}

function times(timestamp: EventArgs['timestamp']): string {
  const { type, value } = isObject(timestamp) && !isDate(timestamp) ? timestamp : { type: 'ttm', value: timestamp };
  const time = millisOf(value);
  if (time !== undefined && type === 'dtm') return DTM + String(time);
  return time !== undefined && type === 'ttm' ? created() + TTM + String(time) : created();
}

// Of events that come in one millisecond the text is made once.
let createdAt = 0;
let createdText = '';

function created(): string {
  const now = Date.now();
  if (now !== createdAt) {
    createdAt = now;
    createdText = DTM + String(now);
  }
  return createdText;
}

// Most data fits into one buffer that is used again and again.
const scratch = Buffer.allocUnsafeSlow(16_384);

function toBase64(json: string): string {
  // A unit takes three bytes at the most.
  if (json.length * 3 > scratch.length) return Buffer.from(json).toString('base64url');
  return scratch.toString('base64url', 0, scratch.write(json));
}

// With the argument's name its caller is told of data that will not do; a hook's entities are nobody's argument.
function stringify({ schema, data }: SelfDescribing, argument?: string, index?: number): string {
  // Asked again here, because contracts may be off: without a schema of the right form the pipeline reads nothing.
  const opening = jsonOpening(schema);
  if (opening === '') throw new Refusal('invalid');
  const json = jsonOf(data);
  if (json === undefined) throw new Refusal('unserializable');
  if (json[0] !== '{') throw unfit('an object', 'a toJSON() that gives none', argument, index);
  if (isTooDeep(json)) throw unfit(`at most ${MAX_DEPTH} levels deep`, 'more', argument, index);
  return `${opening}${json}}`;
}

function unfit(expected: string, received: string, argument: string | undefined, index: number | undefined): Refusal {
  if (argument === undefined) return new Refusal('invalid');
  return new Refusal('invalid', {
    path: `${argument}${index === undefined ? '' : `[${index}]`}.data`,
    expected,
    received,
  });
}

function jsonOf(data: unknown): string | undefined {
  try {
    return JSON.stringify(data);
  } catch {
    // A BigInt has no JSON of its own; as text nothing of it is lost. What else is wrong throws again.
    return JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  }
}

function isTooDeep(json: string): boolean {
  if (count(json, '{', MAX_DEPTH) + count(json, '[', MAX_DEPTH) <= MAX_DEPTH) return false;
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < json.length; index++) {
    const char = json[index];
    if (quoted) {
      if (char === '\\') index++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}

// How often `char` occurs, counted to just above `limit`.
function count(text: string, char: string, limit: number): number {
  let found = 0;
  for (let at = text.indexOf(char); at !== -1 && found <= limit; at = text.indexOf(char, at + 1)) found++;
  return found;
}
