// One event of a list that the receiver refuses, in whatever way, holds up none of the others.
import { afterAll, beforeAll, describe, test } from 'vitest';
import { RedisWorker } from 'snowplow-middleware/redis';
import { expectBalanced, sampleEvent } from '../../support/feed';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { REFUSALS, startRefusing } from '../../support/refused-event';
import { METHODS } from '../../support/sizes';
import { until } from '../../support/until';

const PATIENCE_MS = 45_000;
const cases = METHODS.flatMap((method) => REFUSALS.map((refusal) => ({ method, ...refusal })));

describe.skipIf(!hasRedis)('an event of a list that a receiver refuses', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  test.concurrent.for(cases)(
    'by $method with $how: the others arrive',
    async ({ method, reaction, final }, { expect: check }) => {
      const key = `list-${Math.random()}`;
      const ids = Array.from({ length: 300 }, () => crypto.randomUUID());
      const culprit = ids[123] as string;
      await server.client.rpush(key, ...ids.map((id) => JSON.stringify(sampleEvent(id))));
      const collector = await startRefusing(culprit, reaction);
      const settings = { requestTimeoutMs: 2_000, maxRetryDelayMs: 1_000, logger: false } as const;
      const worker = new RedisWorker({ redis: server.url, key, endpoint: collector.url, method, ...settings });
      void worker.run();
      try {
        await collector.took(299, PATIENCE_MS);
        check(new Set([...collector.taken.keys(), culprit])).toEqual(new Set(ids));
        if (final) {
          await until('the one is laid aside', async () => (await server.client.llen(`{${key}}:dead`)) === 1);
          await until('the others are acknowledged', () => worker.stats().sent === 299);
          check(worker.stats().dropped).toMatchObject({ rejected: 1 });
        }
        expectBalanced(worker, 0);
      } finally {
        await worker.close({ timeoutMs: 500 });
        await collector.close();
      }
    },
  );
});
