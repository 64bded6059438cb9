// What every framework's middleware does with a request: sets its tracker and scope at the start, tracks its page view at the end.
import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import { ConfigError } from '../core/errors';
import { buildPageView } from '../core/events/page';
import type { Log } from '../core/logger';
import type { Header } from '../core/request/header-entities';
import { HttpRequestContext, type RequestReading } from '../core/request/http-request-context';
import type { RequestFacts } from '../core/request/request-fields';
import { fixedPrivacy, isPrivacyAsked } from '../core/tracker/privacy';
import { bindEvents, RequestScope, scopes } from '../core/tracker/scope';
import type { RequestTracker, Tracker } from '../core/tracker/tracker';
import { AppLife } from './app-life';
import type { ResolvedMiddleware } from './options';
import { isPageView, isUnseen, type ReadHeader } from './page-view';
import type { ServerLike } from './shutdown';

/** How to read a framework's request. An adapter only reads and decides nothing. */
export interface Framework<Req> {
  /** Copies the strings of a request; called once, for its first event. */
  readonly facts: (req: Req) => RequestFacts;
  /** A read-only snapshot of a request that ends without an event; must keep no reference to the request. */
  readonly snapshot?: (req: Req) => () => RequestFacts;
  /** @param name In lower case. */
  readonly header: (req: Req, name: string) => string | undefined;
  /** Called when a request arrives, if its route is needed: routers name the route only while they run. */
  readonly watchRoute?: (req: Req) => void;
  /** The pattern of the request's route, as far as it is known: `/tea/:kind`. */
  readonly route: (req: Req) => string | undefined;
  /** Sets the request's tracker, if a property `tracker` is not enough. */
  readonly attach?: (req: Req, tracker: RequestTracker) => void;
}

/** What the requests of all frameworks have in common. */
interface FrameworkRequest {
  readonly ip: string | undefined;
  readonly method: string;
  readonly protocol: string;
  readonly originalUrl: string;
  readonly headers: IncomingHttpHeaders;
}

/** Copies the strings of a framework's request. @param host The framework's decision, with its port. */
export function factsOf(request: FrameworkRequest, host: string | undefined): RequestFacts {
  const { headers } = request;
  return {
    ip: request.ip,
    method: request.method,
    protocol: request.protocol,
    host,
    originalUrl: request.originalUrl,
    userAgent: headers['user-agent'],
    acceptLanguage: headers['accept-language'],
    cookie: headers.cookie,
    referrer: headers.referer,
    dnt: headers['dnt'] as string | undefined,
    gpc: headers['sec-gpc'] as string | undefined,
  };
}

/**
 * Tracks the events that handlers have declared, when the response is done.
 *
 * @param mayView Whether the request may still have a page view: a person looks at it, and it has none yet.
 */
export type Declared<Req> = (
  req: Req,
  raw: ServerResponse,
  tracker: RequestTracker,
  arrivedAt: number,
  mayView: () => boolean,
) => void;

/**
 * Reads a property. To V8, each request and response of Express has its own class, so its inline caches never hit, and a plain read
 * takes six times as long as this one.
 */
export const propertyOf = Reflect.get as <T extends object, Key extends keyof T>(target: T, key: Key) => T[Key];

/** A request with its tracker. */
interface Tracked {
  tracker?: RequestTracker;
}

/** One mounted middleware. `Req` and `Res` are the framework's types, which the hooks receive. */
export class Middleware<Req extends object, Res extends object> {
  readonly tracker: Tracker;
  readonly #framework: Framework<Req>;
  readonly #options: ResolvedMiddleware<Req, Res>;
  readonly #declared: Declared<Req> | undefined;
  readonly #log: Log;
  readonly #reading: RequestReading<Req>;
  readonly #life: AppLife;

