// The request scope: which tracker belongs to the running request or job, kept in one AsyncLocalStorage of the process.
// A scope closes in the turn after its request's end, or a minute after its response began to stream.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { types } from 'node:util';
import { isThenable } from '../contracts';
import { logger } from '../logger';
import { VERSION } from '../protocol/version';
import type { Tracking } from './tracking';

/** Node's response to a request. */
interface Response {
  readonly headersSent: boolean;
}

/** A tracker in a scope. */
export type ScopedTracker = Tracking & {
  /** Counts a call that came after its request had ended. */
  recordLateLookup(): void;
};

/**
 * The trackers of one request or job. They are found only while it is open: a client that opened its connection in it runs all
 * its later callbacks in it, and would otherwise track for the first visitor for ever.
 */
export class RequestScope {
  /** Node's response to the request of this scope; removed when the request ends. */
  request: Response | undefined;
  /** Whether its trackers are found. A tracker that the app holds keeps working after that. */
  isOpen = true;
  /** Its index in the list of open scopes; -1 if it is not open. */
  place = -1;
  /** Since when its response is known to stream, by the monotonic clock. */
  streamsSince: number | undefined;
  #joined: Map<string, ScopedTracker> | undefined;

  /**
   * @param name The tracker's name; '' if it has none.
   * @param outer The scope in which this one was opened, for trackers with other names.
   */
  constructor(
    readonly name: string,
    readonly tracker: ScopedTracker,
    readonly outer: RequestScope | undefined,
    request?: Response,
  ) {
    this.request = request;
    if (request) keepOpen(this);
  }

