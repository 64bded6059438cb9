// Encodes an event's fields, subject, data and entities as one flat JSON text, once, at track time.
import { isDate } from 'node:util/types';
import { isAbsent, isObject, isUuid } from '../contracts';
import type { EncodedEvent, Payload } from '../emitter';
import { type EventArgs, millisOf, newEventId, type TrackerEvent } from '../events/event';
import { ALL_FIELDS, clean, EVENT_FIELDS, type Field } from '../protocol/fields';
import type { SelfDescribing } from '../protocol/self-describing-json';
import { withoutLinker } from '../url/linker';
import { entitiesJson, eventJson, toBase64 } from './encode-data';
import { IDENTIFYING_KEYS } from './privacy';
import { Refusal } from './refusal';

type Fields = Readonly<Record<string, string>>;

// Fields whose values never need an escape: `field` would test each value, at a cost that grows with its length.
const openingOf = (key: string): string => (ALL_FIELDS.get(key) as Field).opening;
const PAGE_URL = openingOf('url');
const REFERRER = openingOf('refr');
const UE_PX = openingOf('ue_px');
const CX = openingOf('cx');
const DTM = openingOf('dtm');
const TTM = openingOf('ttm');
const EID = openingOf('eid');

// An event's own data and entities together, in UTF-16 units of JSON.
const MAX_JSON = 65_536;

// Printable ASCII except the quote and the backslash needs no escape. Most values match, and the test is cheap.
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * One field of a flat JSON object. It begins with the closing quote of the value before it and leaves its own closing quote to the
 * next field. This needs half as many strings as fields with all their quotes.
 */
function field(key: string, value: string): string {
  const { opening, isPlain } = ALL_FIELDS.get(key) as Field;
  return opening + (isPlain || PLAIN.test(value) ? value : JSON.stringify(value.toWellFormed()).slice(1, -1));
}

/** A tracker's own fields as ready text. The platform is separate, because a subject may replace it. */
export interface TrackerFields {
  readonly text: string;
  readonly platform: string;
}

/** The part of a payload that does not come from the event itself. */
interface CommonFields {
  /** Ready text of the tracker's and the subject's fields. */
  readonly text: string;
  /** The subject's page and referrer: an event may have its own instead. */
  readonly url: string | undefined;
  readonly refr: string | undefined;
  readonly anonymous: boolean;
}

/** The text of a tracker's own fields: `tv`, `tna`, `aid`. */
export function trackerFields(fields: Fields, platform: string): TrackerFields {
  const text = Object.keys(fields).reduce((before, key) => before + field(key, fields[key] as string), '');
  // No string comes before the first field.
  return { text: `{${text.slice(2)}`, platform: field('p', platform) };
}

/** Combines a tracker's fields with a subject's, which override the defaults. */
export function commonFields(tracker: TrackerFields, defaults: Fields, own: Fields, anonymous: boolean): CommonFields {
  let { platform } = tracker;
  let url: string | undefined;
  let refr: string | undefined;
  let text = '';
  for (const fields of own === defaults ? [own] : [defaults, own])
    for (const key in fields) {
      if (!Object.hasOwn(fields, key)) continue;
      const value = fields[key] as string;
      if (key === 'p') platform = field('p', value);
      else if (key === 'url') url = value;
      else if (key === 'refr') refr = value;
      else if (!(anonymous && IDENTIFYING_KEYS.has(key)) && (fields === own || !Object.hasOwn(own, key)))
        text += field(key, value);
    }
  return { text: tracker.text + platform + text, url, refr, anonymous };
}

// All events of one millisecond share the text.
let createdAt = 0;
let createdText = '';

/**
 * Encodes one event.
 *
 * @param base64 Whether data and entities are sent as `ue_px` and `cx` (URL-safe base64) or as `ue_pr` and `co`.
 * @throws Refusal if the event is invalid, too large or too deep; any error that the caller's own data throws when it is read.
 */
