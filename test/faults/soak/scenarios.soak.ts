// The soak: every scenario in its full size, one after another with ever new seeds, for as long as was asked; figures as JSON.
import { loadavg } from 'node:os';
import { inject, it } from 'vitest';
import { scenarios } from '../scenarios';

const env = (name: string): string | undefined => process.env[name] || undefined;
const minutes = Number(env('SOAK_MINUTES') ?? 30);
const size = env('SOAK_SIZE') === 'small' ? 'small' : 'full';
const only = env('SOAK_ONLY')?.split(',').map(Number);
const firstSeed = Number(env('FAULTS_SEED') ?? 1);

const print = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

it(`soaks for ${minutes} minutes`, async () => {
  const deadline = performance.now() + minutes * 60_000;
  const chosen = scenarios.filter(({ number }) => !only || only.includes(number));
  const table = new Map<string, { number: number; title: string; runs: number; failed: number; figures: unknown }>();
  for (let round = 0; performance.now() < deadline; round++)
    for (const one of chosen) {
      if (performance.now() >= deadline) break;
      const seed = firstSeed + round;
      const { number, title } = one;
      const row = table.get(title) ?? { number, title, runs: 0, failed: 0, figures: {} };
      table.set(title, row);
      row.runs++;
      const started = performance.now();
      const machine = { seed, size, load: loadavg()[0]?.toFixed(2), node: process.version };
      try {
        row.figures = await one.play(inject('root'), size, seed);
        print({
          number,
          title,
          ok: true,
          ms: Math.round(performance.now() - started),
          ...machine,
          figures: row.figures,
        });
      } catch (error) {
        row.failed++;
        print({
          number,
          title,
          ok: false,
          ms: Math.round(performance.now() - started),
          ...machine,
          error: (error as Error).message,
        });
      }
    }
  for (const { number, title, runs, failed, figures } of table.values())
    process.stdout.write(
      `${String(number).padStart(2)} ${failed ? `${failed} of ${runs} FAILED` : `${runs} ok`}  ${title}\n   ${JSON.stringify(figures)}\n`,
    );
  const failures = [...table.values()].filter(({ failed }) => failed > 0);
  if (failures.length > 0)
    throw new Error(`failed: ${failures.map(({ number, title }) => `${number} ${title}`).join('; ')}`);
});
