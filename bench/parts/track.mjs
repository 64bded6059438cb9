// Part `track`: what track() costs per event, ours and the peers', with an instant transport.
import { run, TESTED } from '../child.mjs';
import { rounds } from '../rounds.mjs';
import { NAMES } from '../trackers/index.mjs';

// No queue, no instant transport of its own: not comparable here.
const subjects = NAMES.filter((name) => name !== 'mixpanel');
const HEAP_FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

export const title = 'track(): per event, with a transport that answers at once, bursts of 100';
export const columns = {
  syncNs: 'ns until it returns',
  cpuNs: 'CPU ns until acknowledged',
  syncBytes: 'heap bytes until it returns',
  totalBytes: 'heap bytes until acknowledged',
};

export async function measure({ quick, count }) {
  // Only from 150,000 events on does the optimiser change nothing any more.
  const times = { warmUp: quick ? 150 : 2000, bursts: quick ? 150 : 1500 };
  const heap = { warmUp: quick ? 150 : 600, bursts: quick ? 20 : 60, heap: true };
  return rounds(subjects, count, async (name) => ({
    ...(await run('track', { name, ...times }, TESTED)),
    ...(await run('track', { name, ...heap }, TESTED, HEAP_FLAGS)),
  }));
}
