// The options of every framework's middleware: their checks, and the tracker that they create or share.
import { ConfigError } from '../core/errors';
import { asCallback, asHook } from '../core/marks';
import {
  asChecked,
  callback,
  custom,
  either,
  flag,
  having,
  isPlain,
  list,
  oneOf,
  type OptionRules,
  resolveOptions,
  text,
} from '../core/options';
import type { SelfDescribing } from '../core/protocol/self-describing-json';
import type { EventInfo } from '../core/tracker/request-context';
import type { Subject } from '../core/protocol/subject';
import { isHeaderAllowed } from '../core/request/header-entities';
import type { RequestHooks } from '../core/request/http-request-context';
import type { RequestRules } from '../core/request/request-fields';
import type { PrivacyRules } from '../core/tracker/privacy';
import type { Tracker } from '../core/tracker/tracker';
import { CREATE_TRACKER_RULES, createTracker, type CreateTrackerOptions, ELSEWHERE } from '../create-tracker';
import { SHUTDOWN_RULES, type ShutdownOptions } from './shutdown';

/** The options of every framework's middleware, besides those of `createTracker` or a shared `tracker`. */
export interface RequestOptions<Req, Res> {
  /** The browser tracker's cookie prefix. @default '_sp_' */
  cookieName?: string | undefined;
  /** The browser tracker's `cookieDomain`; decides which `_sp_id.<hash>` counts. @default the request's host */
  cookieDomain?: string | undefined;
  /** The browser tracker's `cookiePath`. @default '/' */
  cookiePath?: string | undefined;
  /** Adds what the app knows about the visitor, such as a user id, to a copy; called for each event while the request is open. */
  subject?: ((req: Req, subject: Subject) => void) | undefined;
  /** Entities for every event of the request, asked for each. Those of a transaction go with its items too. */
  entities?: ((req: Req, event: EventInfo) => readonly SelfDescribing[]) | undefined;
  /** Attach the browser's session as a `client_session` entity. @default false */
  clientSession?: boolean | undefined;
  /**
   * Request headers to attach as `http_header` entities; never cookies or credentials. URLs in them are redacted. With masked
   * addresses, no header holds an address; anonymous events also have no header that identifies the visitor. @default none
   */
  headers?: readonly string[] | undefined;
  /**
   * Attach route pattern, method and status as an entity. Express has no pattern for the mount path of a router (`/shops/:id`), only
   * the path that the visitor sent, so that part of the pattern holds values. @default false
   */
  response?: boolean | undefined;
  /**
   * `true`: a page view for each navigation to a page, answered with 200 and text/html, or with 304. Requests of a page for other
   * resources, prefetches, HEAD, frames and the visits of Turbo Drive or htmx do not count. A function makes its own decision.
   * @default false
   */
  pageViews?: boolean | ((req: Req, res: Res) => boolean) | undefined;
  /** Returns the visitor's address, instead of the framework. */
  ip?: ((req: Req) => string | undefined) | undefined;
  /** Public origin of page URLs, if TLS or the host name ends at a proxy: `https://shop.acme.com`. */
  origin?: string | undefined;
  /** Turns off automatic events for this request. */
  ignore?: ((req: Req) => boolean) | undefined;
  /** Refuses every event of this request, as `private`. */
  skip?: ((req: Req) => boolean) | undefined;
  /** Leaves identifiers and addresses out. @default false */
  anonymous?: boolean | ((req: Req) => boolean) | undefined;
  /** What `DNT: 1` or `Sec-GPC: 1` does. @default 'off' */
  respectPrivacySignals?: 'off' | 'anonymous' | 'skip' | undefined;
  /** Sends the visitor's network instead of the address: /24, /48. @default false */
  maskIp?: boolean | undefined;
  /** Query parameters to redact, in addition to those that look like credentials. */
  redactQuery?: readonly string[] | undefined;
  /** The last word on page URLs and referrers. */
  redactUrl?: ((url: string) => string) | undefined;
  /** Closes server and tracker on these signals. Without it, the tracker is flushed when the server closes. */
  shutdown?: ShutdownOptions | undefined;
}

type Own<Req, Res> = Omit<CreateTrackerOptions, 'anonymous' | 'entities' | 'subject'> &
  RequestOptions<Req, Res> & { tracker?: undefined };
type Shared<Req, Res> = RequestOptions<Req, Res> & { tracker: Tracker };

/** Options of a middleware: those that create a tracker, or a shared `tracker`, which is flushed but never closed. */
export type MiddlewareOptions<Req, Res> = Own<Req, Res> | Shared<Req, Res>;

const { subject: _subject, anonymous: _anonymous, entities: _entities, ...TRACKER_OWN } = CREATE_TRACKER_RULES;

