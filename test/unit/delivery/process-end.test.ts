// The end of a process: what is sent in its last moment, what is reported as lost, and that nothing keeps it alive.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from 'snowplow-middleware/collector';

const BUILT = join(__dirname, '../../../dist/index.js');

let collector: Collector;
beforeEach(async () => {
  if (!existsSync(BUILT)) throw new Error('these tests run the built package: npm run build');
  collector = await startCollector();
});
afterEach(() => collector.close());

/** How many events came, and how many different ones. */
const arrived = (): number[] => [collector.good().length, new Set(collector.good().map(({ id }) => id)).size];

interface Ended {
  readonly code: number | null;
  readonly out: readonly string[];
  readonly errors: string;
}

/** Runs a script that has `emitter`, `tracker` and `event` (a counter of sample events), and waits for its end. */
async function run(script: string, options: object = {}, url = collector.url): Promise<Ended> {
  const source = `
    const { randomUUID } = require('node:crypto');
    const { AsyncEmitter, Tracker } = require(${JSON.stringify(BUILT)});
    const emitter = new AsyncEmitter(${JSON.stringify(url)}, {
      ...${JSON.stringify(options)},
      onDrop: ({ events, reason }) => console.log('dropped', events.length, reason),
    });
    const tracker = new Tracker({ emitters: emitter });
    const track = (count) => { for (let n = 0; n < count; n++) tracker.trackStructEvent({ category: 'c', action: 'a' }); };
    ${script}`;
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'pipe'] });
  const killer = setTimeout(() => child.kill('SIGKILL'), 50_000);
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(killer);
  return { code, out: out.split('\n').filter(Boolean), errors };
}

describe('a script that ends by itself', () => {
  it('loses none of the few events that it tracked', async () => {
    const { code, out, errors } = await run('track(3);');
    expect([code, out, errors]).toEqual([0, [], '']);
    expect(arrived()).toEqual([3, 3]);
  });

  it('loses none of many either', async () => {
    const { code, out } = await run('track(1_000);');
    expect([code, out, arrived()]).toEqual([0, [], [1_000, 1_000]]);
  });

  it('loses none that it tracked in its own last moment', async () => {
    const { code } = await run(
      `track(3); let once = true; process.on('beforeExit', () => { if (once) { once = false; track(2); } });`,
    );
    expect([code, arrived()]).toEqual([0, [5, 5]]);
  });

  it('makes one attempt at a collector that is dead, and reports the loss', async () => {
    collector.fail(503);
    const { code, out, errors } = await run('track(3);');
    expect([code, out, collector.requests().length]).toEqual([0, ['dropped 3 shutdown'], 1]);
    expect(errors.split('\n').filter((line) => line.includes('shutdown'))).toHaveLength(1);
  });

  it('makes one attempt where nobody listens, and reports the loss', async () => {
    const { url } = collector;
    await collector.close();
    const { code, out } = await run('track(3);', {}, url);
    expect([code, out]).toEqual([0, ['dropped 3 shutdown']]);
  });

  it('tries no more than one of many batches at a dead collector', async () => {
    collector.fail(503);
    const { out } = await run('track(100);', { batchSize: 1_000, maxPostBytes: 2_000, threadCount: 1 });
    expect(out).toEqual(['dropped 100 shutdown']);
    expect(collector.requests().length).toBe(1);
  });

  it('is not kept alive by an emitter that is idle, before its first event or after it', async () => {
    const { code, out } = await run(`
      const alive = () => process.getActiveResourcesInfo().filter((kind) => /Timeout|TCP/.test(kind)).join();
      console.log('before:' + alive());
      track(1);
      console.log('waiting:' + alive());
      emitter.flush().then(() => setImmediate(() => console.log('after:' + alive())));`);
    expect([code, out]).toEqual([0, ['before:', 'waiting:', 'after:']]);
  });

  it('is not kept alive by an event that waits for its retry', async () => {
    collector.fail({ status: 503, headers: { 'retry-after': '200' } });
    const { code, out } = await run('track(10);');
    expect([code, out, collector.requests().length]).toEqual([0, ['dropped 10 shutdown'], 1]);
  });

  it('has closed in time although the collector hangs', async () => {
    collector.fail({ connection: 'hang' });
    const { code, out } = await run(
      `track(3); emitter.close({ timeoutMs: 100 }).then((report) => console.log(JSON.stringify(report)));`,
    );
    expect([code, out]).toEqual([0, ['dropped 3 shutdown', '{"sent":0,"failed":3,"remaining":0}']]);
  });
});

describe('process.exit', () => {
  it('in the middle reports what is lost, waiting or in flight, and keeps its code', async () => {
    collector.fail({ connection: 'hang' });
    const { code, out } = await run(`
      track(10);
      const isConnected = () => process.getActiveResourcesInfo().includes('TCPSocketWrap');
      const end = () => { track(3); process.exit(7); };
      const timer = setInterval(() => { if (isConnected()) { clearInterval(timer); setTimeout(end, 200); } }, 5);`);
    expect(collector.requests()).toHaveLength(1);
    expect([code, out]).toEqual([7, ['dropped 13 shutdown']]);
  });

  it('after everything was sent reports nothing', async () => {
    const { code, out } = await run('track(3); emitter.flush().then(() => process.exit(0));');
    expect([code, out, arrived()]).toEqual([0, [], [3, 3]]);
  });
});

it('an emitter listens to the process only while it holds events', async () => {
  const { out } = await run(`
    const listeners = () => console.log(process.listenerCount('beforeExit'), process.listenerCount('exit'));
    listeners();
    track(1);
    listeners();
    emitter.flush().then(async () => {
      await new Promise(setImmediate);
      listeners();
      for (let n = 0; n < 50; n++) {
        const other = new AsyncEmitter(${JSON.stringify('http://127.0.0.1:1')});
        other.input({ tv: 't', p: 'srv', e: 'pv' });
      }
      listeners();
      process.exit();
    });`);
  const before = out[0] as string;
  expect(before).toBe('0 0');
  expect(out.slice(0, 4)).toEqual(['0 0', '1 1', '0 0', '1 1']);
});

it('many emitters of many copies of the package listen once, and each is asked at the end', async () => {
  const { code, out, errors } = await run(`
    for (let copy = 0; copy < 12; copy++) {
      for (const file of Object.keys(require.cache)) delete require.cache[file];
      const { Emitter } = require(${JSON.stringify(BUILT)});
      for (let n = 0; n < 3; n++) new Emitter(${JSON.stringify(collector.url)}).input({ tv: 't', p: 'srv', e: 'pv', eid: randomUUID(), aid: 'copy-' + copy });
    }
    console.log(process.listenerCount('beforeExit'), process.listenerCount('exit'));`);
  expect([code, out, errors]).toEqual([0, ['1 1'], '']);
  expect(arrived()).toEqual([36, 36]);
});
