// The packed package in bundles that run where there is no node_modules: what bundlers make of Express and Nest apps, the
// development collector with its page and its schemas among them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeApp, pack, ROOT } from './packed';

const PATIENCE_MS = 240_000;
let folder: string;
let app: string;

beforeAll(() => {
  const made = pack();
  ({ folder } = made);
  const packages = ['express', 'reflect-metadata', 'rxjs', '@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'ajv', 'ajv-draft-04', 'tlds', 'ioredis', 'redis']; // prettier-ignore
  app = makeApp(folder, made.packed, 'app', packages);
  writeFileSync(join(app, 'app.js'), APP);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// An Express and a Nest app, each visited once, and what their collector makes of it.
const APP = `
require('reflect-metadata');
const assert = require('node:assert');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { ExpressAdapter } = require('@nestjs/platform-express');
const express = require('express');
const { createTracker } = require('snowplow-middleware');
const { startCollector } = require('snowplow-middleware/collector');
const { snowplow } = require('snowplow-middleware/express');
const { SnowplowModule, TrackStructEvent } = require('snowplow-middleware/nest');
const { RedisEmitter } = require('snowplow-middleware/redis');

async function startExpress(options) {
  const app = express();
  app.use(snowplow(options));
  app.get('/tea', (req, res) => { req.tracker.trackStructEvent({ category: 'c', action: 'express' }); res.send('tea'); });
  const server = await new Promise((resolve) => { const made = app.listen(0, '127.0.0.1', () => resolve(made)); });
  return { server, close: () => new Promise((resolve) => server.close(resolve)) };
}

class Teas { tea() { return 'tea'; } }
const method = Object.getOwnPropertyDescriptor(Teas.prototype, 'tea');
for (const decorate of [Get('tea'), TrackStructEvent({ category: 'c', action: 'nest' })]) decorate(Teas.prototype, 'tea', method);
Controller()(Teas);
async function startNest(options) {
  class AppModule {}
  Module({ imports: [SnowplowModule.forRoot(options)], controllers: [Teas] })(AppModule);
  const app = await NestFactory.create(AppModule, new ExpressAdapter(), { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  return { server: app.getHttpServer(), close: () => app.close() };
}

(async () => {
  const collector = await startCollector({ iglu: ['.'] });
  for (const [action, start] of [['express', startExpress], ['nest', startNest]]) {
    // Its entity has a schema of the package's own.
    const { server, close } = await start({ endpoint: collector.url, response: true, emitter: { batchSize: 1 } });
    const response = await fetch('http://127.0.0.1:' + server.address().port + '/tea', { headers: { connection: 'close' } });
    assert.equal(await response.text(), 'tea');
    await collector.waitFor({ se_ac: action });
    await close();
  }
  collector.assertAllGood();
  for (const [path, type] of [['/', 'text/html'], ['/page.js', 'text/javascript'], ['/list.css', 'text/css'], ['/icon.svg', 'image/svg+xml']]) {
    const response = await fetch(collector.url + path);
    assert.deepEqual([path, response.status, response.headers.get('content-type').split(';')[0]], [path, 200, type]);
    assert.ok((await response.text()).length > 100, path);
  }
  // An optional peer that is in the bundle.
  const emitter = new RedisEmitter({ redis: 'redis://127.0.0.1:1', logger: false });
  await emitter.close({ timeoutMs: 1 });
  // An event that is left on disk, and delivered by the next tracker on the path.
  const before = createTracker({ endpoint: 'http://127.0.0.1:9', durable: './events', logger: false });
  before.trackStructEvent({ category: 'c', action: 'durable' });
  await before.close({ timeoutMs: 1 });
  const after = createTracker({ endpoint: collector.url, durable: './events' });
  await collector.waitFor({ se_ac: 'durable' });
  await after.close();
  assert.equal(after.stats().emitters[0].recovered, 1);
  await collector.close();
  console.log('all seen');
  process.exit();
})().catch((error) => { console.error(error); process.exit(1); });
`;

// What Nest looks for and does without.
const OPTIONAL = ['@nestjs/microservices', '@nestjs/microservices/microservices-module', '@nestjs/websockets', '@nestjs/websockets/socket-module', 'class-validator', 'class-transformer']; // prettier-ignore
const bin = (path: string): string => join(ROOT, 'node_modules', path);
const esbuild = (outfile: string, settings: object): string[] => {
  const all = { entryPoints: ['app.js'], bundle: true, platform: 'node', outfile, external: OPTIONAL, ...settings };
  return ['-e', `require(${JSON.stringify(bin('esbuild'))}).buildSync(${JSON.stringify(all)})`];
};
const BUNDLERS: Record<string, (out: string) => { args: string[]; file: string }> = {
  'esbuild to CommonJS': (out) => ({ args: esbuild(`${out}/app.js`, { format: 'cjs' }), file: 'app.js' }),
  'esbuild to an ES module': (out) => {
    // What every bundle of CommonJS modules needs there: they ask for Node's own by require().
    const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    return { args: esbuild(`${out}/app.mjs`, { format: 'esm', banner: { js } }), file: 'app.mjs' };
  },
  ncc: (out) => ({
    args: [bin('@vercel/ncc/dist/ncc/cli.js'), 'build', 'app.js', '-o', out, ...OPTIONAL.flatMap((peer) => ['-e', peer])],
    file: 'index.js',
  }), // prettier-ignore
  webpack: (out) => {
    const externals = Object.fromEntries(OPTIONAL.map((peer) => [peer, `commonjs ${peer}`]));
    const settings = { mode: 'none', target: 'node', entry: './app.js', output: { path: out, filename: 'app.js' }, externals }; // prettier-ignore
    const source = `require(${JSON.stringify(bin('webpack'))})(${JSON.stringify(settings)}, (error, stats) => {
      console.error(error ?? stats.toString({ all: false, errors: true, warnings: true }));
      process.exitCode = error || stats.hasErrors() ? 1 : 0;
    });`;
    return { args: ['-e', source], file: 'app.js' };
  },
};

/** Runs a program to its end, and gives what it printed. */
function run(cwd: string, args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: PATIENCE_MS });
  return { status, output: stdout + stderr };
}

describe('a bundle runs without node_modules', () => {
  it.each(Object.entries(BUNDLERS))('by %s', { timeout: 2 * PATIENCE_MS }, (bundler, plan) => {
    const out = join(folder, 'out', bundler);
    mkdirSync(out, { recursive: true });
    const { args, file } = plan(out);
    const made = run(app, args);
    expect(made, made.output).toMatchObject({ status: 0 });
    expect(made.output, 'it warns of nothing').not.toContain('snowplow-middleware');
    expect(run(out, [file])).toEqual({ status: 0, output: 'all seen\n' });
  });
});
