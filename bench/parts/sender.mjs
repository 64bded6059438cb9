// Part `sender`: our transport beside undici's dispatch, both posting the same events, serialised beforehand and joined or still to be joined.
import { BESIDE, run, start, TESTED } from '../child.mjs';
import { rounds } from '../rounds.mjs';

export const title =
  'Sender alone: 100 events a request, in one text or each in its own (joining), 8 requests at a time';
export const columns = { eventsPerSecond: 'events/s', cpuPerMillion: 'CPU s per million' };

export const measure = ({ quick, count }) =>
  rounds(['raw', 'ours', 'raw, joining', 'ours, joining'], count, async (how) => {
    const sink = start('sink', {}, BESIDE);
    try {
      const { port } = await sink.next();
      const times = { warmUpMs: quick ? 700 : 1500, durationMs: quick ? 1000 : 4000 };
      return await run('sender', { how, url: `http://127.0.0.1:${port}`, size: 100, ...times }, TESTED);
    } finally {
      await sink.stop();
    }
  });
