// The process ends by itself, or by process.exit, without a word to the tracker.
import { type Scenario, scenario } from '../harness/scenario';
import { must } from './expect';

export const exits: Scenario[] = [
  scenario(
    42,
    'a script that runs out of work sends what it tracked, and then ends',
    { small: {}, full: {} },
    async (stage) => {
      const collector = await stage.collector(() => ({ delayMs: 100 }));
      const started = performance.now();
      const app = await stage.app({
        attached: false,
        tracker: { endpoint: collector.url },
        setup: ({ track }) => track(3),
      });
      const exit = await app.end();
      const figures = { ...stage.verdict(), exitMs: Math.round(performance.now() - started) };
      must('it ends well', exit.code === 0, { exit, output: app.output });
      must('all have arrived', figures.received === 3, figures);
      return figures;
    },
  ),

  scenario(
    42,
    'a script that runs out of work while nobody answers makes one attempt, and says what it loses',
    { small: { requestTimeoutMs: 500 }, full: { requestTimeoutMs: 10_000 } },
    async (stage, { requestTimeoutMs }) => {
      const collector = await stage.collector(() => ({ reply: 'hang' }));
      const app = await stage.app({
        attached: false,
        tracker: { endpoint: collector.url, emitter: { requestTimeoutMs } },
        setup: ({ track }) => track(3),
      });
      const exit = await app.end();
      const figures = { ...stage.verdict(), requests: collector.requests.length };
      must('it ends well', exit.code === 0, { exit, output: app.output });
      must('one attempt was made', figures.requests === 1, figures);
      must('all are reported', figures.dropped === 3, figures);
      return figures;
    },
  ),

  scenario(
    42,
    'process.exit in a handler ends the process at once, and what memory held is reported',
    { small: {}, full: {} },
    async (stage) => {
      const collector = await stage.collector();
      const app = await stage.app({
        framework: 'express',
        tracker: { endpoint: collector.url },
        setup: ({ route, track }) =>
          route('/exit', ({ tracker }) => {
            track(5, 'last', tracker);
            process.exit(7);
          }),
      });
      await fetch(`${app.url}/exit`).catch(() => {});
      const exit = await app.end();
      const figures = { ...stage.verdict(), ...exit };
      must('the code is its own', exit.code === 7, figures);
      must('all are reported', figures.dropped === 5, figures);
      return figures;
    },
  ),

  scenario(42, 'an idle tracker keeps no process alive', { small: {}, full: {} }, async (stage) => {
    const collector = await stage.collector();
    const started = performance.now();
    const app = await stage.app({
      attached: false,
      tracker: { endpoint: collector.url },
      setup: async ({ track, tracker, note }) => {
        track(3);
        await tracker.flush();
        const since = performance.now();
        process.on('exit', () => note('idle', performance.now() - since));
      },
    });
    const exit = await app.end();
    const idleMs = Math.round(Number(stage.journal().notes.find(([kind]) => kind === 'idle')?.[1]));
    const figures = { ...stage.verdict(), idleMs, wholeMs: Math.round(performance.now() - started) };
    must('it ends well, before any of our timers', exit.code === 0 && idleMs < 3_000, figures);
    return figures;
  }),
];
