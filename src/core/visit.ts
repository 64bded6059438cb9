// One request as its events see it: the visitor's subject, read from the request's strings when the first event asks, and
// what the app's hooks add while the request lives.
import { isAbsent } from './contracts';
import type { Log } from './logger';
import { clientSession, privacyDecision, requestFields, type RequestFacts, type RequestRules } from './request';
import { isSelfDescribing, type SelfDescribing } from './self-describing-json';
import { Subject } from './subject';
import type { EventSetting, Surroundings, TrackerCore } from './tracker-core';

/** What an app may decide for each request; every hook runs guarded, and what one throws never reaches the visitor. */
export interface VisitHooks<Req> {
  readonly subject: ((req: Req, subject: Subject) => void) | undefined;
  readonly entities: ((req: Req) => readonly SelfDescribing[]) | undefined;
  readonly skip: ((req: Req) => boolean) | undefined;
  readonly anonymous: boolean | ((req: Req) => boolean) | undefined;
  readonly clientSession: boolean;
}

/** The answer to a request, as far as it is known. */
export interface ResponseFacts {
  readonly route: string | undefined;
  readonly status: number | undefined;
}

const NONE: readonly SelfDescribing[] = [];
const HTTP_RESPONSE = 'iglu:io.github.snowplow-middleware/http_response/jsonschema/1-0-0';

export class Visit<Req extends object> implements Surroundings {
  readonly bringsPage = true;
  readonly facts: RequestFacts;
  /** When the request came, in milliseconds since the epoch. */
  readonly arrivedAt = Date.now();
  /** Whether a page view was tracked in this request, by whomever. */
  pageViewed = false;
  readonly #rules: RequestRules;
  readonly #hooks: VisitHooks<Req>;
  readonly #log: Log;
  readonly #onBreach: TrackerCore['onSubjectBreach'];
  readonly #headers: readonly SelfDescribing[];
  readonly #answer: ((req: Req) => ResponseFacts) | undefined;
  // Dropped when the response is done: a timer made in the request must not keep the request alive.
  #req: Req | undefined;
  #subject: Subject | undefined;
  // What the subject's fields were when they were read from the request, and for which answer to "anonymous?".
  #read: Readonly<Record<string, string>> = {};
  #readAnonymously: boolean | undefined;
  #hooked: Subject | undefined;
  #session: SelfDescribing | undefined | null = null;
  #extra: readonly SelfDescribing[] = NONE;
  #response: ResponseFacts | undefined;
  #skipped = false;
  #anonymous = false;

  constructor(
    req: Req,
    facts: RequestFacts,
    rules: RequestRules,
    hooks: VisitHooks<Req>,
    core: TrackerCore,
    headers: readonly SelfDescribing[],
    answer: ((req: Req) => ResponseFacts) | undefined,
  ) {
    this.#req = req;
    this.facts = facts;
    this.#rules = rules;
    this.#hooks = hooks;
    this.#log = core.log;
    this.#onBreach = core.onSubjectBreach;
    this.#headers = headers;
    this.#answer = answer;
  }

  get subject(): Subject {
    if (!this.#subject) {
      this.#decide();
      this.#readFields();
    }
    return this.#subject as Subject;
  }

  set subject(subject: Subject) {
    this.#subject = subject;
    this.#readAnonymously = this.#anonymous;
  }

  forEvent(): EventSetting | undefined {
    this.#decide();
    if (this.#skipped) return undefined;
    if (this.#readAnonymously !== this.#anonymous) this.#readFields();
    const anonymous = this.#anonymous;
    return { subject: this.#withHook(this.#subject as Subject), anonymous, entities: this.#entities(anonymous) };
  }

  noteTracked(type: unknown): void {
    if (type === 'pv') this.pageViewed = true;
  }

  /** The response is done: last answers of the hooks that guard privacy, then the request is let go. */
  end(): void {
    this.#decide();
    this.#req = undefined;
  }

  #decide(): void {
    const req = this.#req;
    if (!req) return;
    const { skip, anonymous } = this.#hooks;
    const signal = privacyDecision(this.facts, this.#rules);
    this.#skipped = signal === 'skip' || (skip !== undefined && this.#ask('skip', skip, req));
    this.#anonymous =
      signal === 'anonymous' ||
      (typeof anonymous === 'function' ? this.#ask('anonymous', anonymous, req) : anonymous === true);
  }

  // A hook that guards the visitor's privacy and fails is taken to have said yes.
  #ask(name: string, hook: (req: Req) => boolean, req: Req): boolean {
    let answer = true;
    this.#log.guard(name, () => {
      answer = hook(req);
    });
    return answer;
  }

  // Reads the request's fields; when the answer to "anonymous?" has changed since, only what the handlers have not touched.
  #readFields(): void {
    const onHookError = (hook: string): void => this.#log.error(`${hook} threw, its part was left out`);
    const fields = requestFields(this.facts, this.#rules, this.#anonymous, onHookError);
    const kept = { ...this.#subject?.fields };
    for (const key of Object.keys(this.#read)) if (kept[key] === this.#read[key]) delete kept[key];
    this.#subject = new Subject({ ...fields, ...kept }, this.#onBreach);
    this.#read = fields;
    this.#readAnonymously = this.#anonymous;
  }

  #withHook(subject: Subject): Subject {
    const hook = this.#hooks.subject;
    if (!hook) return subject;
    const req = this.#req;
    // After the request the last answer stands.
    if (!req) return this.#hooked ?? subject;
    // Over a copy: what the hook says must not outlive what the request says, and half of it is none of it.
    const copy = new Subject(subject.fields, () => false);
    let done = false;
    this.#log.guard('subject', () => {
      const answer: unknown = hook(req, copy);
      done = isAbsent(answer) || !isThenable(answer);
      if (!done) this.#log.error('the subject hook gave a promise; it must answer at once');
      return answer;
    });
    this.#hooked = done ? copy : undefined;
    return done ? copy : subject;
  }

  #entities(anonymous: boolean): readonly SelfDescribing[] {
    const { entities, clientSession: wanted } = this.#hooks;
    const req = this.#req;
    if (entities && req) {
      this.#extra = NONE;
      this.#log.guard('entities', () => {
        const given: unknown = entities(req);
        if (Array.isArray(given) && given.every(isSelfDescribing)) this.#extra = given;
        else if (!isAbsent(given))
          this.#log.error('the entities hook gave no list of { schema, data }; its part was left out');
        return given;
      });
    }
    if (wanted && !anonymous && this.#session === null) this.#session = clientSession(this.facts, this.#rules);
    const session = wanted && !anonymous ? this.#session : undefined;
    if (this.#answer && req) this.#response = this.#answer(req);
    const response = this.#response;
    if (!session && !response && this.#headers.length === 0) return this.#extra;
    return [
      ...this.#extra,
      ...(session ? [session] : NONE),
      ...this.#headers,
      ...(response ? [{ schema: HTTP_RESPONSE, data: { method: this.facts.method, ...response } }] : NONE),
    ];
  }
}

const isThenable = (value: unknown): boolean => typeof (value as { then?: unknown }).then === 'function';
