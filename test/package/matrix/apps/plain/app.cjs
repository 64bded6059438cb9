// What needs no framework: events kept on disk and delivered by the next run, and the command's collector. Prints `ok`.
const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { createTracker } = require('snowplow-middleware');

const manifest = require.resolve('snowplow-middleware/package.json');
const cli = join(dirname(manifest), require(manifest).bin['snowplow-middleware']);

async function main() {
  const { stdout } = spawnSync(process.execPath, [cli, '--version'], { encoding: 'utf8' });
  assert.equal(stdout.trim(), require(manifest).version);

  const collector = spawn(process.execPath, [cli, 'collector', '--port', '0', '--json']);
  let printed = '';
  let said = '';
  collector.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  collector.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  while (!/http:\S+/.test(said)) await once(collector.stderr, 'data');
  const [endpoint] = /http:\/\/[\d.:]+/.exec(said);

  const durable = mkdtempSync(join(tmpdir(), 'matrix-'));
  const before = createTracker({ endpoint: 'http://127.0.0.1:9', durable, logger: false });
  for (let n = 0; n < 3; n++) before.trackStructEvent({ category: 'shop', action: 'pay', value: n });
  await before.close({ timeoutMs: 200 });
  const after = createTracker({ endpoint, durable });
  // Read after the start.
  while (after.stats().emitters[0].recovered < 3) await sleep(10);
  await after.flush();
  const [{ recovered, sent }] = after.stats().emitters;
  assert.deepEqual({ recovered, sent }, { recovered: 3, sent: 3 });
  await after.close();
  rmSync(durable, { recursive: true });

  collector.kill('SIGTERM');
  assert.deepEqual(await once(collector, 'exit'), [0, null]);
  const events = printed.trim().split('\n').map((line) => JSON.parse(line)); // prettier-ignore
  assert.deepEqual(events.map(({ payload }) => payload.se_va).toSorted(), ['0', '1', '2']);
}
void main().then(() => console.log('ok'));
