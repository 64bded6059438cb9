// The connections to the collector: how undici opens them, how long they are used, and what is known of them.
import type { Socket } from 'node:net';
import { ConfigError } from '../../core/errors';
import { sharedLookup } from './lookup';
import type { DispatcherLike } from '../options';
import { asError } from '../transport';
import { buildConnector, type Dispatcher, Pool } from './undici';
import { watchAnswers } from './unread-answer';

// Below the idle time-outs that servers and load balancers commonly have (Node's own is 5 s).
const KEEP_ALIVE_MS = 4_000;
// Cookies of load balancers and security headers add up; a head that is longer counts as one that cannot be parsed.
const MAX_HEAD_BYTES = 65_536;
// A new connection asks for the address again: how long a collector's move goes unnoticed at most.
const CONNECTION_AGE_MS = 60_000;

export class Connections {
  readonly #given: Dispatcher | undefined;
  readonly #open: () => Pool;
  // The last one takes the requests; those before it end what they have under way.
  readonly #pools = new Set<Pool>();
  readonly #sockets = new Set<Socket>();
  #dispatcher: Dispatcher;
  #openedAt = performance.now();
  // A connection has just been opened: undici says so right before it starts the first request on it.
  #fresh = false;

  /** @param connectMs How long a connection may take to open, the look-up of its address included. */
  constructor(url: URL, connections: number, connectMs: number, given: DispatcherLike | undefined) {
    this.#given = given as unknown as Dispatcher | undefined;
    const connect = this.#connector(connectMs);
    this.#open = () => {
      const pool = new Pool(url.origin, {
        connections,
        pipelining: 1,
        connect,
        // The deadline of the exchange covers these two.
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: MAX_HEAD_BYTES,
      });
      this.#pools.add(pool.on('connect', () => (this.#fresh = true)));
      return pool;
    };
    this.#dispatcher = this.#given ?? this.#open();
  }

  /** What takes the next request: connections that are too old are not used again, whatever the wall clock says. */
  get dispatcher(): Dispatcher {
    const now = performance.now();
    if (!this.#given && now - this.#openedAt >= CONNECTION_AGE_MS) {
      for (const old of this.#pools) {
        const forget = (): void => void this.#pools.delete(old);
        old.close().then(forget, forget);
      }
      this.#dispatcher = this.#open();
      this.#openedAt = now;
    }
    return this.#dispatcher;
  }

  /**
   * Whether the request that starts now does so on a connection that was used before. Of a dispatcher that is not ours
   * nothing is known: its failures are all taken for real.
   */
  isReused(): boolean {
    const fresh = this.#fresh || this.#given !== undefined;
    this.#fresh = false;
    return !fresh;
  }

  /**
   * Whether nothing reads from a body any more. An answer does not say so: it may come before the request has left. Of a
   * dispatcher that is not ours nothing is known.
   */
  isWritten(): boolean {
    if (this.#given) return false;
    for (const { writableLength } of this.#sockets) if (writableLength > 0) return false;
    return true;
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#pools, (pool) => pool.destroy()));
  }

  // undici's own way to connect, with the sockets made known. Node tries a name's addresses one after another, and 250 ms
  // are too few for one that is far away.
  #connector(timeout: number): buildConnector.connector {
    const autoSelectFamilyAttemptTimeout = Math.ceil(timeout / 4);
    const options = { timeout, autoSelectFamily: true, autoSelectFamilyAttemptTimeout, lookup: sharedLookup };
    const connect = buildConnector(options);
    return (target, callback) =>
      connect(target, (...result) => {
        const [, socket] = result;
        if (socket) {
          this.#sockets.add(socket.once('close', () => this.#sockets.delete(socket)));
          watchAnswers(socket);
        }
        callback(...result);
      });
  }
}

const IGNORES: Dispatcher.DispatchHandler = {
  onRequestStart: (controller) => controller.abort(new Error('this request is not meant')),
  onResponseStart: () => {},
  onResponseData: () => {},
  onResponseEnd: () => {},
  onResponseError: () => {},
};

/**
 * Tries a dispatcher with a request that undici refuses, so nothing is sent. A dispatcher of undici 6, such as Node's own
 * up to version 22, refuses the handler instead: it would never send anything.
 *
 * @throws ConfigError
 */
export function tryDispatcher(option: string, given: DispatcherLike, url: URL): void {
  try {
    const request = { origin: url.origin, path: url.pathname, method: '' as Dispatcher.HttpMethod, headers: {} };
    (given as unknown as Dispatcher).dispatch(request, IGNORES);
  } catch (error) {
    if (/^invalid on\w+ method$/.test(asError(error).message))
      throw new ConfigError(option, 'a dispatcher of undici 7 or 8', 'one of an older undici');
  }
}
