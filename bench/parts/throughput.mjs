// Part `throughput`: events a second from track() to a sink in another process, with every tracker's default settings.
import { BESIDE, run, start, TESTED } from '../child.mjs';
import { rounds } from '../rounds.mjs';
import { wireOf } from '../trackers/index.mjs';

export const title = 'End to end: from track() to a sink in another process, default settings, 900 events outstanding';
export const columns = {
  eventsPerSecond: 'events/s',
  cpuPerMillion: 'CPU s per million',
  peakMB: 'peak memory MB',
  missing: 'events missing',
};

export const measure = ({ quick, count }) =>
  rounds(['ours', 'official', 'segment', 'posthog', 'posthog, no gzip', 'mixpanel'], count, async (name) => {
    const sink = start('sink', { wire: wireOf(name) }, BESIDE);
    try {
      const { port } = await sink.next();
      const times = { warmUpMs: quick ? 700 : 2000, durationMs: quick ? 1000 : 4000 };
      const result = await run('throughput', { name, url: `http://127.0.0.1:${port}`, ...times }, TESTED);
      const { tracked, ...figures } = result;
      const { events } = await sink.ask('report');
      return { ...figures, missing: tracked - events };
    } finally {
      await sink.stop();
    }
  });
