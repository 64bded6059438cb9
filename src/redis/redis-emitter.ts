// The emitter into a Redis list, from which workers deliver: tracking waits for no collector, and outlives this process.
import { Log } from '../core/logger';
import { type OptionRules, resolveOptions, text } from '../core/options';
import { BatchEmitter } from '../delivery/batch-emitter';
import { MemoryEventStore } from '../delivery/memory-store';
import { batching, BUFFER_RULES, type BufferOptions, DEFAULTS } from '../delivery/options';
import { connect, type RedisClientLike, redisRule } from './client';
import { checkPersistence } from './keeps-events';
import { MAX_ENTRY_BYTES, PushTransport } from './push-transport';

export interface RedisEmitterOptions extends BufferOptions {
  /** Your client, which you close; or a URL, for which a connection is made. @default 'redis://127.0.0.1:6379' */
  redis?: RedisClientLike | string | undefined;
  /** The list's name. @default 'snowplow' */
  key?: string | undefined;
}

const RULES: OptionRules<RedisEmitterOptions> = { ...BUFFER_RULES, redis: redisRule, key: text };
export const REDIS_DEFAULTS = { redis: 'redis://127.0.0.1:6379', key: 'snowplow' } as const;

/**
 * Puts events into a Redis list, for a RedisWorker or the Python tracker's to deliver; anonymous ones into
 * `<key>:anonymous`. While Redis is away, events wait in the emitter's own bounded buffer.
 *
 * @throws ConfigError that names the option.
 * @example
 * const tracker = new Tracker({ emitters: new RedisEmitter({ redis: 'redis://10.0.0.5:6379' }), namespace: 'web' });
 */
export class RedisEmitter extends BatchEmitter {
  constructor(options: RedisEmitterOptions = {}) {
    super(...assemble(options));
  }
}

function assemble(options: RedisEmitterOptions): ConstructorParameters<typeof BatchEmitter> {
  const owner = 'RedisEmitter';
  const { flushIntervalMs, bufferCapacity, bufferCapacityBytes, maxRetryDelayMs } = DEFAULTS;
  const defaults = { ...REDIS_DEFAULTS, flushIntervalMs, bufferCapacity, bufferCapacityBytes, maxRetryDelayMs };
  const resolved = resolveOptions<RedisEmitterOptions, typeof defaults>(owner, options, RULES, defaults);
  const log = new Log(resolved.logger);
  const redis = connect(owner, resolved.redis);
  void checkPersistence(redis, log);
  const store =
    resolved.eventStore ??
    new MemoryEventStore({ capacity: resolved.bufferCapacity, capacityBytes: resolved.bufferCapacityBytes });
  const settings = {
    ...batching(owner, resolved),
    byteLimit: resolved.byteLimit ?? Infinity,
    maxBytes: MAX_ENTRY_BYTES,
    flushIntervalMs: resolved.flushIntervalMs,
    maxRetryDelayMs: resolved.maxRetryDelayMs,
    // One command at a time: the list keeps the order of the events.
    threads: 1,
    onDrop: resolved.onDrop,
  };
  return [settings, store, new PushTransport(redis, resolved.key, log), log];
}
