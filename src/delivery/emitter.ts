// The emitters that send to a collector: options in, a store, a transport and the engine out.
import { isAbsent } from '../core/contracts';
import { ConfigError } from '../core/errors';
import { type OptionRules, readOptions, resolveOptions } from '../core/options';
import { BatchEmitter } from './engine/batch-emitter';
import { CollectorTransport } from './http/collector-transport';
import { tryDispatcher } from './http/undici-client';
import {
  ASYNC_DEFAULTS,
  ASYNC_EMITTER_RULES,
  type AsyncEmitterOptions,
  collectorUrl,
  DEFAULTS,
  EMITTER_RULES,
  type EmitterOptions,
} from './options';
import { overTransport } from './transport-emitter';

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
  const defaults = { ...DEFAULTS, threadCount };
  const resolved = resolveOptions<AsyncEmitterOptions, typeof defaults>(
    owner,
    joined(owner, endpoint, options),
    rules as OptionRules<AsyncEmitterOptions>,
    defaults,
  );
  if (resolved.endpoint === undefined) throw new ConfigError(`${owner}: endpoint`, 'a host name or a URL', 'nothing');
  const { dispatcher, maxPostBytes } = resolved;
  const url = collectorUrl(owner, resolved.endpoint, resolved.protocol, resolved.port);
  if (dispatcher) tryDispatcher(`${owner}: dispatcher`, dispatcher, url);
  const headers = copyOf(resolved.headers);
  const customRetryCodes = copyOf(resolved.customRetryCodes);
  return overTransport(owner, resolved, maxPostBytes, (log) => {
    const connections = resolved.threadCount;
    return new CollectorTransport({ ...resolved, url, connections, dispatcher, headers, customRetryCodes }, log);
  });
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
