// The soak: every scenario, the long ones first and several at once, with ever new seeds for as long as was asked.
import { expect, it } from 'vitest';
import type { Scenario } from '../harness/scenario';
import { scenarios } from '../scenarios';
import { asked, MARATHON, record } from './record';

const AT_ONCE = 3;
// What a busy machine may need beside what an idle one does.
const SLOWER = 1.25;

const inTurn = scenarios
  .filter((one) => !one.alone && one.number !== MARATHON && asked.wants(one))
  .toSorted((a, b) => b.seconds - a.seconds);

it(`soaks for ${asked.minutes} minutes`, { timeout: 0 }, async () => {
  const deadline = performance.now() + asked.minutes * 60_000;
  const leftMs = (): number => deadline - performance.now();
  const fits = ({ seconds }: Scenario): boolean => seconds * 1_000 * SLOWER < leftMs();
  let failed = 0;
  /** The next to be played: each at least once, in its small size where there is no time for the full one. */
  function* plan(): Generator<Parameters<typeof record>> {
    for (const one of inTurn) yield [one, fits(one) ? asked.size : 'small', asked.seed];
    for (let round = 1; inTurn.some(fits); round++)
      for (const one of inTurn) if (fits(one)) yield [one, asked.size, asked.seed + round];
  }
  const queue = plan();
  const worker = async (): Promise<void> => {
    for (const next of queue) if (!(await record(...next))) failed++;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(failed, 'runs that failed').toBe(0);
});
