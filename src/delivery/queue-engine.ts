// The engine of an emitter that hands its events to a queue instead of a collector: its buffer, its batches, its retries.
import { Log } from '../core/logger';
import type { BatchEmitter } from './engine/batch-emitter';
import { MemoryEventStore } from './store/memory-store';
import { batching, type BufferOptions, DEFAULTS } from './options';
import type { Transport } from './transport';

/** The largest event that a queue is given, and that a worker takes from one. */
export const MAX_QUEUED_BYTES = 1024 * 1024;

/** What a batch emitter is made of, one hand-over at a time, so that the queue keeps the order of the events. */
export function intoQueue(
  owner: string,
  options: BufferOptions,
  maxBytes: number,
  transport: (log: Log) => Transport,
): ConstructorParameters<typeof BatchEmitter> {
  const log = new Log(options.logger);
  const { bufferCapacity: capacity = DEFAULTS.bufferCapacity } = options;
  const { bufferCapacityBytes: capacityBytes = DEFAULTS.bufferCapacityBytes } = options;
  const settings = {
    ...batching(owner, options),
    byteLimit: options.byteLimit ?? Infinity,
    maxBytes,
    flushIntervalMs: options.flushIntervalMs ?? DEFAULTS.flushIntervalMs,
    maxRetryDelayMs: options.maxRetryDelayMs ?? DEFAULTS.maxRetryDelayMs,
    threads: 1,
    onDrop: options.onDrop,
  };
  return [settings, options.eventStore ?? new MemoryEventStore({ capacity, capacityBytes }), transport(log), log];
}
