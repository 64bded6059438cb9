// Every scenario of the plan, in its small size, against the package as npm packs it.
import { describe, inject, it } from 'vitest';
import type { Scenario } from './harness/scenario';
import { scenarios } from './scenarios';

const seed = Number(process.env['FAULTS_SEED'] ?? Date.now() % 1_000_000);
const play = async (one: Scenario): Promise<void> => void (await one.play(inject('root'), 'small', seed));

describe(`seed ${seed}`, () => {
  it.concurrent.each(scenarios.filter(({ alone }) => !alone))('$number: $title', play);
  it.each(scenarios.filter(({ alone }) => alone))('$number: $title', play);
});
