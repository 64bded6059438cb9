// Queue workers that are killed, or stand still, in the middle of a job: another one does the job again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BullMqEmitter } from 'snowplow-middleware/bullmq';
import { sampleEvent } from '../../support/feed';
import { figuresOf, KILLS, KILLS_TIMEOUT_MS } from '../../support/kills';
import { type RecordingCollector, startRecordingCollector } from '../../support/recording-collector';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { until } from '../../support/until';

const BATCH = 50;

describe.skipIf(!hasRedis)('a queue worker in a process of its own', () => {
  let server: RedisServer;
  let collector: RecordingCollector;
  let queue: Queue;
  let emitter: BullMqEmitter;
  const children: ChildProcess[] = [];

  const start = async (): Promise<ChildProcess> => {
    const program = [resolve('test/support/bullmq-child.mjs'), resolve('dist/bullmq/index.js')];
    const child = spawn(process.execPath, [...program, String(server.port), queue.name, collector.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  };
  const end = async (child: ChildProcess): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    expect((await exited)[1]).toBe('SIGKILL');
  };
  const offer = async (jobs: number): Promise<string[]> => {
    const ids: string[] = [];
    for (let job = 0; job < jobs; job++) {
      for (let index = 0; index < BATCH; index++) {
        const event = sampleEvent();
        expect(emitter.input(event)).toBe(true);
        ids.push(event['eid'] as string);
      }
      await emitter.flush();
    }
    return ids;
  };

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    collector = await startRecordingCollector();
    queue = new Queue(`queue-${Math.random()}`, { connection: { host: '127.0.0.1', port: server.port } });
    emitter = new BullMqEmitter({ queue, batchSize: BATCH, maxBatchSize: BATCH, logger: false });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await emitter.close();
    await queue.close();
    await collector.close();
  });

  test(
    'of which two are at work and one is killed again and again, loses nothing and repeats a job at most',
    async ({ task }) => {
      collector.answer = async () => {
        await sleep(Math.random() * 30);
        return 200;
      };
      const ids: string[] = [];
      const workers = [await start(), await start()];
      for (let kills = 0; kills < KILLS; kills++) {
        ids.push(...(await offer(6)));
        await sleep(Math.random() * 100);
        await end(workers.shift() as ChildProcess);
        workers.push(await start());
      }
      await until('all arrived', () => collector.taken.size === ids.length, 60_000).catch(() => {});
      await until('no job is left', async () => (await queue.getJobCountByTypes('active', 'wait', 'delayed')) === 0);
      const figures = (task.meta.figures = figuresOf(ids, collector.taken, BATCH));
      expect([...collector.taken.keys()].toSorted()).toEqual(ids.toSorted());
      expect(figures.repeated).toBeLessThanOrEqual(figures.repeatedAtMost);
      expect(await queue.getFailedCount()).toBe(0);
    },
    KILLS_TIMEOUT_MS,
  );

  test('that stands still for longer than its lock repeats that job alone, and its late word does no harm', async () => {
    let stopped: ChildProcess | undefined;
    const still = await start();
    collector.answer = () => {
      // In the middle of its first job: the collector has the events, and it will learn so when others have sent them too.
      if (!stopped) (stopped = still).kill('SIGSTOP');
      return 200;
    };
    const ids = await offer(3);
    await until('it stands still', () => stopped !== undefined);
    await start();
    await until('another has done its job', () => figuresOf(ids, collector.taken, BATCH).repeated > 0);
    still.kill('SIGCONT');
    ids.push(...(await offer(3)));
    await collector.waitFor(ids.length);
    await until('no job is left', async () => (await queue.getJobCountByTypes('active', 'wait', 'delayed')) === 0);
    expect(figuresOf(ids, collector.taken, BATCH)).toMatchObject({ lost: 0, repeated: BATCH });
    expect(await queue.getFailedCount()).toBe(0);
  });
});
