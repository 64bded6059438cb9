// The app's tracker, which owns settings and emitters, and the request's, which can only track.
import type { ContractMode } from '../contracts';
import { millisOfLimit, type TimeLimit } from '../deadline';
import type { DropInfo, EmitterLike, FlushReport, Payload } from '../emitter';
import { ConfigError, show } from '../errors';
import { Log, type Logger } from '../logger';
import { asCallback, asHook } from '../marks';
import { callback, custom, either, flag, list, loggerRule, oneOf, type OptionRules, resolveOptions } from '../options';
import { clean, type Platform, PLATFORMS } from '../protocol/fields';
import { isSelfDescribing, type SelfDescribing } from '../protocol/self-describing-json';
import { isSubject, Subject } from '../protocol/subject';
import { TRACKER_VERSION } from '../protocol/version';
import { trackerFields } from './encode';
import { settleAll } from './flush-all';
import { type Builder, TrackerCore, type TrackerStats } from './pipeline';
import { type EventInfo, PlainContext, type RequestContext } from './request-context';
import { RequestScope, runJob, scopes } from './scope';
import { Tracking } from './tracking';

const LATE_LOOKUP =
  'currentTracker() or TrackerService was called in a request that has ended, and found no tracker: use req.tracker, or call ' +
  'currentTracker() before the response ends; bind callbacks of shared clients with AsyncResource.bind';

/** Options of a tracker. */
export interface TrackerOptions {
  /** One emitter or a list of at least one; each gets every event. */
  emitters: EmitterLike | readonly EmitterLike[];
  /** `tna`: the tracker's name; only the `Snowplow` registry requires it. */
  namespace?: string | undefined;
  /** `aid`: the application. */
  appId?: string | undefined;
  /** Defaults for every event of this tracker. */
  subject?: Subject | undefined;
  /**
   * Entities for every event of this tracker: a list, or a function that is asked for each event. Those of a transaction go
   * with its items too.
   */
  entities?: readonly SelfDescribing[] | ((event: EventInfo) => readonly SelfDescribing[]) | undefined;
  /** `p`. @default 'srv' */
  platform?: Platform | undefined;
  /** Whether to send data and entities as `ue_px` and `cx` (base64), or as `ue_pr` and `co`. @default true */
  encodeBase64?: boolean | undefined;
  /** Leaves identifiers and addresses out of every event, and sends `SP-Anonymous`. @default false */
  anonymous?: boolean | undefined;
  /** false silently refuses and counts every event: for tests and staging. @default true */
  enabled?: boolean | undefined;
  /** What a broken contract does. @default 'throw' */
  contracts?: ContractMode | undefined;
  /** Called before the emitters; its result is sent instead, and undefined refuses the event as `filtered`. */
  beforeSend?: ((payload: Payload) => Payload | undefined) | undefined;
  /** Called for events that the tracker refused, once for a transaction with its items. `createTracker` passes it to its emitter too. */
  onDrop?: ((info: DropInfo) => void) | undefined;
  /** Receives the tracker's log lines; false turns them off. @default the package's `logger` */
  logger?: Logger | false | undefined;
}

const CLOSE_TIMEOUT_MS = 5_000;

const { accepts: isEmitter } = custom(
  'an object with an input method',
  (value) => typeof (value as EmitterLike | null | undefined)?.input === 'function',
);

const isText = (value: unknown): boolean => typeof value === 'string';

export const TRACKER_RULES: OptionRules<TrackerOptions> = {
  emitters: custom('an emitter or a list of at least one', (value) =>
    Array.isArray(value) ? value.length > 0 && value.every(isEmitter) : isEmitter(value),
  ),
  // An empty string counts as absent, because an unset environment variable often becomes one.
  namespace: custom('a string', isText),
  appId: custom('a string', isText),
  subject: custom('a Subject', isSubject),
  entities: either(
    list('a list of { schema, data }', isSelfDescribing),
    custom('a function that gives one', (value) => typeof value === 'function'),
  ),
  platform: oneOf(...PLATFORMS),
  encodeBase64: flag,
  anonymous: flag,
  enabled: flag,
  contracts: oneOf('throw', 'log', 'off'),
  beforeSend: callback,
  onDrop: callback,
  logger: loggerRule,
};

export const TRACKER_DEFAULTS = {
  platform: 'srv',
  encodeBase64: true,
  anonymous: false,
  enabled: true,
  contracts: 'throw',
} as const;

