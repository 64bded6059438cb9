// Part `latency`: how long a request takes at 60 % of the load that the application bears without a tracker.
import { FRAMEWORKS, withServer } from '../apps/running.mjs';
import { BESIDE, run } from '../child.mjs';
import { rounds } from '../rounds.mjs';

export const title = 'Latency of a request at 60 % of the load that the no-op bears';
export const columns = { perSecond: 'requests/s', p50: 'p50 ms', p99: 'p99 ms' };

const SHARE = 0.6;

export async function measure({ quick, count }) {
  const most = {};
  for (const framework of FRAMEWORKS)
    most[framework] = await withServer(framework, 'no-op', async (url) => {
      await run('load', { url, amount: quick ? 4_000 : 20_000 }, BESIDE);
      return (await run('load', { url, duration: quick ? 2 : 4 }, BESIDE)).requestsPerSecond;
    });
  const subjects = FRAMEWORKS.flatMap((framework) =>
    ['no-op', 'tracks', 'official'].map((variant) => `${framework}, ${variant}`),
  );
  return rounds(subjects, count, (subject) => {
    const [framework, variant] = subject.split(', ');
    const perSecond = Math.round(most[framework] * SHARE);
    return withServer(framework, variant, async (url) => {
      await run('load', { url, amount: quick ? 4_000 : 20_000 }, BESIDE);
      return run('paced-load', { url, perSecond, durationMs: quick ? 2_000 : 8_000 }, BESIDE);
    });
  });
}
