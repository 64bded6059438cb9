// The servers of the process: which ones listen, when they close, and their HTTP/2 sessions.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';

type Emitter = Pick<EventEmitter, 'on' | 'once'>;

// Node publishes this for every server in the process; versions before 20.20 may not.
const LISTENING = 'tracing:net.server.listen:asyncEnd';
const closed = new WeakMap<object, Set<() => void>>();
const sessions = new WeakMap<object, Set<ServerHttp2Session>>();

/** Calls `then` when the server has closed. The server gets one listener for all calls. */
export function whenClosed(server: object, then: () => void): void {
  const waiting = closed.get(server);
  if (waiting) return void waiting.add(then);
  const all = new Set([then]);
  closed.set(server, all);
  (server as Partial<Emitter>).once?.('close', () => {
    closed.delete(server);
    for (const one of all) one();
  });
}

/**
 * Calls `heard` for each server that starts to listen from now on, whatever it serves.
 *
 * @returns a function that stops this.
 */
export function hearServers(heard: (server: object) => void): () => void {
  const listener = (message: unknown): void => heard((message as { server: object }).server);
  subscribe(LISTENING, listener);
  return () => void unsubscribe(LISTENING, listener);
}

/** Records the future sessions of an HTTP/2 server, which has no list of them, and a `known` current one. */
export function recordSessions(server: object, known?: ServerHttp2Session): void {
  if (typeof (server as { updateSettings?: unknown } | undefined)?.updateSettings !== 'function') return;
  let all = sessions.get(server);
  const add = (session: ServerHttp2Session): void => {
    if (session.destroyed || all?.has(session)) return;
    all?.add(session);
    session.once('close', () => void all?.delete(session));
  };
  if (!all) {
    sessions.set(server, (all = new Set()));
    (server as unknown as Emitter).on('session', add);
  }
  if (known) add(known);
}

/** The open sessions of a server that were recorded. */
export const sessionsOf = (server: object): readonly ServerHttp2Session[] => [...(sessions.get(server) ?? [])];
