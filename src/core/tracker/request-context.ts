// What a request or a job adds to each event tracked in it: the visitor's subject, entities and privacy mode.
import { isAbsent } from '../contracts';
import type { TrackerEvent } from '../events/event';
import type { Log } from '../logger';
import { isSelfDescribing, type SelfDescribing } from '../protocol/self-describing-json';
import type { Subject } from '../protocol/subject';
import type { PrivacyMode } from './privacy';

const NO_ENTITIES: readonly SelfDescribing[] = [];

/** What a request or a job adds to each event tracked in it. */
export interface RequestContext {
  /** The visitor's own subject; replaced by `setSubject`. */
  subject: Subject;
  /** The current privacy mode. */
  readonly privacy: PrivacyMode;
  /** True in a request: a page view without a page then has its cause in the network, not in the caller's code. */
  readonly bringsPage?: boolean;
  /** Whether a page view was tracked in it; the tracker sets it. */
  pageViewed: boolean;
  /**
   * Called for each event; undefined refuses it as private. Never throws.
   *
   * @param anonymous Whether the event will be anonymous in any case.
   */
  forEvent(anonymous: boolean, event: TrackerEvent): EventSetting | undefined;
}

/** What an `entities` option is told of an event. */
export interface EventInfo {
  /** The wire's `e`: `pv`, `pp`, `se`, `ue`, `tr` or `ti`. */
  readonly type: string;
  /** The schema of a self-describing event. */
  readonly schema?: string;
}

/** Asks an `entities` option for its entities. Never throws: wrong ones are left out, with a line in the log. */
export function askForEntities(
  log: Log,
  ask: (event: EventInfo) => readonly SelfDescribing[],
  { fields, selfDescribing }: TrackerEvent,
): readonly SelfDescribing[] {
  let entities = NO_ENTITIES;
  log.guard('entities', () => {
    const type = String(fields['e']);
    const given: unknown = ask(selfDescribing ? { type, schema: selfDescribing.schema } : { type });
    if (Array.isArray(given) && given.every(isSelfDescribing)) entities = given;
    else if (!isAbsent(given))
      log.error('the entities hook did not return a list of { schema, data }; its part was left out');
    return given;
  });
  return entities;
}

export interface EventSetting {
  readonly subject: Subject;
  readonly anonymous: boolean;
  readonly entities: readonly SelfDescribing[];
}

/** A context that consists of a subject: `withSubject`, `runWith`, the app's tracker. */
export class PlainContext implements RequestContext {
  readonly entities = NO_ENTITIES;
  pageViewed = false;
  readonly #request: RequestContext | undefined;

  /** @param request The request in which it was created: its privacy mode holds, whoever the events are about. */
  constructor(
    public subject: Subject,
    request?: RequestContext,
  ) {
    // Keeps only the request: a chain of contexts would keep every job alive that started another job.
    this.#request = request instanceof PlainContext ? request.#request : request;
  }

  get privacy(): PrivacyMode {
    return this.#request?.privacy ?? 'none';
  }

  get anonymous(): boolean {
    return this.privacy === 'anonymous';
  }

  forEvent(): EventSetting | undefined {
    return this.privacy === 'skip' ? undefined : this;
  }
}
