// One event of a job that the receiver refuses, in whatever way, holds up none of the others.
import { type Job, Queue, Worker } from 'bullmq';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { BullMqEmitter, createProcessor } from 'snowplow-middleware/bullmq';
import { sampleEvent } from '../../support/feed';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { REFUSALS, startRefusing } from '../../support/refused-event';
import { METHODS } from '../../support/sizes';
import { until } from '../../support/until';

const PATIENCE_MS = 45_000;
const cases = METHODS.flatMap((method) => REFUSALS.map((refusal) => ({ method, ...refusal })));

describe.skipIf(!hasRedis)('an event of a job that a receiver refuses', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  test.concurrent.for(cases)(
    'by $method with $how: the others arrive',
    async ({ method, reaction, final }, { expect: check }) => {
      const connection = {
        host: '127.0.0.1',
        port: Number(new URL(server.url).port || 6379),
        maxRetriesPerRequest: null,
      };
      const name = `queue-${Math.random()}`;
      const queue = new Queue(name, { connection, defaultJobOptions: { backoff: 200 } });
      const emitter = new BullMqEmitter({ queue, logger: false });
      const ids = Array.from({ length: 300 }, () => crypto.randomUUID());
      const culprit = ids[123] as string;
      for (const id of ids) check(emitter.input(sampleEvent(id))).toBe(true);
      await emitter.close();
      const collector = await startRefusing(culprit, reaction);
      const settings = { requestTimeoutMs: 2_000, logger: false } as const;
      const worker = new Worker(name, createProcessor({ endpoint: collector.url, method, ...settings }), {
        connection,
      });
      worker.on('error', () => {});
      try {
        await collector.took(299, PATIENCE_MS);
        check(new Set([...collector.taken.keys(), culprit])).toEqual(new Set(ids));
        if (!final) return;
        await until('the job failed', async () => (await queue.getFailedCount()) === 1);
        const [failed] = (await queue.getFailed()) as [Job];
        check((failed.data as { refused: unknown[] }).refused).toHaveLength(1);
      } finally {
        await worker.close(true);
        await queue.close();
        await collector.close();
      }
    },
  );
});
