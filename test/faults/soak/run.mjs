// `npm run soak -- [--minutes 30] [--size full] [--only 1,2] [--seed 1] [--peers]`: hands its options to the test runner.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    size: { type: 'string', default: 'full' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    peers: { type: 'boolean', default: false },
  },
});
const file = `test/faults/soak/${values.peers ? 'peers' : 'scenarios'}.soak.ts`;
const { status } = spawnSync('npx', ['vitest', 'run', file, '--project', 'soak'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    SOAK_MINUTES: values.minutes,
    SOAK_SIZE: values.size,
    SOAK_ONLY: values.only,
    FAULTS_SEED: values.seed,
  },
});
process.exitCode = status ?? 1;
