// One app under load for as long as the soak lasts, whose collector fails in one way after another.
import { expect, it } from 'vitest';
import { scenarios } from '../scenarios';
import { asked, MARATHON, record } from './record';

it.each(scenarios.filter((one) => one.number === MARATHON && asked.wants(one)))(
  '$title',
  { timeout: 0 },
  async (one) => {
    // The rest is for the end: what is left is delivered, and the books are judged.
    expect(await record(one, asked.size, asked.seed, asked.minutes * 60_000 * 0.9)).toBe(true);
  },
);
