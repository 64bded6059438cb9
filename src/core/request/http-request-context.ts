// The context of one HTTP request: the visitor's subject, read from the request's strings at the first event, and what the app's
// hooks add while the request is open.
import { isAbsent, isThenable } from '../contracts';
import type { TrackerEvent } from '../events/event';
import { currentMark } from '../marks';
import type { SelfDescribing } from '../protocol/self-describing-json';
import { Subject } from '../protocol/subject';
import type { TrackerCore } from '../tracker/pipeline';
import { decidePrivacy, type PrivacyMode, type PrivacyRules } from '../tracker/privacy';
import { askForEntities, type EventInfo, type EventSetting, type RequestContext } from '../tracker/request-context';
import { type Header, headerEntities } from './header-entities';
import { clientSession, type RequestFacts, requestFields, type RequestRules } from './request-fields';

type Fields = Readonly<Record<string, string>>;

/** What an app can decide for each request. Every hook runs guarded, so that its error never reaches the visitor. */
export interface RequestHooks<Req> {
  readonly subject: ((req: Req, subject: Subject) => void) | undefined;
  readonly entities: ((req: Req, event: EventInfo) => readonly SelfDescribing[]) | undefined;
  readonly clientSession: boolean;
}

/** Node's response to the request. */
interface Response {
  readonly headersSent: boolean;
  readonly statusCode: number;
}

interface Outcome {
  readonly route: string | undefined;
  readonly status: number | undefined;
}

/** How a middleware reads its requests; shared by all of them. Nothing is read before it is needed. */
export interface RequestReading<Req> {
  readonly facts: (req: Req) => RequestFacts;
  /** A read-only snapshot of a request that ends now, for a later event: it keeps no reference to the request. */
  readonly snapshot: (req: Req) => () => RequestFacts;
  /** The request headers to attach as entities. */
  readonly headers: ((req: Req) => readonly Header[]) | undefined;
  /** The pattern of the route, if the response is attached as an entity. */
  readonly route: ((req: Req) => string | undefined) | undefined;
  readonly rules: RequestRules;
  readonly privacy: PrivacyRules<Req>;
  /** The privacy mode of all requests, if it is fixed. */
  readonly fixedPrivacy: PrivacyMode | undefined;
  /** Whether hooks decide the privacy mode, so that each event has to call them. */
  readonly asksPrivacy: boolean;
  readonly hooks: RequestHooks<Req>;
  readonly core: TrackerCore;
  /** Called if `redactUrl` failed. */
  readonly onHookError: (hook: string) => void;
}

const NONE: readonly SelfDescribing[] = [];
const HTTP_RESPONSE = 'iglu:io.github.snowplow_middleware/http_response/jsonschema/1-0-0';

// Created for every request. Most requests track nothing, so all work waits for the first event.
export class HttpRequestContext<Req extends object> implements RequestContext {
  readonly bringsPage = true;
  /** When the request arrived, in milliseconds since the epoch. */
  readonly arrivedAt = Date.now();
  pageViewed = false;
  /** Whether the response is done. */
  ended = false;
  readonly #reading: RequestReading<Req>;
  // Removed when the response is done: a timer that the request started must not keep it alive.
  #req: Req | undefined;
  #res: Response | undefined;
  #facts: RequestFacts | undefined;
  #snapshot: (() => RequestFacts) | undefined;
  #headers: readonly Header[] | undefined;
  #headerEntities: readonly SelfDescribing[] | undefined;
  #headersAnonymously = false;
  #subject: Subject | undefined;
  // The subject's fields as read from the request, and whether they were read for anonymous events. Undefined if a handler has
  // replaced the subject.
  #read: Fields | undefined;
  #readAnonymously = false;
  #hooked: Subject | undefined;
  #session: SelfDescribing | undefined | null = null;
  #extra: readonly SelfDescribing[] = NONE;
  // The response's route and status, after the request has ended.
  #outcome: Outcome | undefined;
  #privacy: PrivacyMode | undefined;

  constructor(req: Req, res: Response, reading: RequestReading<Req>) {
    this.#req = req;
    this.#res = res;
    this.#reading = reading;
    this.#privacy = reading.fixedPrivacy;
  }

