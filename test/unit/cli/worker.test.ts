// The worker command in a separate process: help, mistakes, progress, and an end without lost events.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BullMqEmitter } from 'snowplow-middleware/bullmq';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import { RedisEmitter } from 'snowplow-middleware/redis';
import { Child } from '../../support/child';
import { sampleEvent } from '../../support/feed';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';

const script = `void require(${JSON.stringify(resolve('dist/cli/worker.js'))}).runWorker(process.argv.slice(1))`;
const command = (...args: string[]): string[] => ['-e', script, '--', ...args];

test('--help lists the commands, with exit code 0', () => {
  const { status, stdout } = spawnSync(process.execPath, command('--help'), { encoding: 'utf8' });
  expect(status).toBe(0);
  for (const word of [
    'worker redis',
    'worker bullmq',
    '--endpoint',
    '--redis',
    '--key',
    '--queue',
    '--json',
    'Exit codes',
  ])
    expect(stdout).toContain(word);
});

// One process for all of them: each would take as long to start.
test('mistakes are reported on stderr, with exit code 1, without repeating a wrong address', () => {
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
    await require(${JSON.stringify(resolve('dist/cli/worker.js'))}).runWorker(args); process.stderr.write('\\0');
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

  const children: Child[] = [];
  afterEach(() => Promise.all(children.splice(0).map((child) => child.stop())));
  const run = (args: string[], redis = server.url, endpoint = collector.url): Child => {
    const child = new Child(process.execPath, command(...args, '--redis', redis, '--endpoint', endpoint));
    children.push(child);
    return child;
  };
  const end = async (child: Child, signal: NodeJS.Signals = 'SIGTERM'): Promise<string> => {
    child.kill(signal);
    expect(await child.exited).toEqual({ code: 0, signal: null });
    return child.output;
  };
  const fill = async (key: string, count: number): Promise<void> => {
    const emitter = new RedisEmitter({ redis: server.url, key, logger: false });
    for (let index = 0; index < count; index++) emitter.input(sampleEvent());
    await emitter.close();
  };

  test('redis: delivers the list, and ends on SIGTERM with a summary and exit code 0', async () => {
    await fill('cli', 300);
    const child = run(['redis', '--key', 'cli', '--concurrency', '2']);
    await collector.waitFor({ event: 'page_view' }, 300, 30_000);
    const output = await end(child);
    expect(output).toContain('Delivering from the list cli');
    expect(output).toContain('Stopped: 300 events sent, 0 given back to the list, 0 moved to the dead letters');
  });

  test('bullmq: delivers the jobs, and ends on SIGINT with a summary and exit code 0', async () => {
    const queue = new Queue('cli', { connection: { host: '127.0.0.1', port: server.port } });
    const emitter = new BullMqEmitter({ queue, logger: false });
    for (let index = 0; index < 300; index++) emitter.input(sampleEvent());
    await emitter.close();
    const child = run(['bullmq', '--queue', 'cli']);
    await collector.waitFor({ event: 'page_view' }, 300, 30_000);
    expect(await end(child, 'SIGINT')).toContain('Stopped: 300 events sent, 0 left in failed jobs');
    await queue.close();
  });

  test('--json: every line is an object with a time, a level, a message and its figures', async () => {
    await fill('json', 30);
    const child = run(['redis', '--key', 'json', '--json'], server.url, 'http://127.0.0.1:1');
    await child.printed(/"level":"warn","message":"events could not be sent and are kept"/);
    const lines = (await end(child)).trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    for (const { time, level, message } of lines) {
      expect(new Date(time as string).toISOString()).toBe(time);
      expect(['info', 'warn', 'error']).toContain(level);
      expect(message).toBeTypeOf('string');
    }
    expect(lines.at(-1)).toMatchObject({ level: 'info', sent: 0, returned: 30, deadLettered: 0, held: 0 });
    expect(await server.client.llen('json')).toBe(30);
  }, 30_000);

  test.each([['redis'], ['bullmq', '--queue', 'away']])(
    '%s: a Redis that is away is waited for, and named, and a signal ends the wait',
    async (...args) => {
      const child = run(args, 'redis://someone:hunter2@127.0.0.1:1');
      await child.printed(/warn: the worker cannot read from Redis {"error":"ECONNREFUSED"}/);
      const output = await end(child);
      expect(output).toContain('Stopped: 0 events sent');
      expect(output).not.toMatch(/hunter2|127\.0\.0\.1/);
    },
    30_000,
  );

  test.each([
    ['redis', ['--key', 'text'], '--key must be a new name, or the name of an existing queue, got that of a string'],
    ['bullmq', ['--queue', 'text'], '--queue must be a new name, or the name of an existing queue, got that of a string'],
  ])('%s: a key that holds something else ends it at once, with exit code 1', async (kind, args, message) => {
    await server.client.mset('text', '1', 'bull:text:meta', '1');
    const child = run([kind, ...args]);
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.output).toBe(`${message}. See --help.\n`);
  }); // prettier-ignore

  test.each([['redis'], ['bullmq', '--queue', 'locked']])(
    '%s: credentials that Redis refuses end it at once, with exit code 1',
    async (...args) => {
      const child = run(args, server.url.replace('//', '//nobody:hunter2@'));
      expect(await child.exited).toEqual({ code: 1, signal: null });
      const message = '--redis must be a URL with credentials that this Redis accepts, got the answer WRONGPASS';
      expect(child.output).toBe(`${message}. See --help.\n`);
    },
  );

  test('a second signal ends it at once', async () => {
    await fill('twice', 30);
    collector.delay(60_000);
    const child = run(['redis', '--key', 'twice']);
    await collector.waitFor({ event: 'page_view' }, 30, 30_000);
    child.kill('SIGINT');
    await child.printed(/Stopping/);
    child.kill('SIGINT');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGINT' });
  });
});
