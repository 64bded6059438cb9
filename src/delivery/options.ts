// The options of every emitter: their defaults, their checks, and the collector's address worked out once.
import { LONGEST_TIMER_MS } from '../core/deadline';
import type { DropInfo, Payload } from '../core/emitter';
import { ConfigError, show } from '../core/errors';
import type { Logger } from '../core/logger';
import {
  callback,
  custom,
  either,
  having,
  integer,
  isPlain,
  loggerRule,
  oneOf,
  type OptionRules,
  text,
} from '../core/options';
import { isThenable } from '../core/contracts';
import type { EventStore } from './store/event-store';

/** What every built-in emitter takes. */
export interface BufferOptions {
  /**
   * How many waiting events start a send; one that is not full starts 50 ms after the last such, and carries what waits.
   *
   * @default 10, for GET 1
   */
  batchSize?: number | undefined;
  /** Most events in one request. @default 250, for GET `batchSize` */
  maxBatchSize?: number | undefined;
  /** UTF-8 bytes of the body to be sent that start a send. @default none */
  byteLimit?: number | undefined;
  /** The longest an event waits for company, in milliseconds; 0 = for ever. @default 5_000 */
  flushIntervalMs?: number | undefined;
  /** Events, waiting and in flight together; a full buffer refuses the new event. @default 10_000 */
  bufferCapacity?: number | undefined;
  /** UTF-8 bytes, waiting and in flight together. @default 16 MiB */
  bufferCapacityBytes?: number | undefined;
  /** The longest wait between two attempts; it starts at 500 ms and doubles, with full jitter. @default 60_000 */
  maxRetryDelayMs?: number | undefined;
  /** Where accepted events wait. @default a MemoryEventStore of the two capacities */
  eventStore?: EventStore | undefined;
  /** Called for what the emitter refused, or accepted and then dropped. */
  onDrop?: ((info: DropInfo) => void) | undefined;
  /** @default the package's `logger` */
  logger?: Logger | false | undefined;
}

/** What `onFailure` learns beside the events. */
export interface FailureInfo {
  /** True when the events are kept and will be tried again. */
  readonly willRetry: boolean;
  /** The collector's answer, where there was one. */
  readonly status?: number | undefined;
  readonly error?: Error | undefined;
}

/** An undici dispatcher, by its shape: an Agent, a Pool, a ProxyAgent, of undici 7 or 8. */
export interface DispatcherLike {
  dispatch(options: never, handler: never): boolean;
}

/** Options of an emitter that sends to a collector. */
export interface EmitterOptions extends BufferOptions {
  /** The collector: `collector.acme.com`, or a URL with http or https; a path is kept as a prefix. */
  endpoint: string;
  /** Where the endpoint names none. @default 'https' */
  protocol?: 'https' | 'http' | undefined;
  /** @default the protocol's own */
  port?: number | undefined;
  /** @default 'post' */
  method?: 'post' | 'get' | undefined;
  /** Hard limit of one body in bytes; a larger event is refused as `too-large`. @default 131_072 */
  maxPostBytes?: number | undefined;
  /** Longest GET target in bytes after encoding; a larger event is refused as `too-large`. @default 16_000 */
  maxGetBytes?: number | undefined;
  /** A whole attempt, or its two parts, in milliseconds. @default 10_000 */
  requestTimeoutMs?: number | { readonly connect: number; readonly response: number } | undefined;
  /** Over the default, which retries every status but 2xx, 400, 401, 403, 410 and 422; a 2xx is never retried. */
  customRetryCodes?: Readonly<Record<number, boolean>> | undefined;
  /** Your own dispatcher of undici 7 or 8: a pool, a proxy, mutual TLS. You close it. */
  dispatcher?: DispatcherLike | undefined;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Receives the events that the collector accepted. An event is decoded when the callback first reads it, so reading only
   * `events.length` costs little. Copy the list (`[...events]`) before you post it to a worker thread.
   */
  onSuccess?: ((events: Payload[]) => void) | undefined;
  /** Receives the events of an attempt that failed, in whole or in part; a list as for `onSuccess`. */
  onFailure?: ((sentCount: number, unsent: Payload[], info: FailureInfo) => void) | undefined;
}

/** Options of an AsyncEmitter. */
export interface AsyncEmitterOptions extends EmitterOptions {
  /** Most requests at once; a further one starts only when a whole batch waits while the others are out. @default 8 */
  threadCount?: number | undefined;
}

const isEventStore = (value: unknown): boolean =>
  having('', 'put', 'take').accepts(value) &&
  Number.isFinite((value as EventStore).size) &&
  Number.isFinite((value as EventStore).bytes) &&
  putsAtOnce(value as EventStore);

// `track()` answers at once, so a store must. One that fails for now has not said how it answers.
function putsAtOnce(store: EventStore): boolean {
  try {
    const answer: unknown = store.put([]);
    if (isThenable(answer)) answer.then(undefined, () => {});
    return typeof answer === 'boolean';
  } catch {
    return true;
  }
}

export const BUFFER_RULES: OptionRules<BufferOptions> = {
  batchSize: integer(1),
  maxBatchSize: integer(1),
  byteLimit: integer(1),
  flushIntervalMs: integer(0, LONGEST_TIMER_MS),
  bufferCapacity: integer(1),
  bufferCapacityBytes: integer(1),
  maxRetryDelayMs: integer(1, LONGEST_TIMER_MS),
  eventStore: custom(
    'an event store with put and take methods, size and bytes, whose put answers true or false at once',
    isEventStore,
  ),
  onDrop: callback,
  logger: loggerRule,
};

