// A Redis of the scenario's own.
import { hasRedis, type RedisServer, startRedis } from '../../../support/redis-server';
import type { Figures, Stage } from '../harness/scenario';

/** Runs with a server that is configured so, and ends it. */
export const withRedis =
  <Size>(settings: readonly string[], run: (stage: Stage, size: Size, redis: RedisServer) => Promise<Figures>) =>
  async (stage: Stage, size: Size): Promise<Figures> => {
    if (!hasRedis) return { skipped: 'there is no Redis server' };
    const redis = await startRedis(settings);
    try {
      return await run(stage, size, redis);
    } finally {
      await redis.close();
    }
  };
