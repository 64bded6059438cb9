// The request scope: which tracker belongs to the request (or job) that is running, kept in one AsyncLocalStorage of the process.
// A scope closes in the turn after its request's end, or a minute after its answer began to stream.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { types } from 'node:util';
import { logger } from '../logger';
import type { Tracking } from './tracking';
import { VERSION } from '../protocol/version';
import { isThenable } from '../contracts';

/** Node's response to a request. */
interface Response {
  readonly headersSent: boolean;
}

/** A tracker in a scope. */
export type ScopedTracker = Tracking & {
  /** Counts that it was asked for when its request had ended. */
  recordLateLookup(): void;
};

/**
 * One request's or job's trackers. They answer while it is open: a client that opened its connection in it runs all its
 * later callbacks in it, and these would track for the first visitor for ever.
 */
export class RequestScope {
  /** Node's response to the request that the scope was opened for; let go when it ends. */
  request: Response | undefined;
  /** Whether it answers. A tracker that somebody holds goes on working when it does not. */
  isOpen = true;
  /** Where it is in the list of scopes that are open; -1 when it is not. */
  place = -1;
  /** Since when its answer is known to stream, by the monotonic clock. */
  streamsSince: number | undefined;
  #joined: Map<string, ScopedTracker> | undefined;

  /**
   * @param name The tracker's name; '' where it has none.
   * @param outer The scope this one was opened in, for the trackers of other names.
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

  /** This scope's own tracker of that name, open or not. */
  own(name: string): ScopedTracker | undefined {
    return name === this.name ? this.tracker : this.#joined?.get(name);
  }

  /** The nearest tracker of that name, or of any: of this scope, of its further mounts, of the scopes around it. */
  find(name?: string): Tracking | undefined {
    const own = name === undefined ? this.tracker : this.own(name);
    return own ? this.#whileOpen(own) : this.outer?.find(name);
  }

  /** The nearest tracker that `accepts` says yes to. */
  findWhere(accepts: (tracker: Tracking) => boolean): Tracking | undefined {
    if (accepts(this.tracker)) return this.#whileOpen(this.tracker);
    for (const tracker of this.#joined?.values() ?? []) if (accepts(tracker)) return this.#whileOpen(tracker);
    return this.outer?.findWhere(accepts);
  }

  // A scope further out never answers in its place: one visitor's work is not another's.
  #whileOpen(tracker: ScopedTracker): Tracking | undefined {
    if (this.isOpen) return tracker;
    tracker.recordLateLookup();
    return undefined;
  }

  /** Whether this scope, or one around it, still has an answer. */
  get answers(): boolean {
    return this.isOpen || this.outer?.answers === true;
  }

  /**
   * The part of this scope that a new one inside it keeps: all of it, or only the scope around it where the new one hides all
   * its trackers, or nothing where all have closed. Otherwise jobs that start jobs would hang on to every one before them.
   */
  around(isHidden: (tracker: Tracking) => boolean): RequestScope | undefined {
    const kept = !this.#joined && isHidden(this.tracker) ? this.outer : this;
    return kept?.answers ? kept : undefined;
  }

  /** The request has ended: closes in the next turn, when the app's own work of this turn is done. */
  end(): void {
    const { place } = this;
    this.request = undefined;
    if (place < 0) return;
    // The last one takes its place: every request comes by here, and a Set costs five times as much.
    const last = open[--count] as RequestScope;
    open[place] = last;
    last.place = place;
    open[count] = undefined;
    this.place = -1;
    ended.push(this);
    // One call for all that end in this turn.
    if (ended.length === 1) nextTurn(closeEnded);
  }
}

// On globalThis, so that two installed copies of the package still see one request's tracker.
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

/** The scope that is running, if any, and the way to run something in one. */
export const scopes = shared.storage;

/**
 * Runs a job in its scope, which closes when `fn` has returned and its promise is settled.
 *
 * @returns what `fn` gave; of a promise one that settles as it does.
 */
export function runJob<T>(scope: RequestScope, fn: () => T): T {
  let settles = false;
  try {
    const result = scopes.run(scope, fn);
    if (types.isPromise(result) && Object.getPrototypeOf(result) === Promise.prototype) {
      settles = true;
      // Handed on, not only looked at: a rejection that nobody handles must stay one.
      return result.finally(() => (scope.isOpen = false)) as T;
    }
    // Others may begin to work, once more, each time they are asked (query builders are such): those have a minute.
    settles = isThenable(result);
    if (settles) keepOpen(scope);
    return result;
  } finally {
    if (!settles) scope.isOpen = false;
  }
}

/**
 * Has the listeners of `emitter` run in `scope`: the end of a pipelined request's answer sets off the next one's, which would
 * otherwise run in the first one's scope.
 */
export function bindEvents(scope: RequestScope, emitter: EventEmitter): void {
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (...args) => scopes.run(scope, () => emit(...args));
}

/**
 * The tracker of the request that is running: the same one as `req.tracker`, anywhere below the middleware.
 *
 * @param name Which one, where the app has several: the tracker's `namespace`, or its name in Nest.
 * @returns undefined outside a request, and in callbacks that run when the request they were started in has ended. In a
 *   callback of a shared client it is the tracker of whoever opened the connection, while that request is open.
 * @example
 * currentTracker()?.trackStructEvent({ category: 'stock', action: 'reserve' });
 */
export function currentTracker(name?: string): Tracking | undefined {
  return scopes.getStore()?.find(name);
}

const STREAM_MS = 60_000;
const LOOK_MS = 1_000;

// Never shortened, for then the next request makes it anew: the first `count` of it are open.
const open: (RequestScope | undefined)[] = [];
let count = 0;
let ended: RequestScope[] = [];
let timer: NodeJS.Timeout | undefined;
let lookedAt = 0;
// The timer belongs to no request, and an app's test that fakes timers must not keep scopes open.
const outside = AsyncLocalStorage.snapshot();
const { setImmediate: nextTurn, setInterval: every } = globalThis;

/** Keeps a scope open until its request ends; at most a minute from when its answer streams. */
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

// No event tells when a head is sent, so this looks for it, and takes the earliest time that is possible.
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
