// Runs in which processes are killed: how many times, what came of the events, and where the soak finds the figures.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

const CHILD = resolve('test/support/tracking-child.mjs');
const DIST = resolve('dist/index.js');

/** Kills in one run: 20, or as many as KILL_RUNS says. */
export const KILLS = Number(process.env['KILL_RUNS'] ?? 20);

/** How long a run may take, in milliseconds; a Redis worker's events alone are taken over after 15 seconds. */
export const KILLS_TIMEOUT_MS = 900_000 + KILLS * 3_000;

/** What came of the events of a run. */
export interface KillFigures {
  readonly kills: number;
  readonly accepted: number;
  readonly lost: number;
  readonly repeated: number;
  readonly repeatedAtMost: number;
}

declare module 'vitest' {
  interface TaskMeta {
    /** What a test counted; the soak prints it. */
    figures?: KillFigures;
  }
}

/**
 * @param taken How often the collector took each event.
 * @param repeatedAtMost What one kill may cost.
 */
export function figuresOf(
  accepted: Iterable<string>,
  taken: ReadonlyMap<string, number>,
  repeatedAtMost: number,
): KillFigures {
  const ids = [...new Set(accepted)];
  const arrivals = [...taken.values()].reduce((total, times) => total + times, 0);
  return {
    kills: KILLS,
    accepted: ids.length,
    lost: ids.filter((id) => !taken.has(id)).length,
    repeated: arrivals - taken.size,
    repeatedAtMost: KILLS * repeatedAtMost,
  };
}

/** Runs a process that tracks, and kills it at a random moment after its first events. */
export async function killOne(options: object, accepted: string): Promise<void> {
  const running = spawn(process.execPath, [CHILD, DIST, JSON.stringify(options), accepted], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: Buffer[] = [];
  running.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  await once(running.stdout, 'data');
  await sleep(Math.random() * 200);
  const exited = once(running, 'close');
  running.kill('SIGKILL');
  const [, signal] = (await exited) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  // A kill can tear the line that was being written, which was not accepted; whoever reads the log after it says so.
  const torn = /^snowplow: accepted events were lost in the event store \{\s+events: 1,[^}]*\}\n/;
  expect(Buffer.concat(said).toString().replace(torn, '')).toBe('');
}
