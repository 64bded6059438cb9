// A process dies without a word; a durable store has what it accepted, and hands it to whoever comes next.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppSettings } from '../harness/app';
import { type Scenario, scenario, type Stage } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

const MAX_BATCH = 250;
// A store takes over what a dead process held at once; the rest is patience.
const TAKEOVER_MS = 25_000;

const durable = (stage: Stage, endpoint: string, emitter: object = {}): NonNullable<AppSettings['tracker']> => ({
  endpoint,
  durable: join(stage.folder, 'events'),
  emitter: { threadCount: 1, ...emitter },
});

export const kills: Scenario[] = [
  scenario(
    18,
    'SIGKILL at random moments, again and again, loses no event that a durable store accepted',
    { small: { kills: 5, perRound: 400, runMs: 60 }, full: { kills: 200, perRound: 1_000, runMs: 100 }, seconds: 150 },
    async (stage, { kills: times, perRound, runMs }) => {
      const collector = await stage.collector(() => ({ delayMs: 5 * stage.random() }));
      let readyMs = 0;
      for (let round = 0; round < times; round++) {
        const app = await stage.app({ mixed: true, tracker: durable(stage, collector.url) });
        // The HTTP client is loaded in the turn after the emitter is made: the kill is to meet events, not that.
        await app.run(() => new Promise<void>((resolve) => setImmediate(resolve)));
        const stream = app.run(({ stream: some }, count) => some(count, 10_000), perRound);
        stream.catch(() => {});
        await sleep(runMs * stage.random());
        app.signal('SIGKILL');
        const { signal } = await app.end();
        must('it died of that', signal === 'SIGKILL', { signal, output: app.output });
      }
      const started = performance.now();
      const last = await stage.app({ tracker: durable(stage, collector.url) });
      readyMs = Math.round(performance.now() - started);
      const { accepted } = stage.journal();
      await until(
        'what the dead had accepted has arrived',
        () => [...accepted].every((id) => collector.received.has(id)),
        TAKEOVER_MS,
      );
      await last.run(({ tracker }) => tracker.close());
      const figures = { ...stage.verdict(), kills: times, readyMs };
      must('at most one batch is repeated for each kill', figures.duplicates <= MAX_BATCH * times, figures);
      must('there was something to lose', figures.accepted > 0, figures);
      return figures;
    },
  ),

  scenario(
    17,
    'SIGTERM while the collector hangs leaves a durable store as it is, and the next process delivers it',
    { small: { timeoutMs: 800 }, full: { timeoutMs: 5_000 } },
    async (stage, { timeoutMs }) => {
      const collector = await stage.collector(() => ({ reply: 'hang' }));
      const settings = (endpoint: string): AppSettings => ({
        framework: 'express',
        middleware: { ...durable(stage, endpoint), shutdown: { signals: ['SIGTERM'], timeoutMs } },
      });
      const app = await stage.app(settings(collector.url));
      await Promise.all(Array.from({ length: 20 }, () => fetch(`${app.url}/track?n=5`)));
      const started = performance.now();
      app.signal('SIGTERM');
      const { signal } = await app.end();
      const exitMs = Math.round(performance.now() - started);
      must('it ends by the signal', signal === 'SIGTERM', app.output);
      collector.script = () => ({});
      const next = await stage.app(settings(collector.url));
      await fetch(`${next.url}/track?n=1`);
      await until('all have arrived', () => collector.count === 101, TAKEOVER_MS);
      const figures = { ...stage.verdict(), exitMs };
      must('nothing is dropped', figures.dropped === 0, figures);
      must('it ends in time', exitMs < timeoutMs + 1_500, figures);
      return figures;
    },
  ),

  scenario(
    31,
    'processes that share a store deliver every event once, and take over from one that is killed',
    { small: { events: 500 }, full: { events: 10_000 } },
    async (stage, { events }) => {
      const collector = await stage.collector(() => ({ delayMs: 3 }));
      const apps = await Promise.all([0, 1, 2].map(() => stage.app({ tracker: durable(stage, collector.url) })));
      const offered = await Promise.all(
        apps.map((app) => app.run(({ stream }, count) => stream(count, 2_000), events)),
      );
      must(
        'all are accepted',
        offered.every(({ accepted }) => accepted === events),
        offered,
      );
      await until('all have arrived', () => collector.count === 3 * events);
      must('each one once', collector.duplicates === 0, collector.duplicates);
      const [doomed] = apps;
      await doomed?.run(async ({ track, tracker }) => {
        // What has arrived is done with when its answer has been read: killed before, it would rightly be sent again.
        while (tracker.stats().emitters.some(({ inFlight }) => inFlight > 0))
          await new Promise((resolve) => setTimeout(resolve, 5));
        tracker.flush = () => new Promise(() => {});
        // Fewer than start a send.
        return track(5);
      });
      doomed?.signal('SIGKILL');
      await doomed?.end();
      await until('what it left has arrived', () => collector.count === 3 * events + 5, TAKEOVER_MS);
      const figures = stage.verdict();
      must('each one once', figures.duplicates === 0, figures);
      return { ...figures };
    },
  ),

  scenario(42, 'process.exit in a handler loses nothing of a durable store', { small: {}, full: {} }, async (stage) => {
    const collector = await stage.collector();
    const settings = (setup?: AppSettings['setup']): AppSettings => ({
      framework: 'express',
      tracker: durable(stage, collector.url),
      ...(setup && { setup }),
    });
    const app = await stage.app(
      settings(({ route, track }) =>
        route('/exit', ({ tracker }) => {
          track(5, 'last', tracker);
          process.exit(7);
        }),
      ),
    );
    await fetch(`${app.url}/exit`).catch(() => {});
    const { code } = await app.end();
    await stage.app(settings());
    await until('all have arrived', () => collector.count === 5, TAKEOVER_MS);
    const figures = { ...stage.verdict(), code };
    must('nothing is dropped or repeated', figures.dropped + figures.duplicates === 0, figures);
    return figures;
  }),
];
