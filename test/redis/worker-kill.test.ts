// Workers that are killed at random moments, or asked to end with work before them: no event is lost.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleEvent } from '../support/feed';
import { startRecordingCollector } from '../support/recording-collector';
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server';

const KILLS = Number(process.env['KILL_RUNS'] ?? 20);
const child = resolve('test/support/worker-child.mjs');
const door = resolve('dist/redis/index.js');

describe.skipIf(!hasRedis)('a worker in a process of its own', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  const run = async (options: object): Promise<ChildProcess> => {
    const running = spawn(
      process.execPath,
      [child, door, JSON.stringify({ redis: server.url, logger: false, ...options })],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
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
    async () => {
      const collector = await startRecordingCollector();
      collector.answer = async () => {
        await sleep(Math.random() * 30);
        return Math.random() < 0.2 ? 503 : 200;
      };
      const options = { key: 'kill', endpoint: collector.url, maxBatchSize: 50, maxRetryDelayMs: 200 };
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
      await collector.waitFor(ids.length, 60_000);
      expect([...collector.taken.keys()].toSorted()).toEqual(ids.toSorted());
      const repeats = [...collector.taken.values()].reduce((total, times) => total + times - 1, 0);
      expect(repeats).toBeLessThanOrEqual(KILLS * 50);
      expect(await server.client.llen('{kill}:dead')).toBe(0);
      for (const worker of workers) worker.kill('SIGKILL');
      await collector.close();
    },
    300_000,
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
      expect(report.sent).toBe(collector.taken.size);
      expect([...collector.taken.keys(), ...waiting].toSorted()).toEqual(ids.toSorted());
      await collector.close();
    },
  );
});
