// Part `dead`: a collector that is down, 5,000 events a second, and then back.
import { BESIDE, start, TESTED } from '../child.mjs';
import { rounds } from '../rounds.mjs';

export const title = 'A collector that is down and comes back, 5,000 events/s';
export const columns = {
  tracked: 'events tracked',
  waiting: 'held',
  refused: 'refused',
  uncounted: 'not reported',
  memoryToBound: 'memory / bytes held',
  lost: 'accepted and lost',
  firstMs: 'ms until first request',
  drainMs: 'ms until drained',
};

export const measure = ({ quick, count }) =>
  rounds(['ours'], count, async () => {
    const sink = start('sink', { ids: true }, BESIDE);
    const { port } = await sink.next();
    const options = { url: `http://127.0.0.1:${port}`, perSecond: 5000, durationMs: quick ? 4000 : 8000 };
    const program = start('dead', options, TESTED, ['--expose-gc']);
    try {
      await program.next();
      await sink.ask('down');
      await sink.ask('reset');
      await program.ask('go');
      const { at } = await sink.ask('up');
      const figures = await program.ask({ backAt: at });
      const { firstAt } = await sink.ask('report');
      return { ...figures, firstMs: firstAt - at };
    } finally {
      await program.stop();
      await sink.stop();
    }
  });
