// Two containers on one volume: in each, the process has the number 1, and LMDB tells readers apart by that number.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startRecordingCollector } from '../support/recording-collector';

// What a container has, without its image. Elsewhere than on Linux, or without the right to it, there is none.
const container = ['unshare', '--pid', '--fork', '--kill-child'] as const;
const [program, ...flags] = container;
const available = spawnSync(program, [...flags, 'true']).status === 0;

test.runIf(available)('each delivers what it accepted, while the other is at work', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lmdb-containers-'));
  const collector = await startRecordingCollector();
  const options = {
    endpoint: collector.url,
    namespace: 'container',
    durable: join(folder, 'events'),
    emitter: { flushIntervalMs: 20 },
  };
  const running: ChildProcess[] = [];
  const logs = ['one', 'other'].map((name) => join(folder, name));
  for (const log of logs) {
    const child = [process.execPath, resolve('test/support/tracking-child.mjs'), resolve('dist/index.js')];
    const each = spawn(program, [...flags, ...child, JSON.stringify(options), log], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(each);
    await Promise.race([once(each.stdout, 'data'), once(each, 'exit')]);
  }
  const accepted = (log: string): string[] =>
    existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : [];
  const delivered = (log: string): number => accepted(log).filter((id) => collector.taken.has(id)).length;
  const deadline = Date.now() + 30_000;
  while (logs.some((log) => delivered(log) < 100) && Date.now() < deadline) await sleep(50);
  expect(running.map(({ exitCode }) => exitCode)).toEqual([null, null]);
  expect(Math.min(...logs.map(delivered))).toBeGreaterThanOrEqual(100);
  for (const each of running) {
    each.kill('SIGKILL');
    await once(each, 'close');
  }
  await collector.close();
  rmSync(folder, { recursive: true, force: true });
});

test.runIf(available)(
  'only one of them may have its events written through to the disk; the other is told at once',
  () => {
    const path = mkdtempSync(join(tmpdir(), 'lmdb-containers-'));
    // A process of number 1 that keeps the path, and starts another of that number.
    const script = `const { LmdbEventStore } = require(process.argv[1]);
    const [, door, path, isFirst] = process.argv;
    try {
      const store = new LmdbEventStore({ path, sync: 'group' });
      store.stored().then(() => {
        const again = ['--pid', '--fork', '--kill-child', process.execPath, '-e', process.env.SCRIPT, door, path];
        if (isFirst) process.stdout.write(require('node:child_process').spawnSync('unshare', again).stdout);
        process.exit();
      });
    } catch (error) {
      console.log(error.name, error.message);
    }`;
    const child = [process.execPath, '-e', script, resolve('dist/lmdb/index.js'), path, 'first'];
    const { stdout } = spawnSync(program, [...flags, ...child], {
      encoding: 'utf8',
      env: { ...process.env, SCRIPT: script },
    });
    expect(stdout).toBe(
      "ConfigError LmdbEventStore: sync must be 'none' where another process has the number 1 too, as in containers on one volume, got group\n",
    );
    rmSync(path, { recursive: true, force: true });
  },
);
