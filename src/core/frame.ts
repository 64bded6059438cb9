// The part of a payload that stays the same from event to event: the tracker's and the subject's fields, as ready text.
import { cleanOfSubject } from './limits';
import { IDENTIFYING, type Subject } from './subject';

type Fields = Readonly<Record<string, string>>;

/** Everything about a payload that does not come from the event itself. */
export interface Frame {
  /** Ready text of the tracker's and the subject's fields, each followed by a comma. */
  readonly head: string;
  /** The subject's page and referrer: an event may bring its own instead. */
  readonly url: string | undefined;
  readonly refr: string | undefined;
  readonly anonymous: boolean;
}

/** Makes a frame from a tracker's fields and a subject's; of the subject's only what the pipeline takes. */
export function makeFrame(tracker: Fields, subject: Fields, anonymous: boolean): Frame {
  const fields: Record<string, string> = { ...tracker };
  for (const key of Object.keys(subject)) {
    const value = anonymous && IDENTIFYING.has(key) ? undefined : cleanOfSubject(key, subject[key]);
    if (value !== undefined) fields[key] = value;
  }
  const { url, refr, ...rest } = fields;
  let head = '';
  for (const key in rest) head += field(key, rest[key] as string);
  return { head, url, refr, anonymous };
}

// Printable ASCII without the quote and the backslash needs no escape; most values are that, and the test is cheap.
const PLAIN = /^[ !#-[\]-~]*$/;

/** One field as JSON text, followed by a comma. */
export function field(key: string, value: string): string {
  return PLAIN.test(value) ? `"${key}":"${value}",` : `"${key}":${JSON.stringify(value.toWellFormed())},`;
}

/** Keeps the last frame made, for as long as nothing that it was made from has changed. */
export class FrameCache {
  #frame: Frame | undefined;
  #defaults: Subject | undefined;
  #own: Subject | undefined;
  #versions = -1;

  get(tracker: Fields, defaults: Subject, own: Subject, anonymous: boolean): Frame {
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
    return (this.#frame = makeFrame(tracker, { ...defaults.fields, ...own.fields }, anonymous));
  }
}