  /** Adds the tracker of a second mount. */
  join(name: string, tracker: ScopedTracker): void {
    (this.#joined ??= new Map()).set(name, tracker);
  }

  /** This scope's own tracker of that name, whether the scope is open or not. */
  own(name: string): ScopedTracker | undefined {
    return name === this.name ? this.tracker : this.#joined?.get(name);
  }

  /** The nearest tracker of that name, or of any name: in this scope, its further mounts, or the scopes around it. */
  find(name?: string): Tracking | undefined {
    const own = name === undefined ? this.tracker : this.own(name);
    return own ? this.#whileOpen(own) : this.outer?.find(name);
  }

  /** The nearest tracker that `accepts` returns true for. */
  findWhere(accepts: (tracker: Tracking) => boolean): Tracking | undefined {
    if (accepts(this.tracker)) return this.#whileOpen(this.tracker);
    for (const tracker of this.#joined?.values() ?? []) if (accepts(tracker)) return this.#whileOpen(tracker);
    return this.outer?.findWhere(accepts);
  }

  // An outer scope never replaces it: one visitor's work does not belong to another.
  #whileOpen(tracker: ScopedTracker): Tracking | undefined {
    if (this.isOpen) return tracker;
    tracker.recordLateLookup();
    return undefined;
  }

  /** Whether this scope, or one around it, is open. */
  get answers(): boolean {
    return this.isOpen || this.outer?.answers === true;
  }

  /**
   * The part of this scope that a new inner scope keeps: the scope itself, or only its outer scope if the new one hides all its
   * trackers, or nothing if all are closed. Otherwise a job would keep every job alive that led to it.
   */
  around(isHidden: (tracker: Tracking) => boolean): RequestScope | undefined {
    const kept = !this.#joined && isHidden(this.tracker) ? this.outer : this;
    return kept?.answers ? kept : undefined;
  }

  /** The request has ended: the scope closes in the next turn, after the app's own work in this turn. */
  end(): void {
    const { place } = this;
    this.request = undefined;
    if (place < 0) return;
    // The last entry takes its place in the list: every request passes here, and a Set costs five times as much.
    const last = open[--count] as RequestScope;
    open[place] = last;
    last.place = place;
    open[count] = undefined;
    this.place = -1;
    ended.push(this);
    // One call closes all scopes that end in this turn.
    if (ended.length === 1) nextTurn(closeEnded);
  }
}

// On globalThis, so that two installed copies of the package share the scopes.
const KEY = Symbol.for('snowplow-middleware.scope.v1');
interface Holder {
  [KEY]?: { readonly storage: AsyncLocalStorage<RequestScope>; readonly version: string };
}
const shared = ((globalThis as Holder)[KEY] ??= { storage: new AsyncLocalStorage(), version: VERSION });
if (shared.version !== VERSION)
  logger.warn('two versions of snowplow-middleware are loaded in this process', {
    first: shared.version,
    second: VERSION,
  });

/** The storage of the running scope; `run` opens a scope for a function. */
export const scopes = shared.storage;

/**
 * Runs a job in its scope, which closes when `fn` has returned and its promise is settled.
 *
 * @returns the result of `fn`; for a promise, one that settles like it.
 */
export function runJob<T>(scope: RequestScope, fn: () => T): T {
  let settles = false;
  try {
    const result = scopes.run(scope, fn);
    if (types.isPromise(result) && Object.getPrototypeOf(result) === Promise.prototype) {
      settles = true;
      // Returns the derived promise, so that an unhandled rejection stays unhandled.
      return result.finally(() => (scope.isOpen = false)) as T;
    }
    // Other thenables, such as query builders, may start work again each time they are awaited: their scope stays open for a minute.
    settles = isThenable(result);
    if (settles) keepOpen(scope);
    return result;
  } finally {
    if (!settles) scope.isOpen = false;
  }
}

/**
 * Runs the listeners of `emitter` in `scope`. The end of a pipelined response starts the next response, whose listeners would
 * otherwise run in the scope of the first.
 */
export function bindEvents(scope: RequestScope, emitter: EventEmitter): void {
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (...args) => scopes.run(scope, () => emit(...args));
}

/**
 * The tracker of the running request: the same as `req.tracker`, anywhere below the middleware.
 *
 * @param name Which tracker, if the app has several: its `namespace`, or its name in Nest.
 * @returns undefined outside a request, and in callbacks that run after their request has ended. In a callback of a shared
 *   client, the tracker of the request that opened the connection, while that request is open.
 * @example
 * currentTracker()?.trackStructEvent({ category: 'stock', action: 'reserve' });
 */
export function currentTracker(name?: string): Tracking | undefined {
  return scopes.getStore()?.find(name);
}

const STREAM_MS = 60_000;
const LOOK_MS = 1_000;

// The list is never shortened, because the next request would have to grow it again: its first `count` entries are open.
const open: (RequestScope | undefined)[] = [];
let count = 0;
let ended: RequestScope[] = [];
let timer: NodeJS.Timeout | undefined;
let lookedAt = 0;
// The timer runs outside any request, and faked timers in an app's test must not keep scopes open.
const outside = AsyncLocalStorage.snapshot();
const { setImmediate: nextTurn, setInterval: every } = globalThis;

/** Keeps a scope open until its request ends; at most a minute after its response begins to stream. */
function keepOpen(scope: RequestScope): void {
  scope.place = count;
  open[count++] = scope;
  if (!timer) outside(beginToLook);
}

function closeEnded(): void {
  const closing = ended;
  ended = [];
  for (const scope of closing) scope.isOpen = false;
}

function beginToLook(): void {
  lookedAt = performance.now();
  timer = every(look, LOOK_MS).unref();
}

// No event reports that a head was sent, so this checks for it, and assumes the earliest possible time.
function look(): void {
  const now = performance.now();
  let kept = 0;
  for (const scope of open.slice(0, count) as RequestScope[]) {
    if (!scope.request || scope.request.headersSent) scope.streamsSince ??= lookedAt;
    scope.isOpen = scope.streamsSince === undefined || now - scope.streamsSince < STREAM_MS;
    scope.place = scope.isOpen ? kept : -1;
    if (scope.isOpen) open[kept++] = scope;
  }
  open.fill(undefined, kept, count);
  count = kept;
  lookedAt = now;
  if (count > 0) return;
  clearInterval(timer);
  timer = undefined;
}
