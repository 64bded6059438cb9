// The calls of decorated handlers. A guard and an interceptor record them, and their events are tracked when the response is done.
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
import { isThenable } from '../../core/contracts';
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

type Method = (...args: unknown[]) => unknown;

/** The outcome of a call, for `on`. */
type Outcome = 'success' | 'error' | 'unanswered';

// By Node's response. A handler that runs more than once in a request counts as one call, the last.
const calls = new WeakMap<object, Map<object, HandlerCall>>();

/** The calls of the running request, by handler; undefined outside a request. */
function currentCalls(): Map<object, HandlerCall> | undefined {
  let scope: RequestScope | undefined = scopes.getStore();
  // A runWith() inside the request has its own scope.
  while (scope && !scope.request) scope = scope.outer;
  const response = scope?.request;
  if (!response) return undefined;
  let recorded = calls.get(response);
  if (!recorded) calls.set(response, (recorded = new Map()));
  return recorded;
}

/** The first of an app's guards. It records the handler of a request, because a later guard may refuse the request. */
export const trackingGuard: CanActivate = {
  canActivate(context: ExecutionContext): true {
    const type = context.getType<string>();
    const handler = context.getHandler();
    const owner = context.getClass();
    // Messages have no request and no response.
    if (type === 'rpc' || type === 'ws' || intentsOf(handler, owner).length === 0) return true;
    const recorded = currentCalls();
    // If the response's status does not show a refusal, a call that is not reached has failed.
    if (recorded && !recorded.has(handler))
      recorded.set(handler, { handler, owner, args: [], result: undefined, failed: type !== 'http' });
    return true;
  },
};

/** Records what a decorated handler did. The events of a request are tracked once, at the end of its response. */
@Injectable()
export class TrackingInterceptor implements NestInterceptor {
  readonly #service: TrackerService | undefined;
  // If a handler and its class are both decorated, Nest calls the interceptor twice, with one context.
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
    const recorded = next.handle().pipe(
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
    if (!ofMessage || !service?.app) return recorded;
    const { current } = service;
    // A message has no response: it ends with the handler.
    return recorded.pipe(
      finalize(() =>
        trackCall(call, call.failed ? 'error' : 'success', context.getArgByIndex(0), current, service.app.log),
      ),
    );
  }
}

const observed = new WeakSet<object>();

/**
 * Records the arguments of a handler's calls, which Nest shows to no interceptor. Nest calls a handler through `apply`, so the handler
 * gets its own `apply`. The handler itself stays the same function, by which others know it.
 */
function observeArguments(handler: Method): void {
  observed.add(handler);
  const { apply } = handler;
  const value = function (this: Method, self: unknown, args: unknown[]): unknown {
    const call = currentCalls()?.get(handler);
    if (call) call.args = args;
    return apply.call(this, self, args);
  };
  // A frozen function cannot be changed, and its arguments are not recorded.
  Reflect.defineProperty(handler, 'apply', { value, configurable: true, writable: true });
}

/**
 * Tracks the calls of a request whose response is done.
 *
 * @param mounted Names the module whose tracker gets the decorators' events; trackers of other modules ignore them.
 * @param view Returns the framework's request for Node's.
 */
export function trackDeclared<Req extends object>(
  mounted: { readonly declaring: string | undefined },
  name: string | undefined,
  log: Log,
  view?: (req: Req) => object,
): Declared<Req> {
  return (req, response, tracker, arrivedAt, mayView) => {
    if (mounted.declaring !== name) return;
    // Undefined if no response was begun.
    const status = response.headersSent ? response.statusCode : undefined;
    for (const call of calls.get(response)?.values() ?? []) {
      const outcome = status === undefined ? 'unanswered' : call.failed || status >= 400 ? 'error' : 'success';
      trackCall(call, outcome, view ? view(req) : req, tracker, log, { arrivedAt, mayView });
    }
  };
}

/** The request of a declared view. */
interface Arrival {
  readonly arrivedAt: number;
  /** Whether it may still have a page view. */
  readonly mayView: () => boolean;
}

/** Tracks the events that a call's handler and its class declare. Never throws. @param arrival Undefined for a message. */
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

/** The arguments of one event that a decorator declares. */
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
  if (!isThenable(value)) return value;
  Promise.resolve(value).catch(() => {});
  throw new TypeError('a decorator function returned a promise');
}
