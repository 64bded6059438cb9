// `npm run soak -- [--minutes 30] [--size full] [--only 1,2] [--seed 1] [--peers] [--flood] [--kills]`: hands its options to the
// test runner.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

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
const alone = ['peers', 'flood', 'kills'].find((name) => values[name]);
const names = alone ? [alone] : values.only ? ['scenarios'] : ['scenarios', 'flood', 'kills'];
const files = names.map((name) => `test/faults/soak/${name}.soak.ts`);
const { status } = spawnSync('npx', ['vitest', 'run', ...files, '--project', 'soak', '--no-file-parallelism'], {
  stdio: 'inherit',
  env: {
    KILL_RUNS: values.size === 'full' ? '200' : '20',
    ...process.env,
    SOAK_MINUTES: values.minutes,
    // Beside the scenarios it takes a third of their time more.
    FLOOD_MINUTES: String(Number(values.minutes) / (alone ? 1 : 3)),
    SOAK_SIZE: values.size,
    SOAK_ONLY: values.only,
    FAULTS_SEED: values.seed,
  },
});
process.exitCode = status ?? 1;
