// One way to say a command to any Redis client: ioredis, node-redis and valkey-glide by their shape, or one of our own for a URL.
import { before } from '../../core/deadline';
import { ConfigError } from '../../core/errors';
import { custom, type OptionRule } from '../../core/options';
import { openIoredis, openNodeRedis, type OwnClient } from './own-client';
import { isObject } from '../../core/contracts';

/** A client by its shape: of valkey-glide, of ioredis, of node-redis (connected). Clusters by ioredis only. */
export type RedisClientLike =
  | { customCommand(args: string[]): Promise<unknown> }
  | { call(command: string, ...args: string[]): Promise<unknown> }
  | { sendCommand(args: string[]): Promise<unknown> };

const EXPECTED = 'a client of ioredis, redis or @valkey/valkey-glide, or a URL that begins with redis:// or rediss://';

/** The rule of every `redis` option; a text is looked at by {@link connect}, which never repeats it. */
export const redisRule: OptionRule = custom(
  EXPECTED,
  (value) => typeof value === 'string' || methodOf(value) !== undefined,
);

// The order matters: ioredis has a sendCommand too, which takes something else.
function methodOf(client: unknown): 'customCommand' | 'call' | 'sendCommand' | undefined {
  if (!isObject(client)) return undefined;
  return (['customCommand', 'call', 'sendCommand'] as const).find(
    (name) => typeof (client as Record<string, unknown>)[name] === 'function',
  );
}

export interface Redis {
  /** Rejects when the server answers with an error or cannot be reached. */
  command(...args: string[]): Promise<unknown>;
  /** Ends the connection, where it is our own. */
  close(): Promise<void>;
}

/** @throws ConfigError when a text is no URL, or neither ioredis nor redis is installed to use it. */
export function connect(owner: string, redis: RedisClientLike | string): Redis {
  if (typeof redis === 'string') {
    if (!/^rediss?:\/\/./.test(redis) || !URL.canParse(redis)) throw new ConfigError(`${owner}: redis`, EXPECTED);
    const own = openIoredis(redis) ?? openNodeRedis(redis);
    if (own) return over(own);
    throw new ConfigError(
      `${owner}: redis`,
      "a client; for a URL the package 'ioredis' or 'redis' has to be installed: npm install ioredis",
    );
  }
  return { command: commandOf(redis), close: async () => {} };
}

function commandOf(redis: RedisClientLike): Redis['command'] {
  const client = redis as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const method = methodOf(redis) as string;
  return method === 'call' ? async (...args) => client['call']?.(...args) : async (...args) => client[method]?.(args);
}

// A command that takes longer is abandoned: the next attempt may find another server.
const COMMAND_MS = 10_000;

/** Commands over a client of ours. */
export function over(own: OwnClient): Redis {
  const command = commandOf(own.client);
  const tried = own.connected.catch(() => {});
  return {
    async command(...args) {
      // The socket does not keep the process alive; what waits for an answer does.
      const late = (): Error => Object.assign(new Error('Redis did not answer'), { code: 'ETIMEDOUT' });
      try {
        return await before(() => tried.then(() => command(...args)), COMMAND_MS, late);
      } catch (error) {
        throw own.trouble() ?? error;
      }
    },
    close: async () => own.end(),
  };
}
