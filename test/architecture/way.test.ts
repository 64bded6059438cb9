// How many of our functions one event passes, counted by coverage of the built package. The limits are for Node 24.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const PROGRAM = join(__dirname, '../support/functions-of-an-event.mjs');
const [major] = process.versions.node.split('.');

it.each([
  ['a struct event on Express', 'express', 125, 26],
  ['a decorator in Nest', 'nest', 130, 28],
])('%s', (_what, framework, mostFunctions, mostFiles) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, framework], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const counted = JSON.parse(stdout) as {
    functions: number;
    files: number;
    used: { file: string; name: string; count: number }[];
  };
  const list = counted.used.map(({ file, name, count }) => `${file} ${name} ${count}`).join('\n');
  // Other versions count otherwise; there the event has to come through, and no more.
  expect(counted.functions).toBeGreaterThan(50);
  if (major !== '24') return;
  expect(counted.functions, list).toBeLessThanOrEqual(mostFunctions);
  expect(counted.files, list).toBeLessThanOrEqual(mostFiles);
});
