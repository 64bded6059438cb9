// Part `middleware`: what a request costs in an application with and without a tracker, for each framework.
import { FRAMEWORKS, withServer } from '../apps/running.mjs';
import { VARIANTS } from '../apps/variants.mjs';
import { BESIDE, run } from '../child.mjs';
import { rounds } from '../rounds.mjs';

export const title = 'Middleware: one request, 20 connections';
export const columns = {
  requestsPerSecond: 'requests/s',
  cpuMicros: 'CPU µs per request',
  p50: 'latency p50 ms',
  p99: 'latency p99 ms',
};

export function measure({ quick, count }) {
  const subjects = FRAMEWORKS.flatMap((framework) => VARIANTS.map((variant) => `${framework}, ${variant}`));
  return rounds(subjects, count, (subject) => {
    const [framework, variant] = subject.split(', ');
    return withServer(framework, variant, async (url, server) => {
      await run('load', { url, amount: quick ? 4_000 : 20_000 }, BESIDE);
      const before = await server.ask('cpu');
      const { requests, ...load } = await run('load', { url, duration: quick ? 2 : 4 }, BESIDE);
      const after = await server.ask('cpu');
      return { ...load, cpuMicros: (after.cpuMicros - before.cpuMicros) / requests };
    });
  });
}
