// Part `middleware`: what a request costs in an application with and without a tracker, for each framework.
import { existsSync } from 'node:fs';
import { VARIANTS } from '../apps/variants.mjs';
import { BESIDE, run, start, TESTED } from '../child.mjs';
import { rounds } from '../rounds.mjs';

export const title = 'Middleware: one request, 20 connections';
export const columns = {
  requestsPerSecond: 'requests/s',
  cpuMicros: 'CPU µs per request',
  p50: 'latency p50 ms',
  p99: 'latency p99 ms',
};

// A framework without a door in this build is left out.
const FRAMEWORKS = ['express', 'koa', 'nest'].filter((name) =>
  existsSync(new URL(`../../dist/${name}/index.js`, import.meta.url)),
);

export function measure({ quick, count }) {
  const subjects = FRAMEWORKS.flatMap((framework) => VARIANTS.map((variant) => `${framework}, ${variant}`));
  return rounds(subjects, count, async (subject) => {
    const [framework, variant] = subject.split(', ');
    const sink = start('sink', {}, BESIDE);
    const collector = `http://127.0.0.1:${(await sink.next()).port}`;
    const server = start('server', { framework, variant, collector }, TESTED);
    try {
      const url = `http://127.0.0.1:${(await server.next()).port}/tea`;
      await run('load', { url, amount: quick ? 4_000 : 20_000 }, BESIDE);
      const before = await server.ask('cpu');
      const { requests, ...load } = await run('load', { url, duration: quick ? 2 : 4 }, BESIDE);
      const after = await server.ask('cpu');
      return { ...load, cpuMicros: (after.cpuMicros - before.cpuMicros) / requests };
    } finally {
      await server.stop();
      await sink.stop();
    }
  });
}