  constructor(framework: Framework<Req>, options: ResolvedMiddleware<Req, Res>, declared?: Declared<Req>) {
    this.#framework = framework;
    this.#options = options;
    this.#declared = declared;
    this.tracker = options.tracker;
    this.#log = this.tracker.log;
    const { rules, privacy, hooks, headers, response, ip } = options;
    const facts = ip
      ? (req: Req) => ({ ...framework.facts(req), ip: this.#log.guard('ip', ip, req) as string | undefined })
      : framework.facts;
    const snapshot = (req: Req): (() => RequestFacts) => {
      const read = facts(req);
      return () => read;
    };
    this.#reading = {
      facts,
      snapshot: (ip ? undefined : framework.snapshot) ?? snapshot,
      headers: headers.length > 0 ? (req) => this.#headers(req) : undefined,
      route: response ? framework.route : undefined,
      rules,
      privacy,
      fixedPrivacy: fixedPrivacy(privacy),
      asksPrivacy: isPrivacyAsked(privacy),
      hooks,
      core: this.tracker.core,
      onHookError: (hook) => this.#log.error(`${hook} threw; its part was left out`),
    };
    this.#life = new AppLife(this.tracker, options.ownsTracker, options.shutdown);
  }

  /** The app has ended. Called only by frameworks that report this. */
  end(): void {
    this.#life.end();
  }

  /**
   * A request begins: sets its tracker, and runs the rest of the app in its scope.
   *
   * @param raw Node's response. The request ends at the first of its `finish` and `close` events.
   * @param server The server of the request.
   * @throws ConfigError in development and test, if another middleware of the same name already has the request.
   */
  enter<T>(req: Req, res: Res, raw: ServerResponse, server: ServerLike | undefined, next: () => T): T {
    const { name, response } = this.#options;
    const { attach, watchRoute } = this.#framework;
    if (server && !this.#life.servers.has(server)) this.#life.meet(server, sessionOf(raw));
    const running = scopes.getStore();
    const joined = running?.request === raw ? running : undefined;
    const present = joined?.own(name) as RequestTracker | undefined;
    if (present) this.#checkSame(present);
    const context = present ? undefined : new HttpRequestContext(req, raw, this.#reading);
    const tracker = present ?? this.tracker.forRequest(context as HttpRequestContext<Req>);
    if (attach) attach(req, tracker);
    else if (!propertyOf(req as Tracked, 'tracker')) (req as Tracked).tracker = tracker;
    if (!context) return next();

    const request = propertyOf(raw, 'req') as IncomingMessage | undefined;
    // Node no longer knows address and protocol of an HTTP/2 stream that has ended, so such a request is read now. For a closed
    // connection, Node knows the address only if it was read before.
    if (request && propertyOf(request, 'httpVersionMajor') === 2) void context.facts;
    else if (request) void propertyOf(request, 'socket')?.remoteAddress;
    if (response) watchRoute?.(req);
    const scope = joined ?? new RequestScope(name, tracker, undefined, raw);
    if (joined) joined.join(name, tracker);
    // A response without a socket waits for the previous one, on a pipelined connection.
    else if (!propertyOf(raw, 'socket')) bindEvents(scope, raw);
    // A request without a connection, such as an injected one, may emit only one of the two. `once` would wrap and unwrap the
    // listener, which costs five times as much on a response of Express.
    listen.call(raw, 'finish', this.#end.bind(this, req, res, raw, context, tracker, scope, true));
    listen.call(raw, 'close', this.#end.bind(this, req, res, raw, context, tracker, scope, false));
    return joined ? next() : scopes.run(scope, next);
  }

  #headers(req: Req): Header[] {
    return this.#options.headers.flatMap((name) => {
      const value = headerText(this.#framework.header(req, name));
      return value === undefined ? [] : [{ name, value }];
    });
  }

  // All arguments are passed in, because the request may no longer have its objects at its end.
  #end(
    req: Req,
    res: Res,
    raw: ServerResponse,
    context: HttpRequestContext<Req>,
    tracker: RequestTracker,
    scope: RequestScope,
    isFinished: boolean,
  ): void {
    if (context.ended) return;
    const { pageViews, ignore } = this.#options;
    const declared = this.#declared;
    // An error thrown here would end the process.
    try {
      // A failed hook counts as a yes.
      if ((declared || pageViews !== false) && !(ignore && this.#log.ask('ignore', ignore, req, true))) {
        if (declared) {
          const mayView = (): boolean => !context.pageViewed && !isUnseen(raw, this.#headerOf(req));
          this.#log.guard('decorators', declared, req, raw, tracker, context.arrivedAt, mayView);
        }
        if (pageViews !== false && isFinished && !context.pageViewed && wentOut(raw) && this.#isPage(req, res, raw)) {
          const timestamp = { type: 'dtm', value: context.arrivedAt } as const;
          tracker.trackQuietly('trackPageView', buildPageView, { timestamp });
        }
      }
    } catch {
      this.#log.error('the end of a request threw');
    }
    scope.end();
    context.end();
  }

  #isPage(req: Req, res: Res, raw: ServerResponse): boolean {
    const { pageViews } = this.#options;
    if (typeof pageViews === 'boolean') return pageViews && isPageView(raw, this.#headerOf(req));
    return this.#log.guard('pageViews', pageViews, req, res) === true;
  }

  #headerOf(req: Req): ReadHeader {
    return (name) => this.#framework.header(req, name);
  }

  #checkSame(present: RequestTracker): void {
    if (present.isOf(this.tracker)) return;
    const error = new ConfigError(
      `${this.#options.owner}: namespace`,
      'different for each middleware that takes the same request',
    );
    if (this.tracker.core.settings.contracts === 'throw') throw error;
    this.#log.error(error.message);
  }
}

// A gateway may have set a number.
const headerText = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

/**
 * Whether a finished response was sent completely. Node also emits `finish` if the connection breaks while the rest is in its
 * buffers, and over HTTP/2 at any end of a stream.
 */
function wentOut(raw: ServerResponse): boolean {
  if ((raw as { stream?: unknown }).stream) return raw.writableEnded && raw.writableFinished;
  // A response that a test or a gateway created may have no request.
  return (raw.req as IncomingMessage | undefined)?.socket?.destroyed !== true;
}

const sessionOf = (raw: ServerResponse): ServerHttp2Session | undefined =>
  (raw as { stream?: { session?: ServerHttp2Session } }).stream?.session;

// Read once, because the look-up on a response costs as much as the call.
const { on: listen } = EventEmitter.prototype;
