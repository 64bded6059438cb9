// Every scenario of the plan, in its small size, against the package as npm packs it.
import { describe, inject, it } from 'vitest';
import { scenarios } from './scenarios';

const seed = Number(process.env['FAULTS_SEED'] ?? Date.now() % 1_000_000);
const play = (alone: boolean) => scenarios.filter((one) => one.alone === alone);

describe(`seed ${seed}`, () => {
  it.concurrent.each(play(false))('$number: $title', (one) => one.play(inject('root'), 'small', seed));
  it.each(play(true))('$number: $title', (one) => one.play(inject('root'), 'small', seed));
});
