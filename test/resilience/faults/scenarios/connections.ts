// Connections that die between requests, are never made, or wait for a process that is not running.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { certificates } from '../harness/certificates';
import { must } from './expect';

export const connections: Scenario[] = [
  ...[100, 1_000].map((idleMs) =>
    scenario(
      13,
      `a server that closes connections idle for ${idleMs} ms never costs an event, a repeat or a failure`,
      { small: { posts: Math.round(6_000 / idleMs) }, full: { posts: Math.round(200_000 / idleMs) }, seconds: 220 },
      async (stage, { posts }) => {
        const collector = await stage.collector(undefined, { idleMs });
        const app = await stage.app({
          args: collector.url,
          setup: (inside, endpoint: string) => {
            const { AsyncEmitter, Tracker } = inside.snowplow;
            const emitter = new AsyncEmitter({
              endpoint,
              onDrop: inside.onDrop,
              onFailure: () => inside.note('failure'),
            });
            Object.assign(inside, { tracker: new Tracker({ emitters: emitter }) });
          },
        });
        for (let post = 0; post < posts; post++) {
          await app.run(({ track, tracker }) => (track(1), tracker.flush()));
          // On the edge: a little before, at, and after the moment at which the server closes.
          await sleep(idleMs - 3 + 6 * stage.random());
        }
        await until('all have arrived', () => collector.count === posts);
        const failures = stage.journal().notes.length;
        const figures = { ...stage.verdict(), failures, connections: collector.connections };
        must('nothing arrives twice', figures.duplicates === 0, figures);
        must('no failure is reported', failures === 0, figures);
        return figures;
      },
    ),
  ),

  ...(['self-signed', 'expired', 'wrong host', 'no TLS at all'] as const).map((what) =>
    scenario(
      15,
      `a collector whose TLS is wrong (${what}) gets nothing, and the events are kept`,
      { small: { waitMs: 1_000 }, full: { waitMs: 10_000 } },
      async (stage, { waitMs }) => {
        const { authority, ...certificate } = await certificates(stage.folder);
        const tls = what === 'no TLS at all' ? undefined : certificate[what];
        const bad = await stage.collector(undefined, tls ? { tls } : {});
        const app = await stage.app({
          tracker: { endpoint: `https://localhost:${bad.port}`, emitter: { maxRetryDelayMs: 200 } },
          env: { NODE_EXTRA_CA_CERTS: authority },
        });
        await app.run(({ track }) => track(20));
        await sleep(waitMs);
        must('nothing was sent', bad.requests.length === 0, bad.requests);
        must('one line tells of it', app.output.split('could not be sent').length === 2, app.output);
        await bad.down();
        const good = await stage.collector(undefined, { port: bad.port, tls: certificate.good });
        await until('all have arrived', () => good.count === 20);
        const figures = stage.verdict();
        must('nothing arrives twice', figures.duplicates === 0, figures);
        return { ...figures };
      },
    ),
  ),

  ...[
    { title: 'shorter than the deadline repeats nothing', times: 1, most: 0 },
    { title: 'longer than the deadline repeats at most the batches that were out', times: 7, most: 250 },
  ].map(({ title, times, most }) =>
    scenario(
      32,
      `a loop that is blocked for a time ${title}`,
      { small: { unitMs: 200, timeoutMs: 1_000 }, full: { unitMs: 2_000, timeoutMs: 10_000 }, seconds: 50 },
      async (stage, { unitMs, timeoutMs }) => {
        const collector = await stage.collector();
        const app = await stage.app({
          tracker: { endpoint: collector.url, emitter: { threadCount: 1, requestTimeoutMs: timeoutMs } },
        });
        const blockMs = unitMs * times;
        for (let round = 0; round < 3; round++)
          await app.run(async ({ track, block }, ms) => {
            track(100);
            // Far enough for the request to be on its way.
            await new Promise((resolve) => setTimeout(resolve, 5));
            block(ms);
          }, blockMs);
        await until('all have arrived', () => collector.count === 300);
        await app.run(({ tracker }) => tracker.close());
        const figures = { ...stage.verdict(), blockMs };
        must(`at most ${most} arrive twice each time`, figures.duplicates <= 3 * most, figures);
        return figures;
      },
    ),
  ),

  scenario(
    43,
    'a process frozen after each answer, as functions are, loses nothing that it flushed',
    { small: { rounds: 4, frozenMs: 700 }, full: { rounds: 5, frozenMs: 60_000 }, seconds: 310 },
    async (stage, { rounds, frozenMs }) => {
      const collector = await stage.collector(undefined, { idleMs: 300 });
      const app = await stage.app({ framework: 'express', tracker: { endpoint: collector.url } });
      for (let round = 0; round < rounds; round++) {
        await fetch(`${app.url}/track?n=5`);
        const report = await app.run(({ tracker }) => tracker.flush());
        must('the flush sends all', report.remaining === 0 && collector.count === 5 * (round + 1), report);
        app.signal('SIGSTOP');
        await sleep(frozenMs);
        app.signal('SIGCONT');
      }
      const figures = { ...stage.verdict(), requests: collector.requests.length };
      must('nothing arrives twice', figures.duplicates === 0, figures);
      must('each dead connection costs one request at most', figures.requests <= 2 * rounds, figures);
      return figures;
    },
  ),
];
