// What is measured, each several times and while nothing else runs: the first part of the soak.
import { expect, it } from 'vitest';
import { scenarios } from '../scenarios';
import { asked, record } from './record';

const chosen = scenarios.filter((one) => one.alone && asked.wants(one));
const rounds = Math.min(5, Math.max(1, Math.floor(asked.minutes / 5)));

it(`measures, ${rounds} times`, { timeout: 0 }, async () => {
  let failed = 0;
  for (let round = 0; round < rounds; round++)
    for (const one of chosen) if (!(await record(one, asked.size, asked.seed + round))) failed++;
  expect(failed, 'runs that failed').toBe(0);
});
