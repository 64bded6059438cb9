// The suite is worth something if it notices a fault: each planted one must make its scenario fail.
import { expect, inject, it } from 'vitest';
import { discard, unpack } from './harness/package';
import type { Figures } from './harness/scenario';
import { mutants } from './mutants';
import { scenarios } from './scenarios';

it.concurrent.for(mutants)('notices when $title', async ({ patches, noticedBy: [number, words = ''] }, { skip }) => {
  const fitting = scenarios.filter((one) => one.number === number && one.title.includes(words));
  expect(fitting, 'the scenario is there, and is the only one').toHaveLength(1);
  const root = unpack(inject('tarball'), patches);
  try {
    const outcome = await fitting[0]?.play(root, 'small', 1).catch((error: unknown) => error);
    const { skipped } = outcome as Figures;
    skip(skipped !== undefined, String(skipped));
    expect(String(outcome), 'what the scenario made of it').toMatch(/^Error: scenario \d+/);
  } finally {
    discard(root);
  }
});
