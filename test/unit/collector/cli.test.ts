// `snowplow-middleware collector`, as a separate process.
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startCollector } from 'snowplow-middleware/collector';
import { copyBuiltPackage } from '../../support/built-package';
import { pageView, post } from './requests';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  copyBuiltPackage(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ ...process.env, NODE_ENV: 'test', ...more });
const run = (args: string[], more?: NodeJS.ProcessEnv) =>
  spawnSync(process.execPath, [join(folder, 'dist/cli/main.js'), ...args], {
    encoding: 'utf8',
    env: env(more),
    timeout: 60_000,
  });

let child: ChildProcessWithoutNullStreams | undefined;
afterEach(() => child?.kill('SIGKILL'));

/** Starts a collector and resolves once it said where it is. */
async function start(args: string[], more?: NodeJS.ProcessEnv) {
  const process_ = spawn(process.execPath, [join(folder, 'dist/cli/main.js'), 'collector', '--port', '0', ...args], {
    env: env(more),
  });
  child = process_;
  const output = { out: '', err: '' };
  process_.stdout.on('data', (data) => (output.out += String(data)));
  process_.stderr.on('data', (data) => (output.err += String(data)));
  const exit = new Promise<[number | null, string | null]>((resolve) => {
    process_.once('exit', (code, signal) => resolve([code, signal]));
  });
  const address = /Collector on (http:\S+)/;
  await expect.poll(() => output.out + output.err, { timeout: 60_000 }).toMatch(address);
  return {
    output,
    exit,
    kill: (signal: NodeJS.Signals) => process_.kill(signal),
    url: address.exec(output.out + output.err)![1]!,
  };
}

it.each(['SIGINT', 'SIGTERM'] as const)('writes one line per event and stops cleanly on %s', async (signal) => {
  const { output, exit, kill, url } = await start([]);
  expect((await fetch(url)).headers.get('content-type')).toContain('text/html');
  await post(url, [
    pageView({ page: 'Catalogue' }),
    pageView({ aid: 'x', url: '/x', page: 'a\u001b[31mb\u202e' }),
    pageView({ eid: 'x' }),
  ]);
  await expect.poll(() => output.out.split('\n').length).toBe(5);
  const lines = output.out.split('\n').slice(1, 4);
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d {2}● {2}page_view +Catalogue$/);
  expect(lines[1]).toMatch(/▲ {2}page_view +a·\[31mb· {2}url has no host/);
  expect(lines[2]).toMatch(/✕ {2}page_view .* eid is not a UUID {2}Send 36 characters/);
  kill(signal);
  expect(await exit).toEqual([0, null]);
});

it('writes JSON for programs, and nothing else, to stdout', async () => {
  const { output, url } = await start(['--json']);
  await post(url, [pageView({ page: 'one' }), pageView({ vid: 'x' })]);
  await expect.poll(() => output.out.split('\n').length).toBe(3);
  const [good, bad] = output.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(good).toMatchObject({ verdict: 'good', event: 'page_view', payload: { page: 'one' } });
  expect(bad).toMatchObject({ verdict: 'bad', errors: [{ field: 'vid' }] });
});

it('checks its arguments', async () => {
  const taken = await startCollector();
  const { port } = new URL(taken.url);
  const failures = [
    [['--prot', '1'], "Unknown option '--prot'"],
    [['--port', 'x'], 'port must be an integer from 0 to 65535, got NaN'],
    [['--iglu', '/nowhere/at-all'], 'iglu must be a list of existing folders'],
    [['--port', port], 'Choose another port with --port'],
  ] as const;
  for (const [args, words] of failures) {
    const { status, stderr } = run(['collector', ...args]);
    expect([status, stderr]).toEqual([1, expect.stringContaining(words)]);
  }
  await taken.close();
});

it('refuses production unless forced', async () => {
  const { status, stderr } = run(['collector', '--port', '0'], { NODE_ENV: 'production' });
  expect([status, stderr]).toEqual([1, expect.stringContaining('NODE_ENV must be anything except production')]);
  const { url } = await start(['--force'], { NODE_ENV: 'production' });
  expect((await fetch(`${url}/health`)).status).toBe(200);
});

it('helps', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(run(['--version']).stdout).toBe(`${version}\n`);
  expect(run(['--help']).stdout).toContain('collector');
  expect(run(['collector', '--help']).stdout).toContain('--iglu SOURCE');
  const unknown = run(['colector']);
  expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining('Unknown command: "colector"')]);
});
