// A resolver that hangs: what it costs the app beside us, and that the collector's address is asked for until it is known.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Child } from '../../support/child';
import { type ScriptedCollector, startScriptedCollector } from '../../support/scripted-collector';

const BUILT = join(__dirname, '../../../dist/index.js');
const PATIENCE = 30_000;

let collector: ScriptedCollector;
let folder: string;
let child: Child | undefined;
let pipe: FileHandle | undefined;
beforeEach(async () => {
  if (!existsSync(BUILT)) throw new Error('these tests run the built package: npm run build');
  collector = await startScriptedCollector();
  folder = mkdtempSync(join(tmpdir(), 'lookups-'));
});
afterEach(async () => {
  await child?.stop();
  await pipe?.close();
  [child, pipe] = [undefined, undefined];
  await collector.close();
  rmSync(folder, { recursive: true });
});

/**
 * A program with a resolver of its own for `collector.test`: it fails `failures` times, and then each look-up occupies a
 * thread of the pool until somebody writes to the pipe.
 */
function program(failures: number, script: string): Child {
  const path = join(folder, 'pipe');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  return Child.program(
    `
    const dns = require('node:dns');
    const fs = require('node:fs');
    const real = dns.lookup;
    let asked = 0;
    dns.lookup = (host, options, callback) => {
      if (host !== 'collector.test') return real(host, options, callback);
      if (asked++ < ${failures}) return process.nextTick(callback, Object.assign(new Error('EAI_AGAIN'), { code: 'EAI_AGAIN' }));
      fs.open(${JSON.stringify(path)}, 'r', (error) => callback(error, [{ address: '127.0.0.1', family: 4 }]));
    };
    const { AsyncEmitter, Emitter, Tracker } = require(${JSON.stringify(BUILT)});
    const options = { batchSize: 1, maxBatchSize: 1, maxRetryDelayMs: 20, requestTimeoutMs: 120_000, logger: false };
    const emitters = [AsyncEmitter, Emitter, Emitter].map((Kind) => new Kind('http://collector.test:${collector.port}', options));
    const tracker = new Tracker({ emitters });
    const track = () => tracker.trackStructEvent({ category: 'c', action: 'a' });
    const sum = (name) => emitters.reduce((total, emitter) => total + emitter.stats()[name], 0);
    const when = (holds, then) => (holds() ? setImmediate(then) : setTimeout(when, 5, holds, then));
    ${script}`,
    { UV_THREADPOOL_SIZE: '4' },
  );
}

it("occupies one thread for all connections and emitters, so that the app's own look-ups and files go on", async () => {
  child = program(
    0,
    `for (let n = 0; n < 8; n++) track();
    when(() => sum('inFlight') === 10, () =>
      real('localhost', () => fs.readFile(process.execPath, () => console.log('the app goes on, asked ' + asked))));
    when(() => sum('sent') === 24, () => console.log('all sent, retried ' + sum('retried')));`,
  );
  const [, asked] = await child.printed(/the app goes on, asked (\d+)/, PATIENCE);
  expect(asked).toBe('1');
  pipe = await open(join(folder, 'pipe'), 'w');
  const [, retried] = await child.printed(/all sent, retried (\d+)/, PATIENCE);
  expect(retried).toBe('0');
});

it('is waited for no longer than a connection may take, and asked once while it hangs', async () => {
  child = program(
    0,
    `for (const emitter of emitters) emitter.close();
    const soon = new AsyncEmitter('http://collector.test:${collector.port}', { ...options, requestTimeoutMs: 200 });
    emitters.splice(0, 3, soon);
    soon.input({ e: 'pv', p: 'srv', tv: 't', eid: 'a0000000-0000-4000-8000-000000000000' });
    when(() => sum('retried') > 3, () => console.log('tried again, asked ' + asked));
    when(() => sum('sent') === 1, () => console.log('sent'));`,
  );
  const [, asked] = await child.printed(/tried again, asked (\d+)/, PATIENCE);
  expect(asked).toBe('1');
  pipe = await open(join(folder, 'pipe'), 'w');
  await child.printed(/sent/, PATIENCE);
});

it('that failed is asked again by the next attempt', async () => {
  child = program(
    3,
    `track();
    when(() => sum('sent') === 3, () => console.log('sent, asked ' + asked));`,
  );
  pipe = await open(join(folder, 'pipe'), 'w');
  const [, asked] = await child.printed(/sent, asked (\d+)/, PATIENCE);
  expect(Number(asked)).toBeGreaterThanOrEqual(4);
});
