// A real Redis for tests: the one at REDIS_URL, or a separate one on a free port, which can be stopped and started again.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** A client for the test's own questions. */
  readonly client: Redis;
  /** Ends the server at once, after making sure that it is the one we started. */
  kill(): Promise<void>;
  /** Starts it again on the same port and directory. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const binary = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Whether tests that need a Redis can run. A build machine without one fails instead of skipping. */
export const hasRedis = binary !== undefined || process.env['REDIS_URL'] !== undefined;
if (!hasRedis) {
  if (process.env['CI']) throw new Error('no redis-server was found, and REDIS_URL is not set');
  // oxlint-disable-next-line no-console -- loud on purpose
  console.warn('NO REDIS: the tests that need one are skipped; `npm run setup` installs it');
}

/** @param settings Further lines of its configuration, for example `['--appendonly', 'yes']`. */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  if (process.env['REDIS_URL'] && settings.length === 0) return shared(process.env['REDIS_URL']);
  const directory = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const run = async (): Promise<void> => {
    const base = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      directory,
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    child = spawn(binary as string, [...base, ...settings], { stdio: 'ignore' });
    await answering(url);
  };
  await run();
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => {});
  const kill = async (): Promise<void> => {
    const info = await client.info('server');
    const pid = Number(/process_id:(\d+)/.exec(info)?.[1]);
    if (pid !== child?.pid) throw new Error('the server on this port is not the one that was started');
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    child?.kill('SIGKILL');
    await gone;
    child = undefined;
  };
  return {
    url,
    port,
    client,
    kill,
    restart: run,
    async close() {
      if (child) await kill();
      client.disconnect();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function shared(url: string): Promise<RedisServer> {
  const client = new Redis(url);
  const refuse = async (): Promise<void> => {
    throw new Error('a shared Redis is not killed');
  };
  return {
    url,
    port: Number(new URL(url).port || 6379),
    client,
    kill: refuse,
    restart: refuse,
    close: async () => client.disconnect(),
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function answering(url: string): Promise<void> {
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => {});
  const deadline = Date.now() + 60_000;
  for (;;) {
    if ((await Promise.race([client.ping().catch(() => ''), sleep(500)])) === 'PONG') break;
    if (Date.now() > deadline) throw new Error('the Redis server did not start');
  }
  client.disconnect();
}
