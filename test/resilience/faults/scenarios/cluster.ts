// Several processes behind one port: each ends, or is killed, while the others serve, and is replaced.
import type { Cluster, Worker } from 'node:cluster';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App, AppSettings, Exit } from '../harness/app';
import type { Inside } from '../harness/inside';
import { type Scenario, scenario, type Stage } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';
import { traffic } from './traffic';

const WORKERS = 2;
const MAX_BATCH = 250;
// A store takes over what a dead process held at once; the rest is patience.
const TAKEOVER_MS = 40_000;

type Primary = Inside & { readonly config: object; readonly workers: Worker[]; fork(): Promise<number> };

/** The process that starts the others; each of those is an app of its own. */
function primary(inside: Inside, worker: AppSettings): void {
  const { fork: forkOne } = inside.require('node:cluster') as Cluster;
  const { config } = inside as Primary;
  const workers: Worker[] = [];
  const env = { FAULTS_HOST: JSON.stringify({ ...config, ...worker, attached: false, setup: undefined }) };
  const fork = (): Promise<number> =>
    new Promise((resolve) => {
      const one = forkOne(env);
      one.once('listening', ({ port }) => {
        workers.push(one);
        resolve(port);
      });
    });
  Object.assign(inside, { workers, fork });
}

const fork = (app: App): Promise<number> => app.run((inside) => (inside as Primary).fork());

/** Ends the oldest worker by a signal; answers how it ended. */
const end = (app: App, signal: NodeJS.Signals): Promise<Exit> =>
  app.run(
    (inside, name) =>
      new Promise<Exit>((resolve) => {
        const oldest = (inside as Primary).workers.shift();
        oldest?.once('exit', (code, how) => resolve({ code, signal: how as NodeJS.Signals }));
        oldest?.process.kill(name);
      }),
    signal,
  );

const start = async (stage: Stage, worker: AppSettings): Promise<{ app: App; url: string }> => {
  const app = await stage.app({ args: worker, setup: primary });
  let port = 0;
  for (let count = 0; count < WORKERS; count++) port = await fork(app);
  return { app, url: `http://127.0.0.1:${port}` };
};

export const cluster: Scenario[] = [
  scenario(
    45,
    'workers of a cluster that are replaced one after another under load lose no event that was accepted',
    { small: { clients: 6, restarts: 3 }, full: { clients: 50, restarts: 20 }, seconds: 80 },
    async (stage, { clients, restarts }) => {
      const collector = await stage.collector(() => ({ delayMs: 20 }));
      const shutdown = { signals: ['SIGTERM'], timeoutMs: 3_000 };
      const { app, url } = await start(stage, {
        framework: 'express',
        middleware: { endpoint: collector.url, shutdown },
      });
      const stop = traffic(url, clients);
      for (let restart = 0; restart < restarts; restart++) {
        await sleep(200 * stage.random());
        await fork(app);
        const { signal } = await end(app, 'SIGTERM');
        must('it ends by the signal', signal === 'SIGTERM', { signal, output: app.output });
      }
      await stop();
      for (let left = WORKERS; left > 0; left--) await end(app, 'SIGTERM');
      const figures = { ...stage.verdict(), restarts };
      must('nothing is dropped or repeated', figures.dropped + figures.duplicates === 0, figures);
      must('there was something to lose', figures.accepted > 0, figures);
      return figures;
    },
  ),

  scenario(
    45,
    'workers of a cluster that are killed one after another lose nothing of the durable store that they share',
    { small: { clients: 6, kills: 3 }, full: { clients: 50, kills: 50 }, seconds: 80 },
    async (stage, { clients, kills }) => {
      const collector = await stage.collector(() => ({ delayMs: 5 * stage.random() }));
      const tracker = { endpoint: collector.url, durable: join(stage.folder, 'events'), emitter: { threadCount: 1 } };
      const { app, url } = await start(stage, { framework: 'express', tracker });
      const stop = traffic(url, clients);
      for (let kill = 0; kill < kills; kill++) {
        await sleep(300 * stage.random());
        const { signal } = await end(app, 'SIGKILL');
        must('it died of that', signal === 'SIGKILL', { signal, output: app.output });
        await fork(app);
      }
      await stop();
      const { accepted } = stage.journal();
      await until(
        'what the dead had accepted has arrived',
        () => [...accepted].every((id) => collector.received.has(id)),
        TAKEOVER_MS,
      );
      const figures = { ...stage.verdict(), kills };
      must('at most one batch is repeated for each kill', figures.duplicates <= MAX_BATCH * kills, figures);
      must('nothing is dropped', figures.dropped === 0, figures);
      must('there was something to lose', figures.accepted > 0, figures);
      return figures;
    },
  ),
];
