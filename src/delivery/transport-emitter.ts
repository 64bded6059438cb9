// The emitter over any transport: what RedisEmitter and BullMqEmitter are made of, and emitters of the user's own.
import { ConfigError } from '../core/errors';
import { Log } from '../core/logger';
import { asChecked, having, type OptionRules, resolveOptions } from '../core/options';
import { BatchEmitter } from './engine/batch-emitter';
import { type AsyncEmitterOptions, batching, BUFFER_RULES, type BufferOptions, DEFAULTS } from './options';
import { MemoryEventStore } from './store/memory-store';
import type { Transport } from './transport';

/** The largest event that a queue is given, and that a worker takes from one. */
export const MAX_QUEUED_BYTES = 1024 * 1024;

/** Options of a {@link TransportEmitter}. */
export interface TransportEmitterOptions extends BufferOptions {
  /** Where batches go. The emitter closes it. */
  transport: Transport;
}

const RULES: OptionRules<TransportEmitterOptions> = {
  ...BUFFER_RULES,
  transport: having('a transport', 'fits', 'send', 'close'),
};

/**
 * Sends events in batches by a transport of your own, one batch at a time. Buffer, timer,
 * retries and counters are those of every emitter.
 *
 * @throws ConfigError that names the option.
 * @example
 * const transport: Transport = {
 *   fits: (event) => event.bytes < 1_000_000,
 *   send: async (events) => {
 *     await producer.send({ topic: 'events', messages: events.map(({ json }) => ({ value: json })) });
 *     return { status: 'sent' };
 *   },
 *   close: () => producer.disconnect(),
 * };
 * const tracker = new Tracker({ emitters: new TransportEmitter({ transport }) });
 */
export class TransportEmitter extends BatchEmitter {
  constructor(options: TransportEmitterOptions) {
    const { transport, ...buffer } = resolveOptions('TransportEmitter', options, RULES, {});
    if (!transport) throw new ConfigError('TransportEmitter: transport', RULES.transport.expected, 'nothing');
    super(...overTransport('TransportEmitter', buffer, DEFAULTS.maxPostBytes, () => transport));
  }
}

/**
 * What a batch emitter over a transport is made of.
 *
 * @param options Checked already.
 * @param maxBytes Bytes that one batch may have.
 */
export function overTransport(
  owner: string,
  options: BufferOptions & Partial<AsyncEmitterOptions>,
  maxBytes: number,
  transport: (log: Log) => Transport,
): ConstructorParameters<typeof BatchEmitter> {
  const log = new Log(options.logger);
  const { bufferCapacity, bufferCapacityBytes, flushIntervalMs, maxRetryDelayMs } = { ...DEFAULTS, ...options };
  const { byteLimit = Infinity, threadCount: threads = 1, onSuccess, onFailure, onDrop } = options;
  const sizes = { ...batching(owner, options, options.method), byteLimit, maxBytes };
  const store =
    options.eventStore ??
    new MemoryEventStore(asChecked({ capacity: bufferCapacity, capacityBytes: bufferCapacityBytes }));
  return [
    { ...sizes, flushIntervalMs, maxRetryDelayMs, threads, onSuccess, onFailure, onDrop },
    store,
    transport(log),
    log,
  ];
}
