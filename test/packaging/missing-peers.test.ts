// The built package where no optional peer is installed: every door loads, and what needs a peer says which to install.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'no-peers-'));
  cpSync(resolve('dist'), join(home, 'dist'), { recursive: true });
  cpSync(resolve('package.json'), join(home, 'package.json'));
  mkdirSync(join(home, 'node_modules'));
  symlinkSync(resolve('node_modules/undici'), join(home, 'node_modules', 'undici'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** What a script prints; `door(name)` loads a door of the package. */
function run(script: string): string {
  const prelude = "const door = (name) => require('./dist/' + (name ? name + '/' : '') + 'index.js');";
  const wrapped = `${prelude} try { ${script} } catch (error) { console.log(error.code + ' ' + error.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', wrapped], { cwd: home, encoding: 'utf8' });
  return stdout.trim() + stderr.trim();
}

test.each(['', 'lmdb', 'redis', 'bullmq'])('the door %j loads', (name) => {
  expect(run(`console.log(Object.keys(door('${name}')).length > 0)`)).toBe('true');
});

test.each([
  ["new (door('lmdb').LmdbEventStore)({ path: './events' })", 'npm install lmdb'],
  ["door('').createTracker({ endpoint: 'c.example', durable: './events' })", 'npm install lmdb'],
  ["new (door('redis').RedisEmitter)()", 'npm install ioredis'],
  ["new (door('redis').RedisWorker)({ endpoint: 'c.example' })", 'npm install ioredis'],
])('%s says what to install', (script, advice) => {
  const said = run(script);
  expect(said).toMatch(/^ERR_SNOWPLOW_CONFIG /);
  expect(said).toContain(advice);
});

test('the command `worker bullmq` says what to install', () => {
  const worker = "require('./dist/worker-cli.js').runWorker(['bullmq', '--queue', 'q', '--endpoint', 'c.example'])";
  expect(run(worker)).toContain('npm install bullmq ioredis');
});
