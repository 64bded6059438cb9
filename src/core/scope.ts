// The request scope: which tracker belongs to the request (or job) that is running, kept in one AsyncLocalStorage of the process.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { logger } from './logger';
import type { Tracking } from './tracking';
import { VERSION } from './version';

/** One request's or job's trackers. */
export class RequestScope {
  /** What the scope was opened for, by identity; let go when it ends. */
  request: object | undefined;
  #joined: Map<string, Tracking> | undefined;

  /**
   * @param name The tracker's name; '' where it has none.
   * @param outer The scope this one was opened in, for the trackers of other names.
   */
  constructor(
    readonly name: string,
    readonly tracker: Tracking,
    readonly outer: RequestScope | undefined,
    request?: object,
  ) {
    this.request = request;
  }

  /** Adds the tracker of a second mount. */
  join(name: string, tracker: Tracking): void {
    (this.#joined ??= new Map()).set(name, tracker);
  }

  find(name: string): Tracking | undefined {
    return name === this.name ? this.tracker : (this.#joined?.get(name) ?? this.outer?.find(name));
  }

  /** The nearest tracker that `accepts` says yes to: of this scope, of its further mounts, of the scopes around it. */
  findWhere(accepts: (tracker: Tracking) => boolean): Tracking | undefined {
    if (accepts(this.tracker)) return this.tracker;
    for (const tracker of this.#joined?.values() ?? []) if (accepts(tracker)) return tracker;
    return this.outer?.findWhere(accepts);
  }

  /**
   * What a new scope inside this one keeps of it: itself, or only what is around it where the new one hides all it has.
   * Jobs that start jobs would else hang on to every one before them.
   */
  around(isHidden: (tracker: Tracking) => boolean): RequestScope | undefined {
    return !this.#joined && isHidden(this.tracker) ? this.outer : this;
  }

  /** The request has ended. */
  end(): void {
    this.request = undefined;
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

/** The scope that is running, if any. */
export const currentScope = (): RequestScope | undefined => shared.storage.getStore();

/** Runs `fn`, and whatever it starts, in `scope`. */
export function runInScope<T>(scope: RequestScope, fn: () => T): T {
  return shared.storage.run(scope, fn);
}

/**
 * Has the listeners of `emitter` run in `scope`, whoever sets them off: the end of a pipelined request's answer sets off
 * the next one's, which would else find itself in the first one's scope.
 */
export function bindEvents(scope: RequestScope, emitter: EventEmitter): void {
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (...args) => shared.storage.run(scope, () => emit(...args));
}

/**
 * The tracker of the request that is running: the same one as `req.tracker`, anywhere below the middleware.
 *
 * @param name Which one, where the app has several: the tracker's `namespace`, or its name in Nest.
 * @returns undefined outside a request. In a callback of a shared client it is the tracker of whoever opened the connection.
 * @example
 * currentTracker()?.trackStructEvent({ category: 'stock', action: 'reserve' });
 */
export function currentTracker(name?: string): Tracking | undefined {
  const scope = shared.storage.getStore();
  return name === undefined ? scope?.tracker : scope?.find(name);
}
