// The suite is worth something if it notices a fault: each planted one must make its scenario fail.
import { expect, inject, it } from 'vitest';
import { discard, unpack } from './harness/package';
import { mutants } from './mutants';
import { scenarios } from './scenarios';

it.concurrent.each(mutants)('notices when $title', async ({ patches, noticedBy: [number, words = ''] }) => {
  const fitting = scenarios.filter((one) => one.number === number && one.title.includes(words));
  expect(fitting, 'the scenario is there, and is the only one').toHaveLength(1);
  const root = unpack(inject('tarball'), patches);
  try {
    await expect(fitting[0]?.play(root, 'small', 1)).rejects.toThrow(/scenario \d+/);
  } finally {
    discard(root);
  }
});