/** Whether events can be sent, in a form that fits the answer of a health check. */
export interface TrackerHealth {
  readonly status: 'up' | 'down';
  readonly waiting: number;
  readonly inFlight: number;
  readonly lastError?: string | undefined;
}

/**
 * The app's tracker. It holds only defaults, so that no visitor's data can end up on another visitor's event. Handlers use
 * the request's tracker, or {@link Tracker.withSubject}.
 *
 * @throws ConfigError that names the option.
 * @example
 * const tracker = new Tracker({ emitters: new AsyncEmitter('collector.acme.com'), namespace: 'web', appId: 'shop' });
 * tracker.trackPageView({ pageUrl: 'https://shop.acme.com/' });
 * await tracker.close();
 */
export class Tracker extends Tracking {
  readonly #core: TrackerCore;
  readonly #context: PlainContext;
  readonly #owned: ReadonlySet<EmitterLike>;
  readonly #name: string;
  #closing: Promise<FlushReport> | undefined;

  /**
   * @param owned Emitters created for this tracker, which its `close()` closes.
   * @throws ConfigError that names the option.
   */
  constructor(options: TrackerOptions, owned: readonly EmitterLike[] = []) {
    super();
    const resolved = resolveOptions('Tracker', options, TRACKER_RULES, TRACKER_DEFAULTS);
    if (resolved.emitters === undefined)
      throw new ConfigError('Tracker: emitters', TRACKER_RULES.emitters.expected, 'nothing');
    const fields: Record<string, string> = { tv: TRACKER_VERSION };
    if (resolved.namespace) fields['tna'] = clean('tna', resolved.namespace) as string;
    if (resolved.appId) fields['aid'] = clean('aid', resolved.appId) as string;
    const { entities } = resolved;
    const settings = Object.freeze({
      fields: trackerFields(fields, resolved.platform),
      base64: resolved.encodeBase64,
      anonymous: resolved.anonymous,
      enabled: resolved.enabled,
      contracts: resolved.contracts,
      entities: asHook(typeof entities === 'function' ? entities : entities && (() => entities)),
      beforeSend: asHook(resolved.beforeSend),
      onDrop: asCallback(resolved.onDrop),
    });
    const emitters = Array.isArray(resolved.emitters)
      ? (resolved.emitters as EmitterLike[])
      : [resolved.emitters as EmitterLike];
    const subject = resolved.subject ?? new Subject();
    const log = new Log(resolved.logger);
    for (const name of ['namespace', 'appId'] as const)
      if (resolved[name] === '') log.warn(`the option ${name} is empty and counts as absent`);
    this.#core = new TrackerCore(settings, emitters, subject, log);
    this.#context = new PlainContext(subject);
    this.#owned = new Set(owned);
    this.#name = resolved.namespace ?? '';
    // Bound, so that callers can pass both as functions: `process.on('SIGTERM', tracker.close)`.
    this.flush = this.flush.bind(this);
    this.close = this.close.bind(this);
  }

  /** The tracker's name in the registry and in the request scope: its `namespace`, '' if it has none. */
  get namespace(): string {
    return this.#name;
  }

  get subject(): Subject {
    return this.#core.subject;
  }

  setSubject(subject: Subject): this {
    const checked = this.#core.checkedSubject('setSubject', subject);
    this.#core.subject = checked;
    this.#context.subject = checked;
    return this;
  }

