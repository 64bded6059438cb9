// What the middleware of every framework does with a request: its tracker and scope at the beginning, its page view at the end.
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
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

/** How a framework's request is read. Reading only: nothing in an adapter decides. */
export interface Framework<Req> {
  /** Copies the strings of a request; called once, for its first event. */
  readonly facts: (req: Req) => RequestFacts;
  /** A read-only snapshot of a request that ends without one; must hold on to nothing of the request. */
  readonly snapshot?: (req: Req) => () => RequestFacts;
  /** @param name In lower case. */
  readonly header: (req: Req, name: string) => string | undefined;
  /** Called when a request arrives, where its route is wanted: routers name the route only while they are at work. */
  readonly watchRoute?: (req: Req) => void;
  /** The pattern of the route that took the request, as far as it is known: `/tea/:kind`. */
  readonly route: (req: Req) => string | undefined;
  /** Gives the request its tracker, where that takes more than a property `tracker`. */
  readonly attach?: (req: Req, tracker: RequestTracker) => void;
}

/**
 * Tracks the events that handlers have declared, when the response is done.
 *
 * @param mayView Whether the request may still have a page view: somebody looks at it, and it has none.
 */
export type Declared<Req> = (
  req: Req,
  raw: ServerResponse,
  tracker: RequestTracker,
  arrivedAt: number,
  mayView: () => boolean,
) => void;

/**
 * Reads a property. Express makes of each request and response, as V8 sees them, the only object of a class: what V8 keeps
 * to read objects of one class faster is then of no use, and asking it first makes a read six times as long as this one.
 */
export const propertyOf = Reflect.get as <T extends object, Key extends keyof T>(target: T, key: Key) => T[Key];

/** A request that has its tracker. */
interface Tracked {
  tracker?: RequestTracker;
}

/** One mounted middleware. `Req` and `Res` are what its hooks are given, the framework's own. */
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
    const facts = ip ? (req: Req) => this.#withAddress(framework.facts(req), req, ip) : framework.facts;
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
      onHookError: (hook) => this.#log.error(`${hook} threw, its part was left out`),
    };
    this.#life = new AppLife(this.tracker, options.ownsTracker, options.shutdown);
  }

  /** The app has ended, where its framework says so. */
  end(): void {
    this.#life.end();
  }

  /**
   * A request begins: gives it its tracker, and runs what follows in its scope.
   *
   * @param raw Node's response: the first of its `finish` and `close` is the request's end.
   * @param server The server it came through.
   * @throws ConfigError when another middleware of the same name has the request already, in development and test.
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
    // Node tells neither address nor protocol of an HTTP/2 stream that has ended: such a request is read when it comes. Node
    // tells the address of a connection that is gone only where it was asked before.
    if (request && propertyOf(request, 'httpVersionMajor') === 2) void context.facts;
    else if (request) void propertyOf(request, 'socket')?.remoteAddress;
    if (response) watchRoute?.(req);
    const scope = joined ?? new RequestScope(name, tracker, undefined, raw);
    if (joined) joined.join(name, tracker);
    // An answer without a socket waits for the answer before it, on a pipelined connection.
    else if (!propertyOf(raw, 'socket')) bindEvents(scope, raw);
    // A request without a connection, such as an injected one, may give either of them alone. `once` is not used: it wraps and
    // unwraps, which costs five times as much on a response of Express.
    listen.call(raw, 'finish', this.#end.bind(this, req, res, raw, context, tracker, scope, true));
    listen.call(raw, 'close', this.#end.bind(this, req, res, raw, context, tracker, scope, false));
    return joined ? next() : scopes.run(scope, next);
  }

  #withAddress(facts: RequestFacts, req: Req, ip: (req: Req) => string | undefined): RequestFacts {
    let address: string | undefined;
    this.#log.guard('ip', () => {
      address = ip(req);
      return address;
    });
    return { ...facts, ip: address };
  }

  #headers(req: Req): Header[] {
    return this.#options.headers.flatMap((name) => {
      const value = headerText(this.#framework.header(req, name));
      return value === undefined ? [] : [{ name, value }];
    });
  }

  // Gets all it needs: the request's own objects may be gone at its end.
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
    // An error that is thrown here would end the process.
    try {
      if ((declared || pageViews !== false) && !(ignore && this.#isIgnored(req, ignore))) {
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

  #isIgnored(req: Req, ignore: (req: Req) => boolean): boolean {
    let ignored = true;
    this.#log.guard('ignore', () => {
      ignored = ignore(req);
      return ignored;
    });
    return ignored;
  }

  #isPage(req: Req, res: Res, raw: ServerResponse): boolean {
    const { pageViews } = this.#options;
    if (typeof pageViews === 'boolean') return pageViews && isPageView(raw, this.#headerOf(req));
    let wanted = false;
    this.#log.guard('pageViews', () => {
      const answer: unknown = pageViews(req, res);
      wanted = answer === true;
      return answer;
    });
    return wanted;
  }

  #headerOf(req: Req): ReadHeader {
    return (name) => this.#framework.header(req, name);
  }

  #checkSame(present: RequestTracker): void {
    if (present.isOf(this.tracker)) return;
    const error = new ConfigError(
      `${this.#options.owner}: namespace`,
      'its own for each middleware that takes the same request',
    );
    if (this.tracker.core.settings.contracts === 'throw') throw error;
    this.#log.error(error.message);
  }
}

// A gateway may have put a number there.
const headerText = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

/**
 * Whether a finished answer went out whole. `finish` comes as well when the connection breaks with the answer's end in
 * the buffers, and over HTTP/2 at any end of a stream.
 */
function wentOut(raw: ServerResponse): boolean {
  if ((raw as { stream?: unknown }).stream) return raw.writableEnded && raw.writableFinished;
  // A response that a test or a gateway has made may have no request.
  return (raw.req as IncomingMessage | undefined)?.socket?.destroyed !== true;
}

const sessionOf = (raw: ServerResponse): ServerHttp2Session | undefined =>
  (raw as { stream?: { session?: ServerHttp2Session } }).stream?.session;

// Taken once: the look-up on a response costs as much as the call.
const { on: listen } = EventEmitter.prototype;
