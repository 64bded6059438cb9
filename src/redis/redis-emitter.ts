// The emitter into a Redis list, from which workers deliver: tracking waits for no collector, and outlives this process.
import type { Log } from '../core/logger';
import { type OptionRules, resolveOptions, text } from '../core/options';
import { BatchEmitter } from '../delivery/engine/batch-emitter';
import { BUFFER_RULES, type BufferOptions } from '../delivery/options';
import type { Transport } from '../delivery/transport';
import { overTransport, MAX_QUEUED_BYTES } from '../delivery/transport-emitter';
import { connect, type RedisClientLike, redisRule } from './client/client';
import { checkPersistence } from './keeps-events';
import { PushTransport } from './push-transport';

/** Options of a {@link RedisEmitter}. */
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
    const { redis, key, ...buffer } = resolveOptions('RedisEmitter', options, RULES, REDIS_DEFAULTS);
    const connection = connect('RedisEmitter', redis);
    const transport = (log: Log): Transport => {
      void checkPersistence(connection, log);
      return new PushTransport(connection, key, log);
    };
    super(...overTransport('RedisEmitter', buffer, MAX_QUEUED_BYTES, transport));
  }
}
