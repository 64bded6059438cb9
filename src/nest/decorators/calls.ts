// The calls of decorated handlers: a guard and an interceptor note them, and their events are tracked when the response is done.
import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  Optional,
} from '@nestjs/common';
import { finalize, type Observable, tap } from 'rxjs';
import { buildGiven, type Given } from '../../core/events/given';
import type { Log } from '../../core/logger';
import { asCallback } from '../../core/marks';
import { type RequestScope, scopes } from '../../core/tracker/scope';
import type { RequestTracker } from '../../core/tracker/tracker';
import type { Declared } from '../../middleware/middleware';
import { TrackerService } from '../tracker.service';
import { intentsOf, type When } from './intents';

/** One call of a decorated handler. */
interface HandlerCall {
  readonly handler: object;
  readonly owner: object;
  args: readonly unknown[];
  result: unknown;
  failed: boolean;
}

/** A function as a class has it. */
type Method = (...args: unknown[]) => unknown;

/** How a call came out, for `on`. */
type Outcome = 'success' | 'error' | 'unanswered';

// By Node's response, for as long as it lives. A handler that runs more than once in a request is one call: the last.
const calls = new WeakMap<object, Map<object, HandlerCall>>();

/** The calls of the request that is running, by handler; undefined outside of a request. */
function currentCalls(): Map<object, HandlerCall> | undefined {
  let scope: RequestScope | undefined = scopes.getStore();
  // A runWith() inside the request has a scope of its own.
  while (scope && !scope.request) scope = scope.outer;
  const response = scope?.request;
  if (!response) return undefined;
  let noted = calls.get(response);
  if (!noted) calls.set(response, (noted = new Map()));
  return noted;
}

/** The first of an app's guards. It notes which handler a request goes to, which others may keep from being reached. */
export const trackingGuard: CanActivate = {
  canActivate(context: ExecutionContext): true {
    const type = context.getType<string>();
    const handler = context.getHandler();
    const owner = context.getClass();
    // Messages are in no request and have no response.
    if (type === 'rpc' || type === 'ws' || intentsOf(handler, owner).length === 0) return true;
    const noted = currentCalls();
    // Where a refusal does not show in the answer's status, a call that is not reached has failed.
    if (noted && !noted.has(handler))
      noted.set(handler, { handler, owner, args: [], result: undefined, failed: type !== 'http' });
    return true;
  },
};

/** Notes what a decorated handler did. It tracks nothing where there is a response: that is done once, at its end. */
@Injectable()
export class TrackingInterceptor implements NestInterceptor {
  readonly #service: TrackerService | undefined;
  // A handler and its class may both be decorated: Nest then asks twice, with one context.
  readonly #seen = new WeakSet<ExecutionContext>();

  constructor(@Optional() @Inject(TrackerService) service?: TrackerService) {
    this.#service = service;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.#seen.has(context)) return next.handle();
    this.#seen.add(context);
    const type = context.getType<string>();
    const ofMessage = type === 'rpc' || type === 'ws';
    const handler = context.getHandler();
    const args = ofMessage ? context.getArgs() : [];
    const call: HandlerCall = { handler, owner: context.getClass(), args, result: undefined, failed: false };
    if (!ofMessage) {
      if (!observed.has(handler)) observeArguments(handler as Method);
      currentCalls()?.set(handler, call);
    }
    const noted = next.handle().pipe(
      tap({
        next: (result: unknown) => {
          call.result = result;
        },
        error: () => {
          call.failed = true;
        },
      }),
    );
    const service = this.#service;
    if (!ofMessage || !service?.app) return noted;
    const { current } = service;
    // A message has no response: its end is the handler's.
    return noted.pipe(
      finalize(() =>
        trackCall(call, call.failed ? 'error' : 'success', context.getArgByIndex(0), current, service.app.log),
      ),
    );
  }
}

const observed = new WeakSet<object>();

/**
 * Has the calls of a handler noted with their arguments, which Nest shows to no interceptor. Nest calls a handler by
 * `apply`; one of the handler's own sees them, and leaves in its place the function by which others know the handler.
 */
function observeArguments(handler: Method): void {
  observed.add(handler);
  const { apply } = handler;
  const value = function (this: Method, self: unknown, args: unknown[]): unknown {
    const call = currentCalls()?.get(handler);
    if (call) call.args = args;
    return apply.call(this, self, args);
  };
  // A frozen function stays as it is: its arguments are not seen then.
  Reflect.defineProperty(handler, 'apply', { value, configurable: true, writable: true });
}

/**
 * Tracks the calls of a request whose response is done.
 *
 * @param mounted Names the module whose tracker has the decorators' events: another module's tracker leaves them alone.
 * @param view The framework's request behind Node's.
 */
export function trackDeclared<Req extends object>(
  mounted: { readonly declaring: string | undefined },
  name: string | undefined,
  log: Log,
  view?: (req: Req) => object,
): Declared<Req> {
  return (req, response, tracker, arrivedAt, mayView) => {
    if (mounted.declaring !== name) return;
    // None when no answer was begun.
    const status = response.headersSent ? response.statusCode : undefined;
    for (const call of calls.get(response)?.values() ?? []) {
      const outcome = status === undefined ? 'unanswered' : call.failed || status >= 400 ? 'error' : 'success';
      trackCall(call, outcome, view ? view(req) : req, tracker, log, { arrivedAt, mayView });
    }
  };
}

/** A request that a declared view stands for. */
interface Arrival {
  readonly arrivedAt: number;
  /** Whether it may still have a page view. */
  readonly mayView: () => boolean;
}

/** Tracks the events that a call's handler and its class have declared. Never throws. @param arrival None for a message. */
function trackCall(
  call: HandlerCall,
  outcome: Outcome,
  request: unknown,
  tracker: RequestTracker,
  log: Log,
  arrival?: Arrival,
): void {
  const context = { request, args: call.args, result: call.result };
  for (const { decorator, build, values, isView, isPageView } of intentsOf(call.handler, call.owner)) {
    const on = (values as { on?: When }).on ?? 'success';
    if (on !== 'always' && on !== outcome) continue;
    if (isPageView && arrival?.mayView() === false) continue;
    const timestamp = isView && arrival ? { type: 'dtm', value: arrival.arrivedAt } : undefined;
    const args = log.guard(decorator, argumentsOf, values, context, timestamp);
    // A @TrackEvent function may have nothing to track.
    if (!args || (build === buildGiven && (args as Partial<Given>).event === undefined)) continue;
    tracker.trackQuietly(decorator, build, args as never);
  }
}

/** The arguments that a decorator declares for one call. */
const argumentsOf = asCallback((values: object, context: object, timestamp: object | undefined): object => {
  if (typeof values === 'function')
    return { timestamp, ...(settled((values as (context: object) => unknown)(context)) as object) };
  const args: Record<string, unknown> = { timestamp };
  for (const [name, value] of Object.entries(values))
    if (name !== 'on')
      args[name] = typeof value === 'function' ? settled((value as (c: object) => unknown)(context)) : value;
  return args;
});

/** @throws TypeError for a promise: the response is done, and nothing waits. */
function settled(value: unknown): unknown {
  if (typeof (value as { then?: unknown } | null | undefined)?.then !== 'function') return value;
  Promise.resolve(value).catch(() => {});
  throw new TypeError('a decorator function gave a promise');
}
