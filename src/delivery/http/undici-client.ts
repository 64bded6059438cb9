// The HTTP client for Node: undici's connections, one request with its deadline, and what undici reports read as an answer.
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers';
import { LONGEST_TIMER_MS } from '../../core/deadline';
import { ConfigError } from '../../core/errors';
import type { DispatcherLike } from '../options';
import { asError } from '../transport';
import { sharedLookup } from './lookup';
import { type Dispatcher, loadUndici, type Pool } from './undici';

// Below the idle time-outs that servers and load balancers commonly have (Node's own is 5 s).
const KEEP_ALIVE_MS = 4_000;
// Cookies of load balancers and security headers add up; a head that is longer counts as one that cannot be parsed.
const MAX_HEAD_BYTES = 65_536;
// A new connection asks for the address again: how long a collector's move goes unnoticed at most.
const CONNECTION_AGE_MS = 60_000;
// An answer says all it has to say in its status; a longer body is aborted.
const MAX_ANSWER_BYTES = 65_536;
// How long an answer's body may take, once its status has said all: as long as it lasts it occupies the connection.
const LONGEST_BODY_MS = 1_000;

// What undici calls an answer whose head it refuses; lengths that do not match are so early only where the head has two.
const UNREADABLE: ReadonlySet<string> = new Set([
  'HTTPParserError', 'HeadersOverflowError', 'ResponseContentLengthMismatchError',
]); // prettier-ignore

/** How long the parts of an exchange may take, in milliseconds. */
export interface Limits {
  /** From the call to the status; or to the start of the request, where that has a limit of its own. */
  readonly whole: number;
  readonly response: number | undefined;
}

/** What became of a request: a status, or why there is none. */
export interface Answer {
  readonly status?: number;
  readonly retryAfter?: unknown;
  readonly error?: Error;
  /** The request had begun on a connection: before that, a failure says nothing of what it carries. */
  readonly isBegun: boolean;
  /** There was an answer, and undici could not read it: why. */
  readonly unreadable: string | undefined;
}

export interface ClientOptions {
  readonly url: URL;
  /** Most connections at once. */
  readonly connections: number;
  readonly limits: Limits;
  /** How long a connection may take to open, the look-up of its address included. */
  readonly connectMs: number;
  /** The user's own: its connections are not ours to renew or to close. */
  readonly dispatcher: DispatcherLike | undefined;
}

function preload(): void {
  try {
    loadUndici();
  } catch {}
}

export class UndiciClient {
  readonly #options: ClientOptions;
  // The last one takes the requests; those before it end what they have under way.
  readonly #pools = new Set<Pool>();
  readonly #exchanges = new Set<Exchange>();
  readonly #sockets = new Set<Socket>();
  #dispatcher: Dispatcher | undefined;
  #openedAt = performance.now();
  /** A connection has just been opened: undici says so right before it starts the first request on it. */
  isFresh = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#dispatcher = options.dispatcher as unknown as Dispatcher | undefined;
    // Not while the app starts, and not in a visitor's request. The first request reports what fails here.
    if (!this.#dispatcher) setImmediate(preload).unref();
  }