const timeout = integer(1, LONGEST_TIMER_MS);

// Names that the transport or HTTP itself decides on.
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'connection', 'host', 'sp-anonymous', 'expect', 'upgrade', 'keep-alive',
]); // prettier-ignore

const isHeaders = (value: unknown): boolean =>
  isPlain(value) &&
  Object.entries(value).every(
    ([name, content]) =>
      /^[\w!#$%&'*+.^`|~-]+$/.test(name) &&
      !OWN_HEADERS.has(name.toLowerCase()) &&
      typeof content === 'string' &&
      /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(content),
  );

export const EMITTER_RULES: OptionRules<EmitterOptions> = {
  ...BUFFER_RULES,
  endpoint: text,
  protocol: oneOf('https', 'http'),
  port: integer(1, 65_535),
  method: oneOf('post', 'get'),
  maxPostBytes: integer(1024),
  maxGetBytes: integer(256),
  requestTimeoutMs: either(
    timeout,
    custom(
      '{ connect, response } of such integers',
      (value) => isPlain(value) && timeout.accepts(value['connect']) && timeout.accepts(value['response']),
    ),
  ),
  customRetryCodes: custom(
    'a plain object of status codes with true or false',
    (value) =>
      isPlain(value) &&
      Object.entries(value).every(([code, retry]) => /^[1-5]\d\d$/.test(code) && typeof retry === 'boolean'),
  ),
  dispatcher: having('an undici dispatcher', 'dispatch'),
  headers: custom(
    'a plain object of header names with printable values, without those that the emitter sets itself',
    isHeaders,
  ),
  onSuccess: callback,
  onFailure: callback,
};

export const ASYNC_EMITTER_RULES: OptionRules<AsyncEmitterOptions> = { ...EMITTER_RULES, threadCount: integer(1, 256) };

/** What is not given. `batchSize` and `maxBatchSize` depend on the method, see {@link batching}. */
export const DEFAULTS = {
  flushIntervalMs: 5_000,
  bufferCapacity: 10_000,
  bufferCapacityBytes: 16 * 1024 * 1024,
  maxRetryDelayMs: 60_000,
  protocol: 'https',
  method: 'post',
  maxPostBytes: 131_072,
  maxGetBytes: 16_000,
  requestTimeoutMs: 10_000,
} as const;

/** What is not given to an AsyncEmitter. */
export const ASYNC_DEFAULTS = { ...DEFAULTS, threadCount: 8 } as const;

/** Works out the two batch sizes; a batch never waits for more events than the buffer can hold. */
export function batching(
  owner: string,
  { batchSize, maxBatchSize, bufferCapacity = DEFAULTS.bufferCapacity }: BufferOptions,
  method: 'post' | 'get' = 'post',
): { batchSize: number; maxBatchSize: number } {
  if (batchSize !== undefined && maxBatchSize !== undefined && maxBatchSize < batchSize)
    throw new ConfigError(`${owner}: maxBatchSize`, `at least batchSize (${batchSize})`, show(maxBatchSize));
  const starts = Math.min(batchSize ?? (method === 'get' ? 1 : 10), maxBatchSize ?? Infinity, bufferCapacity);
  return { batchSize: starts, maxBatchSize: maxBatchSize ?? (method === 'get' ? starts : Math.max(250, starts)) };
}

/**
 * The collector's address: a host name or a URL, joined with protocol and port by a URL parser.
 *
 * @throws ConfigError; it never repeats the endpoint where that could hold a credential.
 */
export function collectorUrl(
  owner: string,
  endpoint: string,
  protocol: 'https' | 'http',
  port: number | undefined,
): URL {
  const option = `${owner}: endpoint`;
  const given = /^[a-z][a-z\d+.-]*:\/\//i.test(endpoint) ? endpoint : `${protocol}://${endpoint}`;
  if (!URL.canParse(given)) throw new ConfigError(option, 'a host name or a URL');
  const url = new URL(given);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new ConfigError(option, "a host name or a URL with 'https' or 'http'", show(url.protocol.slice(0, -1)));
  if (url.username || url.password) throw new ConfigError(option, 'without a user name or password');
  if (url.search || url.hash) throw new ConfigError(option, 'without a query or fragment');
  // What a parser leaves out: the protocol's own port, a colon without one.
  const [, named] = /^[^:]+:\/\/[^/?#]*?:(\d*)(?:[/?#]|$)/.exec(given) ?? [];
  if (named === '' || url.pathname.startsWith('//') || !isHost(url.hostname))
    throw new ConfigError(
      option,
      'a host name or a URL; the host is an address, or of letters, digits, `-`, `_` and `.`',
    );
  if (port !== undefined) {
    if (named !== undefined && Number(named) !== port)
      throw new ConfigError(`${owner}: port`, `the endpoint's own (${named}), or left out`, show(port));
    url.port = String(port);
  }
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

// What a variable that is not set becomes when it is put into a text.
const NO_HOSTS: ReadonlySet<string> = new Set(['undefined', 'null', 'nan']);

function isHost(host: string): boolean {
  // A parser leaves brackets around an IPv6 address and nothing else.
  if (host.startsWith('[')) return true;
  const labels = host.replace(/\.$/, '').split('.');
  return labels.every((label) => /^[\w-]+$/.test(label)) && !NO_HOSTS.has(host);
}