  get facts(): RequestFacts {
    if (this.#facts) return this.#facts;
    const { facts } = this.#reading;
    const read = this.#req ? facts(this.#req) : (this.#snapshot as () => RequestFacts)();
    const given = read as unknown as Record<string, unknown>;
    let checked: Record<string, unknown> | undefined;
    // Other middleware may have put any value into a header, and an app's `ip` hook may return any value.
    for (const name of Object.keys(given))
      if (typeof given[name] !== 'string' && given[name] !== undefined) (checked ??= { ...given })[name] = undefined;
    return (this.#facts = (checked ?? read) as RequestFacts);
  }

  get privacy(): PrivacyMode {
    const { privacy, asksPrivacy, core } = this.#reading;
    const req = this.#req;
    // Only a hook may decide differently the next time. In a hook of an event, the decision for that event holds.
    if (this.#privacy && (!asksPrivacy || !req || currentMark() === 'hook')) return this.#privacy;
    const signals = privacy.respectPrivacySignals === 'off' ? undefined : this.facts;
    return (this.#privacy = decidePrivacy(privacy, signals, req, core.log));
  }

  get subject(): Subject {
    if (!this.#subject) this.#readFields(this.privacy !== 'none');
    return this.#subject as Subject;
  }

  set subject(subject: Subject) {
    if (subject === this.#subject) return;
    this.#subject = subject;
    this.#read = undefined;
  }

  forEvent(asked: boolean, event: TrackerEvent): EventSetting | undefined {
    const { privacy } = this;
    if (privacy === 'skip') return undefined;
    const anonymous = privacy === 'anonymous';
    if (!this.#subject || (this.#read && this.#readAnonymously !== anonymous)) this.#readFields(anonymous);
    const subject = this.#subject as Subject;
    const { hooks, headers, route } = this.#reading;
    const hasEntities = hooks.entities || hooks.clientSession || headers || route;
    const entities = hasEntities ? this.#entities(anonymous || asked, event) : NONE;
    return { subject: hooks.subject ? this.#withHook(subject, hooks.subject) : subject, anonymous, entities };
  }

  /** The response is done: calls the privacy hooks once more, then releases the request. Never throws. */
  end(): void {
    const req = this.#req;
    if (!req) return;
    const { headers, route, snapshot, asksPrivacy, core } = this.#reading;
    try {
      if (asksPrivacy) void this.privacy;
      if (headers) this.#headers ??= headers(req);
      if (route) this.#outcome = this.#outcomeNow(req, route);
      if (!this.#facts) this.#snapshot = snapshot(req);
    } catch {
      core.log.error('the end of a request threw');
    }
    this.ended = true;
    this.#req = undefined;
    this.#res = undefined;
  }

  #readFields(anonymous: boolean): void {
    const { rules, core, onHookError } = this.#reading;
    const fields = requestFields(this.facts, rules, anonymous, onHookError);
    // Refilled instead of replaced, because a handler may hold the subject.
    if (this.#subject && this.#read)
      Subject.refill(this.#subject, withChanges(fields, this.#read, Subject.fieldsOf(this.#subject)));
    else this.#subject = new Subject(fields, core.onSubjectBreach);
    this.#read = fields;
    this.#readAnonymously = anonymous;
  }

  #withHook(subject: Subject, hook: (req: Req, subject: Subject) => void): Subject {
    const { core } = this.#reading;
    const req = this.#req;
    // After the request, the last result holds.
    if (!req) return this.#hooked ?? subject;
    // The hook writes to a copy: its fields hold for one event, and none of them counts if it fails.
    const copy = new Subject(Subject.fieldsOf(subject), core.onHookBreach);
    let done = false;
    core.log.guard('subject', () => {
      const answer: unknown = hook(req, copy);
      done = isAbsent(answer) || !isThenable(answer);
      if (!done) core.log.error('the subject hook returned a promise; it must be synchronous');
      return answer;
    });
    this.#hooked = done ? copy : undefined;
    return done ? copy : subject;
  }

  #entities(anonymous: boolean, event: TrackerEvent): readonly SelfDescribing[] {
    const { hooks, rules, headers, route, core } = this.#reading;
    const req = this.#req;
    const ask = hooks.entities;
    if (ask && req) this.#extra = askForEntities(core.log, (info) => ask(req, info), event);
    const wanted = hooks.clientSession && !anonymous;
    if (wanted && this.#session === null) this.#session = clientSession(this.facts, rules);
    const session = wanted ? this.#session : undefined;
    if (headers && req) this.#headers ??= headers(req);
    const sent = this.#headers && this.#entitiesOf(this.#headers, anonymous);
    const response = route && this.#response(req ? this.#outcomeNow(req, route) : this.#outcome);
    if (!session && !response && !sent) return this.#extra;
    return [...this.#extra, ...(session ? [session] : NONE), ...(sent ?? NONE), ...(response ? [response] : NONE)];
  }

  #entitiesOf(headers: readonly Header[], anonymous: boolean): readonly SelfDescribing[] {
    const { rules, onHookError } = this.#reading;
    if (!this.#headerEntities || this.#headersAnonymously !== anonymous)
      this.#headerEntities = headerEntities(headers, this.facts, rules, anonymous, onHookError);
    this.#headersAnonymously = anonymous;
    return this.#headerEntities;
  }

  #outcomeNow(req: Req, route: (req: Req) => string | undefined): Outcome {
    const res = this.#res;
    return { route: route(req), status: res?.headersSent ? res.statusCode : undefined };
  }

  #response(outcome: Outcome | undefined): SelfDescribing {
    return { schema: HTTP_RESPONSE, data: { method: this.facts.method, ...outcome } };
  }
}

/** `fields` with the changes that handlers made between `read` and `now`. */
function withChanges(fields: Fields, read: Fields, now: Fields): Fields {
  const changed = { ...fields };
  for (const key of Object.keys({ ...read, ...now })) {
    const value = Object.hasOwn(now, key) ? now[key] : undefined;
    if (Object.hasOwn(read, key) && value === read[key]) continue;
    if (value === undefined) delete changed[key];
    else changed[key] = value;
  }
  return changed;
}
