// Workers that are killed at random moments, or asked to end with work before them: no event is lost.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleEvent } from '../../support/feed';
import { figuresOf, KILLS, KILLS_TIMEOUT_MS } from '../../support/kills';
import { startRecordingCollector } from '../../support/recording-collector';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { until } from '../../support/until';

const BATCH = 50;
const child = resolve('test/support/worker-child.mjs');
const door = resolve('dist/redis/index.js');

describe.skipIf(!hasRedis)('a worker in a process of its own', () => {
  let server: RedisServer;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => {
    for (const each of children) each.kill('SIGKILL');
    await server.close();
  });

  const run = async (options: object): Promise<ChildProcess> => {
    const running = spawn(
      process.execPath,
      [child, door, JSON.stringify({ redis: server.url, logger: false, ...options })],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    children.push(running);
    await once(running.stdout as NodeJS.ReadableStream, 'data');
    return running;
  };
  const fill = async (key: string, count: number): Promise<string[]> => {
    const events = Array.from({ length: count }, () => sampleEvent());
    await server.client.rpush(key, ...events.map((event) => JSON.stringify(event)));
    return events.map(({ eid }) => eid as string);
  };

  test.concurrent(
    'of which two are at work and one is killed again and again, loses nothing and repeats a batch at most',
    async ({ task }) => {
      const collector = await startRecordingCollector();
      collector.answer = async () => {
        await sleep(Math.random() * 30);
        return Math.random() < 0.2 ? 503 : 200;
      };
      const options = { key: 'kill', endpoint: collector.url, maxBatchSize: BATCH, maxRetryDelayMs: 200 };
      const ids: string[] = [];
      const workers = await Promise.all([run(options), run(options)]);
      for (let kills = 0; kills < KILLS; kills++) {
        ids.push(...(await fill('kill', 300)));
        await sleep(Math.random() * 150);
        const victim = workers.shift() as ChildProcess;
        const exited = once(victim, 'exit');
        victim.kill('SIGKILL');
        expect((await exited)[1]).toBe('SIGKILL');
        workers.push(await run(options));
      }
      // The last of them had died less than 15 seconds ago.
      await until('all arrived', () => collector.taken.size === ids.length, 60_000).catch(() => {});
      const figures = (task.meta.figures = figuresOf(ids, collector.taken, BATCH));
      expect([...collector.taken.keys()].toSorted()).toEqual(ids.toSorted());
      expect(figures.repeated).toBeLessThanOrEqual(figures.repeatedAtMost);
      expect(await server.client.llen('{kill}:dead')).toBe(0);
      await collector.close();
    },
    KILLS_TIMEOUT_MS,
  );

  test.concurrent.each(['SIGTERM', 'SIGINT'] as const)(
    'ends on %s, and every event is delivered or in the list again',
    async (signal) => {
      const collector = await startRecordingCollector();
      collector.answer = async () => {
        await sleep(20);
        return 200;
      };
      const options = { key: signal, endpoint: collector.url, maxBatchSize: 10, signals: [signal] };
      const ids = await fill(signal, 2_000);
      const worker = await run(options);
      await collector.waitFor(50);
      const output: Buffer[] = [];
      worker.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
      const exited = once(worker, 'exit');
      worker.kill(signal);
      expect(await exited).toEqual([0, null]);
      const report = JSON.parse(Buffer.concat(output).toString()) as { sent: number; returned: number };
      const waiting = (await server.client.lrange(signal, 0, -1)).map(
        (entry) => (JSON.parse(entry) as { eid: string }).eid,
      );
      // On a busy machine an answer may come after the deadline: its events then wait again, and nothing else repeats.
      const repeated = waiting.filter((id) => collector.taken.has(id));
      expect(report.sent + repeated.length).toBe(collector.taken.size);
      expect(repeated.length).toBeLessThanOrEqual(options.maxBatchSize);
      expect([...new Set([...collector.taken.keys(), ...waiting])].toSorted()).toEqual(ids.toSorted());
      await collector.close();
    },
  );
});
