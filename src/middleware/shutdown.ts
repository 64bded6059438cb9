// closeOnShutdown: on a signal, the server finishes its requests, the tracker sends its events, and the process ends as usual.
import type { Server } from 'node:http';
import { constants } from 'node:os';
import { within } from '../core/deadline';
import { callback, custom, having, integer, list, type OptionRules, resolveOptions } from '../core/options';
import { hearServers, recordSessions, sessionsOf } from './servers';

/** The shape of a Tracker. */
interface Closable {
  flush(options?: { timeoutMs?: number }): Promise<unknown>;
  close(options?: { timeoutMs?: number }): Promise<unknown>;
}

/** The shape of an HTTP server: `http`, `https`, `http2`, and the servers of frameworks. */
export type ServerLike = Pick<Server, 'close'> & Partial<Pick<Server, 'closeIdleConnections' | 'closeAllConnections'>>;

/** When to shut down, and how long that may take. */
export interface ShutdownOptions {
  /** The signals to act on, for example `['SIGTERM', 'SIGINT']`. @default none */
  signals?: readonly NodeJS.Signals[] | undefined;
  /** The total time it may take, in milliseconds. @default 5_000 */
  timeoutMs?: number | undefined;
}

/** Options of {@link closeOnShutdown}. */
export interface CloseOnShutdownOptions extends ShutdownOptions {
  /** The app's server, a list, or a function that returns the servers known at that time. */
  server: ServerLike | readonly ServerLike[] | (() => readonly ServerLike[]);
  /** The app's tracker: flushed at once, closed last. */
  tracker: Closable;
}

const isSignal = (value: unknown): boolean =>
  typeof value === 'string' && /^SIG[A-Z0-9]+$/.test(value) && value !== 'SIGKILL' && value !== 'SIGSTOP';

export const SHUTDOWN_RULES: OptionRules<ShutdownOptions> = {
  signals: list('a list of signal names such as SIGTERM', isSignal),
  timeoutMs: integer(1),
};

const server = having('an http server', 'close');
const RULES: OptionRules<CloseOnShutdownOptions> = {
  ...SHUTDOWN_RULES,
  server: custom(
    'an http server or a list of them',
    (value) =>
      callback.accepts(value) ||
      (Array.isArray(value) ? value.every((one) => server.accepts(one)) : server.accepts(value)),
  ),
  tracker: having('a Tracker', 'flush', 'close'),
};

export const SHUTDOWN_TIMEOUT_MS = 5_000;
const IDLE_CHECK_MS = 100;
// The share of the time that is reserved for the tracker if requests do not end.
const TRACKER_SHARE = 0.2;
// PID 1 ignores a signal that it sends itself.
const RERAISE_MS = 100;

/**
 * Shuts an app down gracefully on a signal: stops listening, lets requests in flight end, sends the tracker's events, and then lets
 * the signal have its usual effect. HTTP/2 sessions are closed at once, and end with their open streams. A second signal skips the
 * wait. If the signal has other listeners, it is not raised again. The process has one listener per signal for all apps.
 *
 * @returns a function that removes the signal listeners; after a signal they stay, and it returns false.
 * @throws ConfigError that names the option.
 * @example
 * const server = app.listen(3000);
 * closeOnShutdown({ server, tracker, signals: ['SIGTERM', 'SIGINT'] });
 */
export function closeOnShutdown(options: CloseOnShutdownOptions): () => boolean {
  const resolved = resolveOptions('closeOnShutdown', options, RULES, { signals: [], timeoutMs: SHUTDOWN_TIMEOUT_MS });
  const { signals, timeoutMs, tracker } = resolved;
  const given = resolved.server;
  const servers = (): readonly ServerLike[] =>
    typeof given === 'function' ? given() : Array.isArray(given) ? (given as ServerLike[]) : [given as ServerLike];
  if (typeof given !== 'function') for (const one of servers()) recordSessions(one);
  const unhear = signals.length > 0 ? hearServers((server) => recordSessions(server)) : undefined;
  let ended: Promise<void> | undefined;
  const app: App = {
    get isEnding() {
      return ended !== undefined;
    },
    end: () => (ended ??= endAll(servers(), tracker, timeoutMs)),
  };
  for (const signal of signals) listen(signal, app);
  return () => {
    if (ended) return false;
    unhear?.();
    for (const signal of signals) unlisten(signal, app);
    return true;
  };
}

/** An app that signals shut down. */
interface App {
  readonly isEnding: boolean;
  end(): Promise<void>;
}

// The process has one listener per signal for all apps.
const apps = new Map<NodeJS.Signals, Set<App>>();

function listen(signal: NodeJS.Signals, app: App): void {
  const asked = apps.get(signal);
  if (asked) return void asked.add(app);
  apps.set(signal, new Set([app]));
  process.on(signal, onSignal);
}

function unlisten(signal: NodeJS.Signals, app: App): void {
  const asked = apps.get(signal);
  asked?.delete(app);
  if (asked?.size === 0) forget(signal);
}

function forget(signal: NodeJS.Signals): void {
  apps.delete(signal);
  process.off(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  const asked = [...(apps.get(signal) ?? [])];
  // Ends without waiting; an ordinary exit lets the emitters report what they lose.
  if (asked.every(({ isEnding }) => isEnding)) {
    forget(signal);
    if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal]);
    return;
  }
  void Promise.all(asked.map((app) => app.end())).then(() => leave(signal));
}

async function endAll(servers: readonly ServerLike[], tracker: Closable, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const closed = Promise.all(servers.map(closeServer));
  void tracker.flush({ timeoutMs });
  // A connection that has just become idle would keep its server open.
  const idle = setInterval(() => {
    for (const one of servers) one.closeIdleConnections?.();
  }, IDLE_CHECK_MS);
  // A closed session accepts no more streams and ends with its open ones.
  for (const one of servers) for (const session of sessionsOf(one)) session.close();
  await within(() => closed, timeoutMs * (1 - TRACKER_SHARE));
  clearInterval(idle);
  for (const one of servers) {
    one.closeAllConnections?.();
    for (const session of sessionsOf(one)) session.destroy();
  }
  await tracker.close({ timeoutMs: Math.max(0, deadline - performance.now()) });
}

const closing = new WeakMap<ServerLike, Promise<void>>();

// Two middlewares of one app wait for the same close: a second call would report that the server does not run.
function closeServer(server: ServerLike): Promise<void> {
  const begun = closing.get(server);
  if (begun) return begun;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  closing.set(server, closed);
  return closed;
}

function leave(signal: NodeJS.Signals): void {
  forget(signal);
  // Another listener of the signal decides when the process ends.
  if (process.listenerCount(signal) > 0) return;
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + constants.signals[signal]), RERAISE_MS);
}
