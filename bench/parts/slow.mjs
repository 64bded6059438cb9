// Part `slow`: a collector that answers in 200 ms, at 5,000 events a second.
import { BESIDE, run, start, TESTED } from '../child.mjs';
import { rounds } from '../rounds.mjs';

export const title = 'A collector that answers in 200 ms, 5,000 events/s';
export const columns = {
  tracked: 'events tracked',
  lost: 'lost',
  duplicates: 'duplicated',
  connections: 'connections',
  idleP99Ms: 'loop p99 ms, idle',
  addedP99Ms: 'ms added',
};

export const measure = ({ quick, count }) =>
  rounds(['ours', 'official'], count, async (name) => {
    const sink = start('sink', { delayMs: 200, ids: true }, BESIDE);
    try {
      const url = `http://127.0.0.1:${(await sink.next()).port}`;
      const times = { perSecond: 5000, durationMs: quick ? 3000 : 8000, settleMs: 10_000 };
      const figures = await run('slow', { name, url, ...times }, TESTED);
      const { distinct, duplicates, connections } = await sink.ask('report');
      return { ...figures, lost: figures.tracked - distinct, duplicates, connections };
    } finally {
      await sink.stop();
    }
  });
