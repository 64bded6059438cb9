// The runs in which processes are killed, as long as KILL_RUNS says: `npm run soak -- --kills`; figures as JSON.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { loadavg } from 'node:os';
import { expect, it } from 'vitest';
import type { KillFigures } from '../../../support/kills';

const KILLS = process.env['KILL_RUNS'] || '200';
const FILES = ['test/unit/disk/kill.test.ts', 'test/unit/redis/worker-kill.test.ts', 'test/unit/bullmq/kill.test.ts'];

/** The part of the runner's report that is of use here. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly duration?: number;
      readonly failureMessages: readonly string[];
      readonly meta: { readonly figures?: KillFigures };
    }[];
  }[];
}

async function play(file: string): Promise<Report['testResults'][number]['assertionResults']> {
  const child = spawn('npx', ['vitest', 'run', '--project', 'main', '--reporter=json', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KILL_RUNS: KILLS },
  });
  const { testResults } = JSON.parse(await text(child.stdout)) as Report;
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

it.each(FILES)(`${KILLS} kills: %s`, async (file) => {
  const tests = await play(file);
  const machine = { load: loadavg()[0]?.toFixed(2), node: process.version };
  for (const { fullName: title, status, duration = 0, failureMessages, meta } of tests) {
    const ok = status === 'passed';
    const outcome = ok ? { figures: meta.figures } : { error: failureMessages[0] };
    process.stdout.write(`${JSON.stringify({ file, title, ok, ms: Math.round(duration), ...machine, ...outcome })}\n`);
  }
  expect(tests.length).toBeGreaterThan(0);
  expect(tests.filter(({ status }) => status !== 'passed').map(({ fullName }) => fullName)).toEqual([]);
});
