// The calls of decorated handlers: noted while they run, and their events tracked when the response is done.
import type { Log } from '../../core/logger';
import { runMarked } from '../../core/marks';
import { type RequestScope, scopes } from '../../core/tracker/scope';
import type { RequestTracker } from '../../core/tracker/tracker';
import { type Intent, intentsOf, isPage, type When } from './intents';

/** One call of a decorated handler. */
export interface HandlerCall {
  readonly handler: object;
  readonly owner: object;
  args: readonly unknown[];
  result: unknown;
  failed: boolean;
}

/** Whether a handler takes messages, which are in no request and have no response. */
export const isMessage = (type: string): boolean => type === 'rpc' || type === 'ws';

/** A function as a class has it. */
export type Method = (...args: unknown[]) => unknown;

/** How a call came out, for `on`. */
export type Outcome = 'success' | 'error' | 'unanswered';

// By Node's response, for as long as it lives. A handler that runs more than once in a request is one call: the last.
const calls = new WeakMap<object, Map<object, HandlerCall>>();

/** Notes a call in the request that is running, if any. */
export function noteCall(call: HandlerCall): void {
  const response = currentResponse();
  if (response) callsIn(response).set(call.handler, call);
}

/**
 * Notes that the request that is running, if any, goes to a handler that declares something, and may yet be refused.
 *
 * @param isAnswered Whether a refusal shows in the answer's status; where it does not, what is not reached has failed.
 */
export function noteTaken(handler: object, owner: object, isAnswered: boolean): void {
  if (intentsOf(handler, owner).length === 0) return;
  const response = currentResponse();
  if (!response || calls.get(response)?.has(handler)) return;
  callsIn(response).set(handler, { handler, owner, args: [], result: undefined, failed: !isAnswered });
}

function callsIn(response: object): Map<object, HandlerCall> {
  let noted = calls.get(response);
  if (!noted) calls.set(response, (noted = new Map()));
  return noted;
}

/** The calls of a request that is done. */
export const callsOf = (response: object): readonly HandlerCall[] => [...(calls.get(response)?.values() ?? [])];

const observed = new WeakSet<object>();

/**
 * Has the calls of a handler noted with their arguments, which Nest shows to no interceptor. Nest calls a handler by
 * `apply`; one of the handler's own sees them, and leaves in its place the function by which others know the handler.
 */
export function observeArguments(handler: Method): void {
  if (observed.has(handler)) return;
  observed.add(handler);
  const { apply } = handler;
  const value = function (this: Method, self: unknown, args: unknown[]): unknown {
    const response = currentResponse();
    const call = response && calls.get(response)?.get(handler);
    if (call) call.args = args;
    return apply.call(this, self, args);
  };
  // A frozen function stays as it is: its arguments are not seen then.
  Reflect.defineProperty(handler, 'apply', { value, configurable: true, writable: true });
}

// A runWith() inside the request has a scope of its own.
function currentResponse(): object | undefined {
  let scope: RequestScope | undefined = scopes.getStore();
  while (scope && !scope.request) scope = scope.outer;
  return scope?.request;
}

/** What is known of a request that a declared view stands for. */
export interface Arrival {
  readonly arrivedAt: number;
  /** Whether it may still have a page view. */
  readonly mayView: () => boolean;
}

/** Tracks what a call's handler and its class have declared. Never throws. @param arrival None for a message. */
export function trackCall(
  call: HandlerCall,
  outcome: Outcome,
  request: unknown,
  tracker: RequestTracker,
  log: Log,
  arrival?: Arrival,
): void {
  const context = { request, args: call.args, result: call.result };
  for (const intent of intentsOf(call.handler, call.owner)) {
    const { decorator, build, values, isView } = intent;
    const on = (values as { on?: When }).on ?? 'success';
    if (on !== 'always' && on !== outcome) continue;
    if (isPage(intent) && arrival?.mayView() === false) continue;
    let args: object | undefined;
    log.guard(decorator, () => {
      const given = runMarked('callback', evaluate, values, context);
      const timestamp = isView && arrival ? { type: 'dtm', value: arrival.arrivedAt } : undefined;
      args = { timestamp, ...given };
    });
    if (args) tracker.trackQuietly(decorator, build as Intent['build'], args as never);
  }
}

type Values = Record<string, unknown>;

function evaluate(values: object, context: object): Values {
  if (typeof values === 'function') return settled((values as (context: object) => unknown)(context)) as Values;
  const args: Values = {};
  for (const [name, value] of Object.entries(values))
    if (name !== 'on')
      args[name] = typeof value === 'function' ? settled((value as (c: object) => unknown)(context)) : value;
  return args;
}

/** @throws TypeError for a promise: the response is done, and nothing waits. */
function settled(value: unknown): unknown {
  if (typeof (value as { then?: unknown } | null | undefined)?.then !== 'function') return value;
  Promise.resolve(value).catch(() => {});
  throw new TypeError('a decorator function gave a promise');
}
