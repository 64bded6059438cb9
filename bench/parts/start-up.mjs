// Part `start-up`: what loading a tracker's module costs a process that starts.
import { run } from '../child.mjs';
import { rounds } from '../rounds.mjs';

export const title = 'Start-up: loading the module';
export const columns = { cpuMs: 'CPU ms', wallMs: 'ms' };

const MODULES = {
  ours: '../../dist/index.js',
  'ours, express': '../../dist/express/index.js',
  official: '@snowplow/node-tracker',
  segment: '@segment/analytics-node',
  posthog: 'posthog-node',
  mixpanel: 'mixpanel',
};

export const measure = ({ quick, count }) =>
  // One start is short: a round is the median of several.
  rounds(Object.keys(MODULES), count, async (name) => {
    const starts = [];
    for (let i = 0; i < (quick ? 3 : 9); i++) starts.push(await run('start-up', { module: MODULES[name] }));
    const middle = starts.toSorted((a, b) => a.cpuMs - b.cpuMs)[starts.length >> 1];
    return middle;
  });
