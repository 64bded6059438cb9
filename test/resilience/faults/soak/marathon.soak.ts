// One app under load for as long as the soak lasts, whose collector fails in one way after another.
import { expect, it } from 'vitest';
import { scenarios } from '../scenarios';
import { asked, MARATHON, record } from './record';

// What it takes at least, when the other parts have left no time.
const LEAST_MS = 6_000;

it.each(scenarios.filter((one) => one.number === MARATHON && asked.wants(one)))(
  '$title',
  { timeout: 0 },
  async (one) => {
    // The rest is for the end: what is left is delivered, and the books are judged.
    const budgetMs = Math.max(LEAST_MS, asked.minutes * 60_000 * 0.9);
    expect(await record(one, asked.size, asked.seed, budgetMs)).toBe(true);
  },
);