const isOrigin = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value && /^https?:/.test(value);

const REQUEST_RULES: OptionRules<RequestOptions<never, never>> = {
  cookieName: text,
  cookieDomain: text,
  cookiePath: text,
  subject: callback,
  entities: callback,
  clientSession: flag,
  headers: list(
    'a list of header names without cookies and credentials',
    (name) => typeof name === 'string' && name !== '' && isHeaderAllowed(name),
  ),
  response: flag,
  pageViews: either(flag, callback),
  ip: callback,
  origin: custom('an origin such as https://shop.acme.com', isOrigin),
  ignore: callback,
  skip: callback,
  anonymous: either(flag, callback),
  respectPrivacySignals: oneOf('off', 'anonymous', 'skip'),
  maskIp: flag,
  redactQuery: list('a list of parameter names', (name) => typeof name === 'string' && name !== ''),
  redactUrl: callback,
  shutdown: custom('a plain object with signals and timeoutMs', isPlain),
};

const RULES = { ...TRACKER_OWN, ...REQUEST_RULES, tracker: having('a Tracker', 'track', 'flush', 'forRequest') };

/** A middleware's resolved options. */
export interface ResolvedMiddleware<Req, Res> {
  /** The owner of the options, for messages. */
  readonly owner: string;
  readonly tracker: Tracker;
  /** The tracker's name in the request scope. */
  readonly name: string;
  /** Whether the middleware created the tracker, so that it may close it. */
  readonly ownsTracker: boolean;
  readonly rules: RequestRules;
  readonly privacy: PrivacyRules<Req>;
  readonly hooks: RequestHooks<Req>;
  readonly headers: readonly string[];
  readonly response: boolean;
  readonly pageViews: boolean | ((req: Req, res: Res) => boolean);
  readonly ip: ((req: Req) => string | undefined) | undefined;
  readonly ignore: ((req: Req) => boolean) | undefined;
  readonly shutdown: ShutdownOptions | undefined;
}

/**
 * Checks the options and creates the tracker, unless one is shared. Its contracts throw only in development and test, because
 * analytics must not turn a visitor's request into an error.
 *
 * @param owner The owner of the options, for error messages.
 * @throws ConfigError that names the option.
 */
export function resolveMiddleware<Req, Res>(
  owner: string,
  options: MiddlewareOptions<Req, Res>,
): ResolvedMiddleware<Req, Res> {
  type All = Partial<Omit<CreateTrackerOptions, 'entities'>> & RequestOptions<Req, Res> & { tracker?: Tracker };
  const elsewhere = { ...ELSEWHERE, shutdown: SHUTDOWN_RULES };
  const all = resolveOptions<All, object>(owner, options as All, RULES as unknown as OptionRules<All>, {}, elsewhere);
  const own = Object.fromEntries(Object.entries(all).filter(([name]) => Object.hasOwn(TRACKER_OWN, name)));
  const [extra] = Object.keys(own);
  if (all.tracker && extra)
    throw new ConfigError(`${owner}: ${extra}`, 'left out, because the shared `tracker` has its own');
  if (all.shutdown) resolveOptions(`${owner}: shutdown`, all.shutdown, SHUTDOWN_RULES, {});
  const careful = process.env['NODE_ENV'] === 'development' || process.env['NODE_ENV'] === 'test';
  const tracker =
    all.tracker ??
    createTracker(asChecked({ contracts: careful ? 'throw' : 'log', ...own } as CreateTrackerOptions), owner);
  return {
    owner,
    tracker,
    name: tracker.namespace,
    ownsTracker: !all.tracker,
    rules: {
      cookieName: all.cookieName ?? '_sp_',
      cookieDomain: all.cookieDomain,
      cookiePath: all.cookiePath,
      origin: all.origin,
      maskIp: all.maskIp ?? false,
      redactQuery: [...(all.redactQuery ?? [])],
      redactUrl: asHook(all.redactUrl),
    },
    privacy: {
      respectPrivacySignals: all.respectPrivacySignals ?? 'off',
      skip: asHook(all.skip),
      anonymous: typeof all.anonymous === 'function' ? asHook(all.anonymous) : all.anonymous,
    },
    hooks: {
      subject: asHook(all.subject),
      entities: asHook(all.entities),
      clientSession: all.clientSession ?? false,
    },
    headers: (all.headers ?? []).map((name) => name.toLowerCase()),
    response: all.response ?? false,
    pageViews: typeof all.pageViews === 'function' ? asCallback(all.pageViews) : (all.pageViews ?? false),
    ip: asHook(all.ip),
    ignore: asCallback(all.ignore),
    shutdown: all.shutdown,
  };
}