export function encodeEvent(
  event: TrackerEvent,
  common: CommonFields,
  entities: readonly SelfDescribing[],
  base64: boolean,
): EncodedEvent {
  const { fields, selfDescribing, args } = event;
  const { anonymous } = common;
  let { text, url, refr } = common;
  let type: string | undefined;
  for (const key in fields) {
    const value = Object.hasOwn(fields, key) ? clean(key, fields[key], EVENT_FIELDS) : undefined;
    if (value === undefined) continue;
    if (key === 'url') url = value;
    else if (key === 'refr') refr = value;
    else text += field(key, value);
    if (key === 'e') type = value;
  }
  if (type === undefined || (type === 'ue' && !selfDescribing)) throw new Refusal('invalid');
  if (anonymous) {
    url = url && anonymousUrl('url', url);
    refr = refr && anonymousUrl('refr', refr);
  }
  // No character of a URL needs an escape.
  if (url) text += PAGE_URL + url;
  if (refr) text += REFERRER + refr;

  let budget = MAX_JSON;
  if (selfDescribing) {
    const json = eventJson(selfDescribing);
    budget -= json.length;
    text += base64 ? UE_PX + toBase64(json) : field('ue_pr', json);
  }
  const context = entities.length === 0 && isAbsent(args.context) ? undefined : entitiesJson(args.context, entities);
  if (context !== undefined) {
    budget -= context.length;
    text += base64 ? CX + toBase64(context) : field('co', context);
  }
  if (budget < 0) throw new Refusal('too-large');

  const eventId = args.eventId && isUuid(args.eventId) ? args.eventId : newEventId();
  const now = Date.now();
  if (now !== createdAt) {
    createdAt = now;
    createdText = DTM + String(now);
  }
  text += isAbsent(args.timestamp) ? createdText : times(args.timestamp, createdText);
  return encodedEvent(`${text}${EID}${eventId}"}`, eventId, anonymous);
}

/**
 * Encodes a payload object that a `beforeSend` hook returned or an emitter's `input` received. Fields that the pipeline does not
 * take are left out. Undefined without `tv`, `p` or `e`, which payload_data 1-0-4 requires.
 */
export function encodePayload(
  payload: Readonly<Record<string, unknown>>,
  eventId: string,
  anonymous: boolean,
): EncodedEvent | undefined {
  let text = '';
  const required = new Set(['tv', 'p', 'e']);
  for (const key of Object.keys(payload)) {
    let value = key === 'stm' || key === 'eid' ? undefined : clean(key, payload[key]);
    if (anonymous && value !== undefined) {
      if (key === 'url' || key === 'refr') value = anonymousUrl(key, value);
      else if (IDENTIFYING_KEYS.has(key)) value = undefined;
    }
    if (value === undefined) continue;
    required.delete(key);
    text += field(key, value);
  }
  if (required.size > 0) return undefined;
  text += field('eid', eventId);
  return encodedEvent(`{${text.slice(2)}"}`, eventId, anonymous);
}

/**
 * Makes an event from its JSON text.
 *
 * @param json One flat JSON object whose values are all strings.
 * @param bytes The UTF-8 length of `json`.
 */
export function encodedEvent(
  json: string,
  eventId: string,
  anonymous: boolean,
  bytes = Buffer.byteLength(json),
): EncodedEvent {
  return { json, bytes, eventId, anonymous, payload };
}

function payload(this: EncodedEvent): Payload {
  return Object.freeze(JSON.parse(this.json) as Record<string, string>);
}

/** A page's URL without the linker's ids of the visitor; undefined if the rest is not a URL. */
function anonymousUrl(key: 'url' | 'refr', url: string): string | undefined {
  const left = withoutLinker(url);
  return left === url ? url : clean(key, left);
}

function times(timestamp: EventArgs['timestamp'], created: string): string {
  const { type, value } = isObject(timestamp) && !isDate(timestamp) ? timestamp : { type: 'ttm', value: timestamp };
  const time = millisOf(value);
  if (time === undefined) return created;
  if (type === 'dtm') return DTM + String(time);
  return type === 'ttm' ? created + TTM + String(time) : created;
}
