// The part of a payload that stays the same from event to event: the tracker's and the subject's fields, as ready text.
import { memoise } from '../memoise';
import { hasOwnKeysOnly } from '../protocol/own-keys';
import { Subject } from '../protocol/subject';
import { IDENTIFYING_KEYS } from './privacy';

type Fields = Readonly<Record<string, string>>;

/** A tracker's own fields: what stays the same as ready text, see {@link field}, and the platform, over which a subject may have its say. */
export interface TrackerFields {
  readonly head: string;
  readonly platform: string;
}

/** Everything about a payload that does not come from the event itself. */
export interface Frame {
  /** Ready text of the tracker's and the subject's fields, see {@link field}. */
  readonly head: string;
  /** The subject's page and referrer: an event may bring its own instead. */
  readonly url: string | undefined;
  readonly refr: string | undefined;
  readonly anonymous: boolean;
}

/** The text of a tracker's own fields: `tv`, `tna`, `aid`. */
export function trackerFields(fields: Fields, platform: string): TrackerFields {
  const text = Object.entries(fields).reduce((before, [key, value]) => before + field(key, value), '');
  return { head: openObject(text), platform };
}

/** Makes a frame from a tracker's fields and a subject's laid over the defaults. Runs for most requests: no copies. */
export function makeFrame(tracker: TrackerFields, defaults: Fields, own: Fields, anonymous: boolean): Frame {
  let { platform } = tracker;
  let url: string | undefined;
  let refr: string | undefined;
  let text = '';
  const ownOnly = hasOwnKeysOnly();
  for (const fields of [defaults, own])
    for (const key in fields) {
      if (!ownOnly && !Object.hasOwn(fields, key)) continue;
      const value = fields[key] as string;
      if (key === 'p') platform = value;
      else if (key === 'url') url = value;
      else if (key === 'refr') refr = value;
      else if (!(anonymous && IDENTIFYING_KEYS.has(key)) && (fields === own || !Object.hasOwn(own, key)))
        text += field(key, value);
    }
  return { head: tracker.head + field('p', platform) + text, url, refr, anonymous };
}

// Printable ASCII without the quote and the backslash needs no escape; most values are that, and the test is cheap.
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * One field of a flat JSON object: the end of the string before it, its name, and its value without the closing quote.
 * Fields put together so make half as many strings on the way as fields that are each whole.
 */
export function field(key: string, value: string): string {
  return opening(key) + (PLAIN.test(value) ? value : JSON.stringify(value.toWellFormed()).slice(1, -1));
}

/** A field but for its value: enough where the value is known to need no escape, as digits, a UUID, a URL or base64. */
export const opening = memoise(500, (key) => `","${key}":"`);

/** The first field has no string before it. */
export const openObject = (fields: string): string => `{${fields.slice(2)}`;

/** The last one has none behind it. */
export const closeObject = (fields: string): string => `${fields}"}`;

/** Keeps the last frame made, for as long as nothing that it was made from has changed. */
export class FrameCache {
  #frame: Frame | undefined;
  #defaults: Subject | undefined;
  #own: Subject | undefined;
  #versions = -1;

  get(tracker: TrackerFields, defaults: Subject, own: Subject, anonymous: boolean): Frame {
    // Versions only grow, so for the same two subjects their sum tells whether either has changed.
    const versions = defaults.version + own.version;
    const kept = this.#frame;
    if (
      kept &&
      own === this.#own &&
      defaults === this.#defaults &&
      versions === this.#versions &&
      kept.anonymous === anonymous
    )
      return kept;
    this.#own = own;
    this.#defaults = defaults;
    this.#versions = versions;
    return (this.#frame = makeFrame(
      tracker,
      Subject.fieldsOf(defaults),
      own === defaults ? NOTHING : Subject.fieldsOf(own),
      anonymous,
    ));
  }
}

const NOTHING: Fields = {};
