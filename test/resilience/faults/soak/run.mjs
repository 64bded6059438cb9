// `npm run soak -- [--minutes 30] [--size full] [--only 1,2] [--seed 1] [--peers | --flood | --kills]`: everything for as long
// as was asked, or one part of it; figures as lines of JSON and as a table, here and in test/artifacts.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { machine, tableOf } from './table.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    size: { type: 'string', default: 'full' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    peers: { type: 'boolean', default: false },
    flood: { type: 'boolean', default: false },
    kills: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const started = performance.now();
const minutesLeft = () => minutes - (performance.now() - started) / 60_000;
// For the last runs to end in.
const RESERVE_MINUTES = 0.5;

mkdirSync('test/artifacts', { recursive: true });
const log = createWriteStream('test/artifacts/soak.jsonl');
const lines = [];

/** Runs soak files, several at once; answers whether all went well. */
async function run(names, env, atOnce) {
  const files = names.map((name) => `test/resilience/faults/soak/${name}.soak.ts`);
  const child = spawn('npx', ['vitest', 'run', ...files, '--project', 'soak', `--maxWorkers=${atOnce}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SOAK_SIZE: values.size, SOAK_ONLY: values.only, FAULTS_SEED: values.seed, ...env },
  });
  const gone = new Promise((resolve) => child.once('close', resolve));
  for await (const line of createInterface(child.stdout)) {
    process.stdout.write(`${line}\n`);
    if (!line.startsWith('{')) continue;
    log.write(`${line}\n`);
    lines.push(JSON.parse(line));
  }
  return (await gone) === 0;
}

const kills = process.env.KILL_RUNS ?? String(Math.max(10, Math.min(200, Math.round((200 * minutes) / 30))));
const part = ['peers', 'flood', 'kills'].find((name) => values[name]);
const outcomes = [];
if (part) outcomes.push(await run([part], { FLOOD_MINUTES: values.minutes, KILL_RUNS: kills }, 1));
else {
  outcomes.push(await run(['measured'], { SOAK_MINUTES: values.minutes }, 1));
  const rest = ['scenarios', 'marathon', ...(values.only ? [] : ['kills', 'flood'])];
  // As a time of day: not all of them begin at once.
  const until = String(Date.now() + Math.max(0, minutesLeft() - RESERVE_MINUTES) * 60_000);
  outcomes.push(await run(rest, { SOAK_UNTIL: until, FLOOD_MINUTES: String(minutes / 3), KILL_RUNS: kills }, 3));
}
log.end();
const table = `${machine(values)}\n\n${tableOf(lines)}\n`;
writeFileSync('test/artifacts/soak.md', table);
process.stdout.write(`\n${table}`);
process.exitCode = outcomes.every(Boolean) && lines.every(({ ok }) => ok !== false) ? 0 : 1;
