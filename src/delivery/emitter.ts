// The emitters that send to a collector: options in, a store, a transport and the engine out.
import { isAbsent } from '../core/contracts';
import { ConfigError } from '../core/errors';
import { Log } from '../core/logger';
import { asChecked, type OptionRules, readOptions, resolveOptions } from '../core/options';
import { BatchEmitter } from './engine/batch-emitter';
import { CollectorTransport } from './http/collector-transport';
import { tryDispatcher } from './http/undici-client';
import { MemoryEventStore } from './store/memory-store';
import {
  ASYNC_DEFAULTS,
  ASYNC_EMITTER_RULES,
  type AsyncEmitterOptions,
  batching,
  collectorUrl,
  DEFAULTS,
  EMITTER_RULES,
  type EmitterOptions,
} from './options';

/**
 * Sends events to a Snowplow collector, one request at a time, in the order they came.
 *
 * @throws ConfigError that names the option.
 * @example
 * const emitter = new Emitter('collector.acme.com', { batchSize: 50, onFailure: (sent, unsent) => alert(unsent.length) });
 */
export class Emitter extends BatchEmitter {
  /**
   * @param endpoint The collector: a host name, a URL, or the options with it.
   * @param options Where `endpoint` is text.
   */
  constructor(endpoint: string | EmitterOptions, options?: Partial<EmitterOptions>) {
    super(...assemble('Emitter', endpoint, options, EMITTER_RULES, 1));
  }
}

/**
 * Sends events to a Snowplow collector, several requests at once under load: a further one starts only when a whole batch
 * waits while the others are out.
 *
 * @throws ConfigError that names the option.
 * @example
 * const emitter = new AsyncEmitter({ endpoint: 'collector.acme.com', threadCount: 4 });
 */
export class AsyncEmitter extends BatchEmitter {
  /**
   * @param endpoint The collector: a host name, a URL, or the options with it.
   * @param options Where `endpoint` is text.
   */
  constructor(endpoint: string | AsyncEmitterOptions, options?: Partial<AsyncEmitterOptions>) {
    super(...assemble('AsyncEmitter', endpoint, options, ASYNC_EMITTER_RULES, ASYNC_DEFAULTS.threadCount));
  }
}

/** From options to what an engine is made of. */
export function assemble(
  owner: string,
  endpoint: string | AsyncEmitterOptions,
  options: Partial<AsyncEmitterOptions> | undefined,
  rules: OptionRules<EmitterOptions>,
  threadCount: number,
): ConstructorParameters<typeof BatchEmitter> {
  const resolved = resolveOptions<AsyncEmitterOptions, typeof DEFAULTS>(
    owner,
    joined(owner, endpoint, options),
    rules as OptionRules<AsyncEmitterOptions>,
    DEFAULTS,
  );
  if (resolved.endpoint === undefined) throw new ConfigError(`${owner}: endpoint`, 'a host name or a URL', 'nothing');

  const log = new Log(resolved.logger);
  const threads = resolved.threadCount ?? threadCount;
  const { method, maxPostBytes, bufferCapacity, bufferCapacityBytes, byteLimit = Infinity } = resolved;
  const store =
    resolved.eventStore ??
    new MemoryEventStore(asChecked({ capacity: bufferCapacity, capacityBytes: bufferCapacityBytes }));
  const url = collectorUrl(owner, resolved.endpoint, resolved.protocol, resolved.port);
  if (resolved.dispatcher) tryDispatcher(`${owner}: dispatcher`, resolved.dispatcher, url);
  const transport = new CollectorTransport(
    {
      url,
      method,
      connections: threads,
      maxPostBytes,
      maxGetBytes: resolved.maxGetBytes,
      requestTimeoutMs: resolved.requestTimeoutMs,
      customRetryCodes: copyOf(resolved.customRetryCodes),
      headers: copyOf(resolved.headers),
      dispatcher: resolved.dispatcher,
    },
    log,
  );
  const settings = {
    ...batching(owner, resolved, method),
    byteLimit,
    maxBytes: maxPostBytes,
    flushIntervalMs: resolved.flushIntervalMs,
    maxRetryDelayMs: resolved.maxRetryDelayMs,
    threads,
    onSuccess: resolved.onSuccess,
    onFailure: resolved.onFailure,
    onDrop: resolved.onDrop,
  };
  return [settings, store, transport, log];
}

// What was checked, and no symbol beside it.
const copyOf = <Value>(record: Readonly<Record<string, Value>> = {}): Record<string, Value> =>
  Object.fromEntries(Object.entries(record));

// Either of the two; what is in both would be without effect in one of them.
function joined(
  owner: string,
  endpoint: string | AsyncEmitterOptions,
  options: Partial<AsyncEmitterOptions> | null | undefined,
): AsyncEmitterOptions {
  const beside = isAbsent(options) ? undefined : readOptions(owner, options);
  if (typeof endpoint !== 'string') {
    if (beside) throw new ConfigError(`${owner} options`, 'one object: they stand with the endpoint');
    return endpoint;
  }
  if (beside && 'endpoint' in beside) throw new ConfigError(`${owner}: endpoint`, 'given once');
  return { ...beside, endpoint };
}
