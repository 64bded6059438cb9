// Part `contracts`: what checking the arguments of an event and its subject costs.
import { run } from '../child.mjs';
import { rounds } from '../rounds.mjs';

export const title = 'Contracts: track() with argument checks on and off';
export const columns = { onNs: 'ns with checks', offNs: 'ns without', costNs: 'ns for the checks' };

export const measure = ({ quick, count }) =>
  rounds(['ours'], count, () => run('contracts', { warmUp: quick ? 150 : 300, bursts: quick ? 150 : 600 }));
