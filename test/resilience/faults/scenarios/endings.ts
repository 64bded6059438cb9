// The process ends, or the app closes what it opened.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type App, FRAMEWORKS } from '../harness/app';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';
import { traffic } from './traffic';

// On top of the deadline: what a busy machine may need to run two timers and to end a process.
const MARGIN_MS = 1_500;

async function terminate(app: App): Promise<number> {
  const started = performance.now();
  app.signal('SIGTERM');
  const { signal } = await app.end();
  must('it ends by the signal, as it would have without us', signal === 'SIGTERM', { signal, output: app.output });
  return Math.round(performance.now() - started);
}

export const endings: Scenario[] = [
  ...FRAMEWORKS.map((framework) =>
    scenario(
      16,
      `${framework}: SIGTERM under load loses no event that was accepted`,
      { small: { clients: 10, ms: 700, timeoutMs: 3_000 }, full: { clients: 50, ms: 10_000, timeoutMs: 5_000 } },
      async (stage, { clients, ms, timeoutMs }) => {
        const collector = await stage.collector(() => ({ delayMs: 20 }));
        // Nest ends an app by its own hooks.
        const hooks = framework.startsWith('nest');
        const shutdown = hooks ? { timeoutMs } : { signals: ['SIGTERM'], timeoutMs };
        const app = await stage.app({ framework, hooks, middleware: { endpoint: collector.url, shutdown } });
        const stop = traffic(app.url, clients);
        await sleep(ms * (0.5 + stage.random() / 2));
        // Visitors are led elsewhere a moment after the signal, as balancers do.
        const [exitMs] = await Promise.all([terminate(app), sleep(500).then(stop)]);
        const figures = { ...stage.verdict(), exitMs };
        must('nothing is dropped or repeated', figures.dropped + figures.duplicates === 0, figures);
        must('it ends within its time', exitMs <= timeoutMs + MARGIN_MS, figures);
        must('there was something to lose', figures.accepted > 0, figures);
        return figures;
      },
    ),
  ),

  scenario(
    17,
    'SIGTERM while the collector hangs ends in time, and what memory held is reported',
    { small: { clients: 5, timeoutMs: 1_000 }, full: { clients: 50, timeoutMs: 5_000 } },
    async (stage, { clients, timeoutMs }) => {
      const collector = await stage.collector(() => ({ reply: 'hang' }));
      const app = await stage.app({
        framework: 'express',
        middleware: { endpoint: collector.url, shutdown: { signals: ['SIGTERM'], timeoutMs } },
      });
      const stop = traffic(app.url, clients);
      await until('events are held', () => stage.journal().accepted.size > 100);
      const exitMs = await terminate(app);
      await stop();
      const figures = { ...stage.verdict(), exitMs };
      must('it ends within its time', exitMs <= timeoutMs + MARGIN_MS, figures);
      must('every event is reported', figures.dropped === figures.accepted, figures);
      must(
        'as lost to the shutdown',
        [...stage.journal().dropped.values()].every((reason) => reason === 'shutdown'),
        figures,
      );
      return figures;
    },
  ),

  ...FRAMEWORKS.map((framework) =>
    scenario(
      37,
      `${framework}: closing an app with idle and busy connections sends what its last answers tracked, and keeps it from nothing`,
      { small: {}, full: {} },
      async (stage) => {
        const collector = await stage.collector();
        const app = await stage.app({
          framework,
          middleware: { endpoint: collector.url, emitter: { flushIntervalMs: 0, batchSize: 1_000 } },
          setup: ({ route, track, note }) =>
            route('/slow', async ({ tracker, send }) => {
              note('asked');
              await new Promise((resolve) => setTimeout(resolve, 300));
              track(1, 'last', tracker);
              send('at last');
            }),
        });
        // As the documents advise: a server waits for the connections of its clients until they have been idle so long.
        await app.run(({ server }) => void (server.keepAliveTimeout = 500));
        const agent = new Agent({ keepAlive: true });
        const ask = (path: string): Promise<unknown> =>
          new Promise((resolve, reject) => {
            get(app.url + path, { agent }, (answer) =>
              answer.resume().once('end', () => resolve(answer.statusCode)),
            ).once('error', reject);
          });
        await Promise.all(Array.from({ length: 5 }, () => ask('/track?n=2')));
        const slow = ask('/slow');
        await until('the handler runs', () => stage.journal().notes.some(([what]) => what === 'asked'));
        const closedMs = await app.run(async ({ close }) => {
          const started = performance.now();
          await close();
          return Math.round(performance.now() - started);
        });
        must('the request in flight is answered', (await slow) === 200, closedMs);
        await until('all have arrived', () => collector.count === 11);
        agent.destroy();
        const figures = { ...stage.verdict(), closedMs };
        must('nothing arrives twice', figures.duplicates === 0, figures);
        return figures;
      },
    ),
  ),

  scenario(
    38,
    'close and flush, called twice, at once and during each other, settle once everything before them is settled',
    { small: { rounds: 5 }, full: { rounds: 200 } },
    async (stage, { rounds }) => {
      const collector = await stage.collector(() => ({ delayMs: 10 }));
      const app = await stage.app({});
      for (let round = 0; round < rounds; round++) {
        const outcome = await app.run(async ({ snowplow, onDrop, track }, endpoint) => {
          const tracker = snowplow.createTracker({ endpoint, emitter: { onDrop } });
          // What `upTo` events before a flush became must be settled when it resolves.
          const settled = async (upTo: number, flush: Promise<unknown>): Promise<boolean> => {
            await flush;
            return (tracker.stats().emitters[0]?.sent ?? 0) >= upTo;
          };
          track(15, 'a', tracker);
          const first = settled(15, tracker.flush());
          track(15, 'b', tracker);
          const second = settled(30, tracker.flush());
          const third = settled(30, tracker.flush());
          await new Promise((resolve) => setTimeout(resolve, 5));
          track(5, 'c', tracker);
          const fourth = settled(35, tracker.flush());
          const closing = tracker.close();
          const same = closing === tracker.close();
          const fifth = settled(35, tracker.flush());
          const report = await closing;
          const again = await tracker.close();
          return { flushed: await Promise.all([first, second, third, fourth, fifth]), same, report, again };
        }, collector.url);
        must('each flush waits for what came before it', outcome.flushed.every(Boolean), outcome);
        must('both closes are one', outcome.same && outcome.report.remaining === 0, outcome);
      }
      const figures = stage.verdict();
      must('nothing is dropped or repeated', figures.dropped + figures.duplicates === 0, figures);
      return { ...figures };
    },
  ),

  scenario(
    39,
    'an event tracked after the close is refused, and starts nothing',
    { small: {}, full: {} },
    async (stage) => {
      const collector = await stage.collector();
      const app = await stage.app({ tracker: { endpoint: collector.url } });
      const after = await app.run(async ({ track, tracker }) => {
        track(5);
        await tracker.close();
        const offered = track(20);
        await new Promise((resolve) => setTimeout(resolve, 50));
        return { ...offered, refused: tracker.stats().refused.closed, busy: process.getActiveResourcesInfo() };
      });
      must('all are refused as closed', after.accepted === 0 && after.refused === 20, after);
      must('no timer and no socket is left', !after.busy.some((name) => /Timeout|TCP|TLS/.test(name)), after);
      return { ...stage.verdict() };
    },
  ),
];
