// closeOnShutdown: on a signal the server ends its work, the tracker sends what it holds, and the process ends as it would have.
import type { Server } from 'node:http';
import { constants } from 'node:os';
import { callback, custom, having, integer, list, type OptionRules, resolveOptions } from './core/options';

/** What has to be closed: a Tracker, by its shape. */
interface Closable {
  flush(options?: { timeoutMs?: number }): Promise<unknown>;
  close(options?: { timeoutMs?: number }): Promise<unknown>;
}

/** An HTTP server, by its shape: `http`, `https`, and what frameworks hand out. */
export type ServerLike = Pick<Server, 'close'> & Partial<Pick<Server, 'closeIdleConnections' | 'closeAllConnections'>>;

/** When to end, and how long that may take. */
export interface ShutdownOptions {
  /** The signals to act on, for example `['SIGTERM', 'SIGINT']`. @default none */
  signals?: readonly NodeJS.Signals[] | undefined;
  /** The whole time it may take, in milliseconds. @default 5_000 */
  timeoutMs?: number | undefined;
}

/** Options of {@link closeOnShutdown}. */
export interface CloseOnShutdownOptions extends ShutdownOptions {
  /** The app's server, several, or a function that gives those known by then. */
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
// How much of the time is kept for the tracker when requests will not end.
const TRACKER_SHARE = 0.2;
// PID 1 ignores a signal that it sends itself.
const RERAISE_MS = 100;

/**
 * Ends an app well on a signal: stops listening, lets requests in flight end, sends what the tracker holds, and then lets
 * the signal do what it would have done. A second signal skips the wait. Other listeners of the signal keep their say: it
 * is raised again only when none is left.
 *
 * @returns removes the signal listeners again; once a signal has come they stay, and it answers false.
 * @throws ConfigError that names the option.
 * @example
 * const server = app.listen(3000);
 * closeOnShutdown({ server, tracker, signals: ['SIGTERM', 'SIGINT'] });
 */
export function closeOnShutdown(options: CloseOnShutdownOptions): () => boolean {
  const resolved = resolveOptions('closeOnShutdown', options, RULES, { signals: [], timeoutMs: SHUTDOWN_TIMEOUT_MS });
  const { signals, timeoutMs, tracker } = resolved;
  const servers = (): readonly ServerLike[] => {
    const given = resolved.server;
    return typeof given === 'function'
      ? given()
      : Array.isArray(given)
        ? (given as ServerLike[])
        : [given as ServerLike];
  };
  let ending = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    // No more waiting; an ordinary exit lets the emitters say what they lose.
    if (ending) {
      process.off(signal, onSignal);
      if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal]);
      return;
    }
    ending = true;
    void endAll(servers(), tracker, timeoutMs).then(() => leave(signal, onSignal));
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    if (!ending) for (const signal of signals) process.off(signal, onSignal);
    return !ending;
  };
}

async function endAll(servers: readonly ServerLike[], tracker: Closable, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const closed = Promise.all(servers.map((one) => new Promise<void>((resolve) => one.close(() => resolve()))));
  void tracker.flush({ timeoutMs });
  // A connection that was busy a moment ago and is idle now would keep its server open.
  const idle = setInterval(() => {
    for (const one of servers) one.closeIdleConnections?.();
  }, IDLE_CHECK_MS);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs * (1 - TRACKER_SHARE));
  });
  await Promise.race([closed, late]);
  clearInterval(idle);
  clearTimeout(timer);
  for (const one of servers) one.closeAllConnections?.();
  await tracker.close({ timeoutMs: Math.max(0, deadline - performance.now()) });
}

function leave(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
  process.off(signal, listener);
  // Whoever else listens has taken the process's end upon itself.
  if (process.listenerCount(signal) > 0) return;
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + constants.signals[signal]), RERAISE_MS);
}
