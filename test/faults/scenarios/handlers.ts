// Handlers that fail and clients that go away: the app's own behaviour stays what it is without us.
import { connect } from 'node:net';
import type { ErrorRequestHandler } from 'express';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

/** Sends a request's beginning, and hangs up after so many bytes of the answer. */
function hangUp(port: number, text: string, afterBytes: number): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(text);
      if (afterBytes === 0) setImmediate(() => socket.resetAndDestroy());
    });
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes >= afterBytes) socket.resetAndDestroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

export const handlers: Scenario[] = (['express', 'express4'] as const).flatMap((framework) => [
  scenario(
    35,
    `${framework}: an error in a handler stays the host's own, and its events are sent once`,
    { small: {}, full: {} },
    async (stage) => {
      const collector = await stage.collector();
      const settings = (mounted: boolean) => ({
        framework,
        unmounted: true,
        tracker: { endpoint: collector.url },
        args: mounted,
        setup: (
          { app, middleware, tracker, track }: Parameters<NonNullable<Parameters<typeof stage.app>[0]['setup']>>[0],
          on: boolean,
        ) => {
          if (on) app.use(middleware({ tracker, pageViews: true }));
          const some = (req: { tracker: typeof tracker }): void => void (on && track(1, 'x', req.tracker));
          app.get('/sync', (req) => {
            some(req as never);
            throw Object.assign(new Error('teapot'), { status: 418 });
          });
          app.get('/async', (req, _res, next) => {
            some(req as never);
            void Promise.reject(Object.assign(new Error('later'), { status: 503 })).catch(next);
          });
          app.get('/late', (req, res) => {
            some(req as never);
            res.writeHead(200, { 'content-type': 'text/html' });
            res.write('half');
            throw new Error('after headers');
          });
          app.use(((error, req, res, next) => {
            some(req as never);
            if (res.headersSent) return next(error);
            res.status((error as { status: number }).status).send((error as Error).message);
          }) as ErrorRequestHandler);
        },
      });
      const [plain, tracked] = [await stage.app(settings(false)), await stage.app(settings(true))];
      const answers = async (url: string): Promise<string[]> =>
        Promise.all(
          ['/sync', '/async', '/late'].map(async (path) => {
            const answer = await fetch(url + path);
            return `${answer.status} ${await answer.text().catch(() => 'cut off')}`;
          }),
        );
      const without = await answers(plain.url);
      const withUs = await answers(tracked.url);
      must('answers are the same', withUs.join() === without.join(), { withUs, without });
      await tracked.run(({ tracker }) => tracker.flush());
      const figures = stage.verdict();
      must('two events for each error, and no page view', figures.received === 6 && collector.count === 6, figures);
      must('none twice', figures.duplicates === 0, figures);
      return { ...figures };
    },
  ),

  scenario(
    36,
    `${framework}: clients that hang up leave no listener and no memory behind, and make no page view`,
    { small: { aborts: 600 }, full: { aborts: 50_000 } },
    async (stage, { aborts }) => {
      const collector = await stage.collector();
      const app = await stage.app({
        framework,
        tracker: { endpoint: collector.url },
        middleware: { pageViews: true, response: true },
        setup: ({ app: routes, track }) => {
          routes.all('/upload', (req, res) => {
            track(1, 'upload', req.tracker);
            req.on('data', () => {}).on('end', () => res.type('html').end('thanks'));
          });
          routes.get('/page', (req, res) => {
            track(1, 'page', req.tracker);
            // Ends with its client only.
            res.type('html').write('x'.repeat(1_000));
          });
          routes.get('/twice', (req, res) => {
            track(1, 'twice', req.tracker);
            res.type('html').end('once');
            res.end();
          });
        },
      });
      const kinds = [
        ['POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nhalf', 0],
        ['GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n', 500],
        ['GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n', 0],
      ] as const;
      const wave = async (count: number): Promise<void> => {
        for (let done = 0; done < count; done += 50)
          await Promise.all(
            Array.from({ length: 50 }, (_, index) => {
              const [text, bytes] = kinds[index % kinds.length] as (typeof kinds)[number];
              return hangUp(app.port, text, bytes);
            }),
          );
        await app.run(({ tracker }) => tracker.flush());
      };
      const count = () =>
        app.run(({ memory, server }) => ({
          ...memory(),
          listeners: process.eventNames().reduce((total, name) => total + process.listenerCount(name), 0),
          onServer: server.listenerCount('close'),
        }));
      await wave(aborts / 2);
      const before = await count();
      await wave(aborts / 2);
      const after = await count();
      const twice = await fetch(`${app.url}/twice`);
      must('a double end is the host its own', (await twice.text()) === 'once', twice.status);
      await until('the page view is there', () => app.run(({ tracker }) => tracker.stats().offered > 0));
      await app.run(({ tracker }) => tracker.flush());
      const pageViews = collector.requests.flatMap(({ events }) => events).filter(({ e }) => e === 'pv').length;
      const figures = { ...stage.verdict(), pageViews, grownKb: Math.round((after.heapUsed - before.heapUsed) / 1024) };
      must('only the answer that went out whole is a page view', pageViews === 1, figures);
      must('no listener is left', after.listeners === before.listeners && after.onServer === before.onServer, {
        before,
        after,
      });
      must('the heap is flat', figures.grownKb < 1_024, figures);
      return figures;
    },
  ),
]);
