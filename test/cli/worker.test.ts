// The worker command in a process of its own: help, mistakes, progress, and an end in which nothing is lost.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BullMqEmitter } from 'snowplow-middleware/bullmq';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import { RedisEmitter } from 'snowplow-middleware/redis';
import { sampleEvent } from '../support/feed';
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server';

const script = `void require(${JSON.stringify(resolve('dist/worker-cli.js'))}).runWorker(process.argv.slice(1))`;
const command = (...args: string[]): string[] => ['-e', script, '--', ...args];

test('--help says what there is, with exit code 0', () => {
  const { status, stdout } = spawnSync(process.execPath, command('--help'), { encoding: 'utf8' });
  expect(status).toBe(0);
  for (const word of ['worker redis', 'worker bullmq', '--endpoint', '--redis', '--key', '--queue'])
    expect(stdout).toContain(word);
});

// One process for all of them: each would take as long to start.
test('mistakes are named on stderr, with exit code 1, and a wrong address is not repeated', () => {
  const collectorUrl = 'http://127.0.0.1:1';
  const mistakes: [string[], string][] = [
    [[], "worker must be one of 'redis', 'bullmq', got nothing"],
    [['kafka'], "worker must be one of 'redis', 'bullmq', got \"kafka\""],
    [['redis'], "--endpoint must be the collector's URL, got nothing"],
    [['bullmq', '--endpoint', collectorUrl], '--queue must be the name of the queue, got nothing'],
    [['redis', '--endpoint', collectorUrl, '--queue', 'x'], '--queue must be left out for redis'],
    [['redis', '--endpoint', 'ftp://x'], 'RedisWorker: endpoint must be'],
    [['redis', '--endpoint', collectorUrl, '--concurrency', 'many'], 'RedisWorker: threadCount must be an integer'],
    [['redis', '--endpoint', collectorUrl, '--redis', 'http://user:hunter2@host'], 'RedisWorker: redis must be'],
    [['redis', '--wrong'], "Unknown option '--wrong'"],
  ];
  const all = `(async () => { for (const args of ${JSON.stringify(mistakes.map(([args]) => args))}) {
    await require(${JSON.stringify(resolve('dist/worker-cli.js'))}).runWorker(args); process.stderr.write('\\0');
  } })()`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', all], { encoding: 'utf8' });
  expect(status).toBe(1);
  const said = stderr.split('\0');
  for (const [index, [, message]] of mistakes.entries()) {
    expect(said[index]).toContain(message);
    expect(said[index]).toContain('See --help.');
  }
  expect(stderr).not.toContain('hunter2');
});

describe.skipIf(!hasRedis)('at work', () => {
  let server: RedisServer;
  let collector: Collector;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(() => collector.close());

  async function run(...args: string[]): Promise<{ child: ChildProcess; output: Buffer[] }> {
    const all = command(...args, '--redis', server.url, '--endpoint', collector.url);
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk));
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return { child, output };
  }

  test('redis: delivers the list, and ends on SIGTERM with a summary and exit code 0', async () => {
    const emitter = new RedisEmitter({ redis: server.url, key: 'cli', logger: false });
    for (let index = 0; index < 300; index++) emitter.input(sampleEvent());
    await emitter.close();
    const { child, output } = await run('redis', '--key', 'cli', '--concurrency', '2');
    await collector.waitFor({ event: 'page_view' }, 300, 30_000);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    const text = Buffer.concat(output).toString();
    expect(text).toContain('Delivering from the list cli');
    expect(text).toContain('Stopped: 300 events sent, 0 given back to the list, 0 laid aside as dead letters');
  });

  test('bullmq: delivers the jobs, and ends on SIGINT with a summary and exit code 0', async () => {
    const queue = new Queue('cli', { connection: { host: '127.0.0.1', port: server.port } });
    const emitter = new BullMqEmitter({ queue, logger: false });
    for (let index = 0; index < 300; index++) emitter.input(sampleEvent());
    await emitter.close();
    const { child, output } = await run('bullmq', '--queue', 'cli');
    await collector.waitFor({ event: 'page_view' }, 300, 30_000);
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
    expect(Buffer.concat(output).toString()).toContain('Stopped: 300 events sent, 0 left in failed jobs');
    await queue.close();
  });
});
