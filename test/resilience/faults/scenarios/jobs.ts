// A job queue between the app and the collector: it rejects, hangs, and takes a job without saying so.
import { type Scenario, scenario, type Stage } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';
import { withRedis } from './redis';

interface Jobs {
  readonly port: number;
  /** What becomes of one `add` after the other; of later ones all is well. */
  readonly adds: readonly ('rejects' | 'takes it and rejects' | 'takes it and hangs' | 'hangs')[];
}

/** An app whose events go into jobs of a real queue, which fails as it is told. */
const producer = (jobs: Jobs): Parameters<Stage['app']>[0] => ({
  mixed: true,
  args: jobs,
  setup: (inside, { port, adds }: Jobs) => {
    const { BullMqEmitter } = inside.require('snowplow-middleware/bullmq') as typeof import('../../../../src/bullmq');
    const { Queue } = inside.require('bullmq') as typeof import('bullmq');
    const real = new Queue('events', { connection: { host: '127.0.0.1', port } });
    const left = [...adds];
    const queue = {
      async add(name: string, data: unknown, options?: object): Promise<unknown> {
        const fault = left.shift() ?? '';
        inside.note('add', fault);
        if (fault === '' || fault.startsWith('takes it')) await real.add(name, data, options);
        if (fault.endsWith('rejects')) throw new Error('planted');
        return fault.endsWith('hangs') ? new Promise(() => {}) : undefined;
      },
    };
    const emitter = new BullMqEmitter({ queue, onDrop: inside.onDrop, maxRetryDelayMs: 100, logger: false });
    Object.assign(inside, { tracker: new inside.snowplow.Tracker({ emitters: emitter, logger: false }), emitter });
  },
});

/** A process that does the jobs. */
const consumer = (port: number, endpoint: string): Parameters<Stage['app']>[0] => ({
  args: { port, endpoint },
  setup: (inside, { port: at, endpoint: to }: { port: number; endpoint: string }) => {
    const { createProcessor } = inside.require('snowplow-middleware/bullmq') as typeof import('../../../../src/bullmq');
    const { Worker } = inside.require('bullmq') as typeof import('bullmq');
    const worker = new Worker('events', createProcessor({ endpoint: to, logger: false }), {
      connection: { host: '127.0.0.1', port: at, maxRetriesPerRequest: null },
    });
    worker.on('error', () => {});
  },
});

export const jobs: Scenario[] = [
  scenario(
    28,
    'a queue that rejects, hangs, and takes jobs without saying so gets every event, and each in one job only',
    { small: { events: 400 }, full: { events: 9_000 } },
    withRedis([], async (stage, { events }, { port }) => {
      const collector = await stage.collector();
      const adds = [
        'rejects',
        'takes it and rejects',
        'takes it and hangs',
        'rejects',
        'takes it and rejects',
      ] as const;
      const app = await stage.app(producer({ port, adds }));
      const offered = await app.run(({ stream }, count) => stream(count, 2_000), events);
      await until('the queue has all', async () =>
        app.run(({ tracker }) => tracker.stats().emitters.every(({ waiting, inFlight }) => waiting + inFlight === 0)),
      );
      await stage.app(consumer(port, collector.url));
      await until('all have arrived', () => collector.count === offered.accepted);
      const figures = { ...stage.verdict(), adds: stage.journal().notes.length };
      must('all were accepted', offered.accepted === events, figures);
      must('every fault was met', figures.adds > adds.length, figures);
      must('nothing is dropped or repeated', figures.dropped + figures.duplicates === 0, figures);
      return figures;
    }),
  ),

  scenario(
    28,
    'a queue that never answers holds up no close, and what is left is reported',
    { small: { events: 100 }, full: { events: 9_000 } },
    withRedis([], async (stage, { events }, { port }) => {
      const app = await stage.app(producer({ port, adds: ['hangs', 'hangs'] }));
      const offered = await app.run(({ track }, count) => track(count), events);
      const closedMs = await app.run(async (inside) => {
        const { emitter } = inside as unknown as { emitter: { close(options: object): Promise<unknown> } };
        const started = performance.now();
        await emitter.close({ timeoutMs: 700 });
        return Math.round(performance.now() - started);
      });
      const figures = { ...stage.verdict(), closedMs };
      must('all are reported', figures.dropped === offered.accepted && offered.accepted === events, figures);
      must('in time', closedMs < 700 + 1_500, figures);
      return figures;
    }),
  ),
];
