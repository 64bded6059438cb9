// The part of a payload that stays the same from event to event: the tracker's and the subject's fields, as ready text.
import { IDENTIFYING, Subject } from './subject';

type Fields = Readonly<Record<string, string>>;

/** A tracker's own fields: what stays the same as ready text, and the platform, over which a subject may have its say. */
export interface TrackerFields {
  readonly head: string;
  readonly platform: string;
}

/** Everything about a payload that does not come from the event itself. */
export interface Frame {
  /** Ready text of the tracker's and the subject's fields, each followed by a comma. */
  readonly head: string;
  /** The subject's page and referrer: an event may bring its own instead. */
  readonly url: string | undefined;
  readonly refr: string | undefined;
  readonly anonymous: boolean;
}

/** The text of a tracker's own fields: `tv`, `tna`, `aid`. */
export function trackerFields(fields: Fields, platform: string): TrackerFields {
  return { head: Object.entries(fields).reduce((text, [key, value]) => text + field(key, value), ''), platform };
}

/** Makes a frame from a tracker's fields and a subject's laid over the defaults. Runs for most requests: no copies. */
export function makeFrame(tracker: TrackerFields, defaults: Fields, own: Fields, anonymous: boolean): Frame {
  let head = tracker.head + field('p', own['p'] ?? defaults['p'] ?? tracker.platform);
  for (const key in defaults) if (own[key] === undefined) head += subjectField(key, defaults[key] as string, anonymous);
  for (const key in own) head += subjectField(key, own[key] as string, anonymous);
  return { head, url: own['url'] ?? defaults['url'], refr: own['refr'] ?? defaults['refr'], anonymous };
}

function subjectField(key: string, value: string, anonymous: boolean): string {
  if (key === 'p' || key === 'url' || key === 'refr' || (anonymous && IDENTIFYING.has(key))) return '';
  return field(key, value);
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