  withSubject(subject: Subject): RequestTracker {
    return new RequestTracker(this.#core, new PlainContext(this.#core.checkedSubject('withSubject', subject)));
  }

  /** Creates a request's tracker, for the middleware. @internal */
  forRequest(context: RequestContext): RequestTracker {
    return new RequestTracker(this.#core, context);
  }

  /** What this tracker shares with its request trackers. @internal */
  get core(): TrackerCore {
    return this.#core;
  }

  /** This tracker's log. @internal */
  get log(): Log {
    return this.#core.log;
  }

  /**
   * Adds an emitter, which gets every later event.
   *
   * @throws ConfigError if it has no `input`.
   */
  addEmitter(emitter: EmitterLike): this {
    if (!isEmitter(emitter))
      throw new ConfigError('addEmitter: emitter', 'an object with an input method', show(emitter));
    this.#core.emitters.push(emitter);
    return this;
  }

  protected dispatch<Args>(caller: string, build: Builder<Args>, args: Args): string | undefined {
    return this.#core.dispatch(caller, build, args, this.#context);
  }

  /**
   * Runs `fn` in a scope without a request: in `fn`, and in everything that it starts until its promise is settled,
   * `currentTracker()` tracks for `subject`. For jobs, queue consumers, sockets.
   *
   * @example
   * queue.process((job) => tracker.runWith(new Subject().setUserId(job.userId), () => handle(job)));
   */
  runWith<T>(subject: Subject, fn: () => T): T {
    const outer = scopes.getStore()?.around((tracker) => tracker instanceof RequestTracker && tracker.isOf(this));
    return runJob(new RequestScope(this.#name, this.withSubject(subject), outer), fn);
  }

  flush(limit?: TimeLimit): Promise<FlushReport> {
    return this.#core.flush(limit);
  }

  /** With a durable store, resolves when everything accepted so far is synced to disk. In memory, resolves at once. */
  async stored(): Promise<void> {
    await Promise.all(this.#core.emitters.map((emitter) => (emitter as { stored?: () => unknown }).stored?.()));
  }

  stats(): TrackerStats {
    return this.#core.stats();
  }

  /**
   * Whether events can be sent: `down` if the tracker is closed, or if an emitter's last attempt failed.
   *
   * @example
   * app.get('/health', (req, res) => res.json({ snowplow: tracker.health() }));
   */
  health(): TrackerHealth {
    const emitters = this.stats().emitters;
    const failing = emitters.find(({ lastError, lastSuccessAt }) => lastError && lastError.at > (lastSuccessAt ?? 0));
    return {
      status: this.#core.closed || failing ? 'down' : 'up',
      waiting: emitters.reduce((total, stats) => total + stats.waiting, 0),
      inFlight: emitters.reduce((total, stats) => total + stats.inFlight, 0),
      ...(failing?.lastError ? { lastError: failing.lastError.message } : {}),
    };
  }

  /**
   * Refuses new events, sends the waiting ones, and closes the emitters that were created for this tracker. Emitters that were
   * passed in are only flushed. Idempotent, bounded, never rejects.
   *
   * @param limit The total time it may take, in milliseconds or as `{ timeoutMs }`; 5,000 by default.
   */
  close(limit?: TimeLimit): Promise<FlushReport> {
    this.#core.closed = true;
    return (this.#closing ??= settleAll(
      this.#core.emitters,
      (emitter) => (this.#owned.has(emitter) ? 'close' : 'flush'),
      millisOfLimit(limit, CLOSE_TIMEOUT_MS),
      this.#core.log,
    ));
  }
}

/**
 * A request's tracker: tracks for one visitor with the app's emitters and settings. It cannot close or reconfigure anything.
 *
 * @example
 * app.get('/basket', (req, res) => { req.tracker.trackPageView(); res.send('ok'); });
 */
export class RequestTracker extends Tracking {
  readonly #core: TrackerCore;
  readonly #context: RequestContext;

  /** A Tracker creates it. @internal */
  constructor(core: TrackerCore, context: RequestContext) {
    super();
    this.#core = core;
    this.#context = context;
  }

  get subject(): Subject {
    return this.#context.subject;
  }

  setSubject(subject: Subject): this {
    this.#context.subject = this.#core.checkedSubject('setSubject', subject);
    return this;
  }

  withSubject(subject: Subject): RequestTracker {
    const checked = this.#core.checkedSubject('withSubject', subject);
    return new RequestTracker(this.#core, new PlainContext(checked, this.#context));
  }

  /** Whether `tracker` created it. @internal */
  isOf(tracker: Tracker): boolean {
    return tracker.core === this.#core;
  }

  /** Counts a call that came after the request had ended. @internal */
  recordLateLookup(): void {
    this.#core.lateLookups++;
    this.#core.log.warn(LATE_LOOKUP);
  }

  /** Tracks for the package itself (page views, decorators): a broken contract is logged, never thrown. @internal */
  trackQuietly<Args>(caller: string, build: Builder<Args>, args: Args): string | undefined {
    const mode = this.#core.settings.contracts;
    return this.#core.dispatch(caller, build, args, this.#context, mode === 'throw' ? 'log' : mode);
  }

  protected dispatch<Args>(caller: string, build: Builder<Args>, args: Args): string | undefined {
    return this.#core.dispatch(caller, build, args, this.#context);
  }

  flush(limit?: TimeLimit): Promise<FlushReport> {
    return this.#core.flush(limit);
  }

  stats(): TrackerStats {
    return this.#core.stats();
  }
}