  /** Makes one request; its answer never rejects. */
  async send(request: Omit<Dispatcher.DispatchOptions, 'origin'>): Promise<Answer> {
    const { url, connections, limits, dispatcher: given } = this.#options;
    const options = { ...request, origin: url.origin };
    // A server may close an idle connection at the moment it is used again: that says nothing of the collector, so the
    // request is made again at once. Each such connection costs one attempt; a fresh one that fails is a real failure. Of a
    // dispatcher that is not ours nothing is known: all its failures count.
    for (let left = given ? 0 : connections; ; left--) {
      if (!given && performance.now() - this.#openedAt >= CONNECTION_AGE_MS) this.#renew();
      const exchange = new Exchange(this, limits);
      this.#exchanges.add(exchange);
      const answer = await exchange.run(() => (this.#dispatcher ??= this.#openPool()), options);
      this.#exchanges.delete(exchange);
      if (!exchange.isStale || left <= 0) return answer;
    }
  }

  /**
   * Whether nothing reads from a body any more. An answer does not say so: it may come before the request has left. Of a
   * dispatcher that is not ours nothing is known.
   */
  isWritten(): boolean {
    if (this.#options.dispatcher) return false;
    for (const { writableLength } of this.#sockets) if (writableLength > 0) return false;
    return true;
  }

  /** Aborts what is under way. */
  async close(): Promise<void> {
    for (const exchange of this.#exchanges) exchange.abort(new Error('the emitter was closed'));
    await Promise.all(Array.from(this.#pools, (pool) => pool.destroy()));
  }

  // Connections that are too old are not used again, whatever the wall clock says.
  #renew(): void {
    for (const old of this.#pools) {
      const forget = (): void => void this.#pools.delete(old);
      old.close().then(forget, forget);
    }
    this.#dispatcher = undefined;
    this.#openedAt = performance.now();
  }

  #openPool(): Pool {
    const { url, connections, connectMs: timeout } = this.#options;
    const { buildConnector, Pool } = loadUndici();
    // Node tries a name's addresses one after another, and 250 ms are too few for one that is far away.
    const connect = buildConnector({
      timeout,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: Math.ceil(timeout / 4),
      lookup: sharedLookup,
    });
    const pool = new Pool(url.origin, {
      connections,
      pipelining: 1,
      connect: (target, callback) =>
        connect(target, (...result) => {
          const socket: Socket | null = result[1];
          if (socket) {
            this.#sockets.add(socket.once('close', () => this.#sockets.delete(socket)));
            watchAnswers(socket);
          }
          callback(...result);
        }),
      // The deadline of the exchange covers these two.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEAD_BYTES,
    });
    this.#pools.add(pool.on('connect', () => (this.isFresh = true)));
    return pool;
  }
}

/** One request and its answer, as undici reports them. The status alone decides, as soon as it is there. */
class Exchange implements Dispatcher.DispatchHandler {
  /** The server had closed the connection before the request came. */
  isStale = false;
  readonly #client: UndiciClient;
  readonly #limits: Limits;
  #connection: 'none' | 'fresh' | 'reused' = 'none';
  #settle: (answer: Answer) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #isAnswered = false;
  #aborted: Error | undefined;
  #received = 0;

  constructor(client: UndiciClient, limits: Limits) {
    this.#client = client;
    this.#limits = limits;
  }

  run(dispatcher: () => Dispatcher, options: Dispatcher.DispatchOptions): Promise<Answer> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#arm(this.#limits.whole);
      try {
        dispatcher().dispatch(options, this);
      } catch (error) {
        clearTimeout(this.#timer);
        this.#fail(asError(error));
      }
    });
  }

  /** Ends the exchange, wherever it is: a request that still waits for a connection will not be sent. */
  abort(error: Error): void {
    this.#aborted ??= error;
    this.#controller?.abort(error);
    clearTimeout(this.#timer);
    this.#fail(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#connection = this.#client.isFresh ? 'fresh' : 'reused';
    this.#client.isFresh = false;
    if (this.#aborted) controller.abort(this.#aborted);
    else if (this.#limits.response !== undefined) this.#arm(this.#limits.response);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    if (status < 200) return;
    this.#isAnswered = true;
    this.#settle({ status, retryAfter: headers['retry-after'], isBegun: true, unreadable: undefined });
    // The rest is waited for only because the connection can then be used again.
    this.#arm(Math.min(LONGEST_BODY_MS, this.#limits.whole / 2));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#received > MAX_ANSWER_BYTES) controller.abort(new Error('the answer was too long'));
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error & { code?: string }): void {
    this.onResponseEnd();
    const isOpen = !this.#isAnswered && !this.#aborted;
    if (isOpen && isUnreadable(error)) {
      // An error of its own: undici's holds what the answer said.
      const unreadable = `the collector's answer cannot be parsed: ${error.message} (${error.code ?? error.name})`;
      const status = statusOf(error);
      const answer = { isBegun: true, unreadable };
      return this.#settle(status === undefined ? { ...answer, error: new Error(unreadable) } : { ...answer, status });
    }
    const isDead = error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET' || error.code === 'EPIPE';
    this.isStale = isOpen && isDead && this.#connection === 'reused';
    this.#fail(error);
  }

  #fail(error: Error): void {
    this.#settle({ error, isBegun: this.#connection !== 'none', unreadable: undefined });
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    // After a blocked event loop an answer may be waiting behind the timer: it gets one more turn to be read.
    const onTime = (): void =>
      void setImmediate(() => {
        if (this.#timer === timer)
          this.abort(
            new Error(`no answer from the collector within ${this.#limits.response ?? this.#limits.whole} ms`),
          );
      });
    const timer = setTimeout(onTime, Math.min(ms, LONGEST_TIMER_MS)).unref();
    this.#timer = timer;
  }
}

// An interim answer 100 or 101 that nobody asked for is a "bad response" or a "bad upgrade".
const isUnreadable = ({ name, code, message }: Error & { code?: string }): boolean =>
  UNREADABLE.has(name) || (code === 'UND_ERR_SOCKET' && message.startsWith('bad '));

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

// Heads are short: a status line that is not in here does not count.
const MOST_BYTES = 4_096;

const lastRead = new WeakMap<object, Buffer>();

/** Remembers what a connection read last, for {@link statusOf} the error that ends it. */
export function watchAnswers(socket: Socket): void {
  const { read } = socket;
  let last: unknown;
  socket.read = (size) => {
    const chunk: unknown = read.call(socket, size);
    if (chunk) last = chunk;
    return chunk;
  };
  socket.once('error', (error) => {
    if (Buffer.isBuffer(last)) lastRead.set(error, last);
  });
}

/** The final status in what was read right before `error` ended its connection, if it is there. */
export function statusOf(error: Error): number | undefined {
  let head = lastRead.get(error)?.toString('latin1', 0, MOST_BYTES) ?? '';
  for (;;) {
    const [, status] = /^HTTP\/1\.[01] (\d{3})[ \r\n]/.exec(head) ?? [];
    if (status === undefined) return undefined;
    if (status >= '200') return Number(status);
    // An interim answer, perhaps one that nobody asked for: the final one follows its empty line.
    const end = /\r?\n\r?\n/.exec(head);
    if (!end) return undefined;
    head = head.slice(end.index + end[0].length);
  }
}
