// The packed package without optional peers: each entry point loads by import and by require, and names the peer that it needs.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryPoints, makeApp, pack } from './packed';

let folder: string;
let app: string;

beforeAll(() => {
  const made = pack();
  ({ folder } = made);
  app = makeApp(folder, made.packed, 'app');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program in the app: what it printed and warned of, or the error that it died of. */
function run(name: string, source: string): { printed: string; warned: string; error: string } {
  const file = join(app, name);
  writeFileSync(file, source);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: app, encoding: 'utf8' });
  return { printed: stdout.trim(), warned: status === 0 ? stderr : '', error: status === 0 ? '' : stderr };
}

/** What npm may be asked to install, by a message that names it. */
const SAYS_WHAT_TO_INSTALL = /npm (?:i|install) [@\w/ -]+/;

// Nest's decorators and modules are made when the entry point loads: without Nest there is nothing to load.
const NEEDS_ITS_FRAMEWORK: ReadonlySet<string> = new Set(['./nest']);

const byRequire = (specifier: string) =>
  run('required.cjs', `console.log(Object.keys(require('${specifier}')).sort().join())`);
const byImport = (specifier: string) =>
  run(
    'imported.mjs',
    `import * as entryPoint from '${specifier}';
    const added = ['__esModule', 'default', 'module.exports'];
    console.log(Object.keys(entryPoint).filter((name) => !added.includes(name)).sort().join());`,
  );

describe.each(entryPoints)('the entry point $entryPoint', ({ entryPoint, specifier }) => {
  if (NEEDS_ITS_FRAMEWORK.has(entryPoint))
    it('says what to install', () => {
      expect(byRequire(specifier).error).toMatch(SAYS_WHAT_TO_INSTALL);
      expect(byImport(specifier).error).toMatch(SAYS_WHAT_TO_INSTALL);
    });
  else
    it('loads by require and by import, with the same names', () => {
      const required = byRequire(specifier);
      expect(required.error).toBe('');
      expect(required.printed).not.toBe('');
      expect(byImport(specifier)).toEqual(required);
    });
});

it('gives the same classes to import and require', () => {
  const source = `import { createRequire } from 'node:module';
    import { Tracker } from 'snowplow-middleware';
    console.log(createRequire(import.meta.url)('snowplow-middleware').Tracker === Tracker);`;
  expect(run('same.mjs', source)).toEqual({ printed: 'true', warned: '', error: '' });
});

it('takes an event from a tracker to its own collector', () => {
  const source = `const { createTracker } = require('snowplow-middleware');
    const { startCollector } = require('snowplow-middleware/collector');
    (async () => {
      const collector = await startCollector();
      const tracker = createTracker({ endpoint: collector.url });
      tracker.trackStructEvent({ category: 'shop', action: 'pay' });
      await tracker.close();
      console.log(collector.good().length, collector.bad().length);
      await collector.close();
    })();`;
  expect(run('event.cjs', source)).toEqual({ printed: '1 0', warned: '', error: '' });
});

it('keeps an event on disk, and delivers it in the next run', () => {
  const left = `const { createTracker } = require('snowplow-middleware');
    const tracker = createTracker({ endpoint: 'http://127.0.0.1:9', durable: './events', logger: false });
    tracker.trackStructEvent({ category: 'shop', action: 'pay' });
    process.kill(process.pid, 'SIGKILL');`;
  run('left.cjs', left);
  const found = `const { createTracker } = require('snowplow-middleware');
    const { startCollector } = require('snowplow-middleware/collector');
    (async () => {
      const collector = await startCollector();
      const tracker = createTracker({ endpoint: collector.url, durable: './events' });
      await collector.waitFor({ se_ac: 'pay' });
      await tracker.close();
      console.log(collector.good().length, collector.bad().length);
      await collector.close();
    })();`;
  expect(run('found.cjs', found)).toEqual({ printed: '1 0', warned: '', error: '' });
});

describe('a missing peer is named with its install command', () => {
  it.each([
    ["new (require('snowplow-middleware/redis').RedisEmitter)()", 'npm install ioredis'],
    ["new (require('snowplow-middleware/redis').RedisWorker)({ endpoint: 'c.test' })", 'npm install ioredis'],
  ])('%s', (source, advice) => {
    const { error } = run('peer.cjs', source);
    expect(error).toContain("code: 'ERR_SNOWPLOW_CONFIG'");
    expect(error).toContain(advice);
  });

  it('by a collector with schemas, in a warning', () => {
    const source = `require('snowplow-middleware/collector').startCollector({ iglu: ['.'] })
      .then((collector) => collector.close());`;
    expect(run('schemas.cjs', source).warned).toContain('npm install --save-dev ajv ajv-draft-04 tlds');
  });

  it('the command `worker bullmq`', () => {
    const cli = join(app, 'node_modules/snowplow-middleware/dist/cli/main.js');
    const args = [cli, 'worker', 'bullmq', '--queue', 'q', '--endpoint', 'c.test'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: app, encoding: 'utf8' });
    expect(stderr).toContain('npm install bullmq ioredis');
    expect(status).toBe(1);
  });
});
