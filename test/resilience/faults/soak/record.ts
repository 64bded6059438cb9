// One run of a scenario in the soak: what came of it is a line of JSON, for whoever starts the soak to gather.
import { loadavg } from 'node:os';
import { inject } from 'vitest';
import type { Scenario } from '../harness/scenario';

/** The scenario that lasts for as long as one lets it. */
export const MARATHON = 47;

const env = (name: string): string => process.env[name] ?? '';

/** What the soak was asked for. */
export const asked = {
  minutes: env('SOAK_UNTIL') ? (Number(env('SOAK_UNTIL')) - Date.now()) / 60_000 : Number(env('SOAK_MINUTES') || 30),
  size: env('SOAK_SIZE') === 'small' ? 'small' : 'full',
  seed: Number(env('FAULTS_SEED') || 1),
  /** Whether this scenario is wanted. */
  wants({ number }: Scenario): boolean {
    const only = env('SOAK_ONLY').split(',').filter(Boolean).map(Number);
    return only.length === 0 || only.includes(number);
  },
} as const;

/** Plays a scenario and prints its line. Never rejects: answers whether it went well. */
export async function record(one: Scenario, size: 'small' | 'full', seed: number, budgetMs?: number): Promise<boolean> {
  const { number, title } = one;
  const started = performance.now();
  const outcome = await one
    .play(inject('root'), size, seed, budgetMs)
    .then((figures) => ({ ok: true, figures }))
    .catch((error: Error) => ({ ok: false, error: error.message }));
  const ms = Math.round(performance.now() - started);
  const line = { number, title, size, seed, ms, load: loadavg()[0]?.toFixed(2), ...outcome };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return outcome.ok;
}
