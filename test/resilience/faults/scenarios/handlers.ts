// Handlers that fail and clients that go away: the app's own behaviour stays what it is without us.
import { connect } from 'node:net';
import { type AppSettings, FRAMEWORKS } from '../harness/app';
import type { Inside } from '../harness/inside';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';
import { goTo } from '../../../support/go-to';

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

/** What a visitor gets to see; an answer that nobody ends is cut off after a while. */
async function answerOf(url: string): Promise<string> {
  const { status, body = 'cut off' } = await goTo(url, {}, 5_000);
  return `${status} ${body}`;
}

/** Handlers that fail in three ways; `handled` says whether the app has an error handler of its own. */
const failing = (inside: Inside, { handled, mounted }: { handled: boolean; mounted: boolean }): void => {
  const { route, track } = inside;
  type Call = Parameters<Parameters<typeof route>[1]>[0];
  inside.options.pageViews = true;
  const some = ({ tracker }: Call): void => void (mounted && track(1, 'x', tracker));
  route('/sync', (call) => {
    some(call);
    throw Object.assign(new Error('teapot'), { status: 418 });
  });
  route('/async', async (call) => {
    some(call);
    await Promise.resolve();
    throw Object.assign(new Error('later'), { status: 503 });
  });
  route('/late', async (call) => {
    some(call);
    const res = call.raw().setHeader('content-type', 'text/html');
    await new Promise((resolve) => res.write('half', resolve));
    throw new Error('after headers');
  });
  if (!handled) return;
  inside.onError = (error, call) => {
    some(call);
    if (call.res.headersSent) call.res.destroy();
    else call.send(error.message, 'text/plain', (error as Error & { status: number }).status);
  };
};

/** Handlers whose visitors leave: in the middle of an upload, and of an answer that ends with its visitor only. */
const abandoned = ({ route, track }: Inside): void => {
  route('/upload', async ({ tracker, req, send }) => {
    track(1, 'upload', tracker);
    await new Promise((resolve) => req.on('data', () => {}).on('end', resolve));
    send('thanks', 'text/html');
  });
  route('/page', ({ tracker, raw }) => {
    track(1, 'page', tracker);
    raw().setHeader('content-type', 'text/html').write('x'.repeat(1_000));
  });
  route('/twice', ({ tracker, raw }) => {
    track(1, 'twice', tracker);
    const res = raw().setHeader('content-type', 'text/html');
    res.end('once');
    res.end();
  });
};
const DEPARTURES = [
  ['POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf', 0],
  ['GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n', 500],
  ['GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n', 0],
] as const;

export const handlers: Scenario[] = FRAMEWORKS.flatMap((framework) => [
  ...[true, false].map((handled) =>
    scenario(
      35,
      `${framework}: what becomes of an error is for ${handled ? 'the error handler' : 'the framework'} to say, and its events are sent once`,
      { small: {}, full: {} },
      async (stage) => {
        const collector = await stage.collector();
        const views = (): number =>
          collector.requests.flatMap(({ events }) => events).filter(({ e }) => e === 'pv').length;
        // Nest ends in good order what a handler has begun and left: to the visitor that is a page.
        const pages = (all: readonly string[]): number => all.filter((answer) => answer === '200 half').length;
        const answers = async (mounted: boolean): Promise<string[]> => {
          const settings: AppSettings = {
            framework,
            unmounted: !mounted,
            tracker: { endpoint: collector.url },
            args: { handled, mounted },
            setup: failing,
          };
          const app = await stage.app(settings);
          const all = await Promise.all(['/sync', '/async', '/late'].map((path) => answerOf(app.url + path)));
          await until('its page is there', async () => {
            await app.run(({ tracker }) => tracker.flush());
            return !mounted || views() >= pages(all);
          });
          return all;
        };
        const [withUs, without] = (await Promise.all([answers(true), answers(false)])) as [string[], string[]];
        must('answers are the same', withUs.join() === without.join(), { withUs, without });
        const figures = { ...stage.verdict(), answers: withUs.join() };
        must('an event for each call of a handler', figures.accepted >= (handled ? 5 : 3), figures);
        must('none twice', figures.duplicates === 0, figures);
        must('only a page that went out whole is one', views() === pages(withUs), { views: views(), figures });
        return figures;
      },
    ),
  ),

  scenario(
    36,
    `${framework}: clients that hang up leave no listener and no memory behind, and make no page view`,
    { small: { aborts: 600 }, full: { aborts: 20_000 }, seconds: 50 },
    async (stage, { aborts }) => {
      const collector = await stage.collector();
      const app = await stage.app({
        framework,
        tracker: { endpoint: collector.url },
        middleware: { pageViews: true, response: true },
        setup: abandoned,
      });
      const wave = async (count: number): Promise<void> => {
        for (let done = 0; done < count; done += 50)
          await Promise.all(
            Array.from({ length: 50 }, (_, index) => {
              const [text, bytes] = DEPARTURES[index % DEPARTURES.length] as (typeof DEPARTURES)[number];
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
      const pageViews = (): number =>
        collector.requests.flatMap(({ events }) => events).filter(({ e }) => e === 'pv').length;
      await wave(aborts / 2);
      const before = await count();
      await wave(aborts / 2);
      const after = await count();
      must('a double end is the host its own', (await answerOf(`${app.url}/twice`)) === '200 once', app.output);
      await until('the page view is there', async () => {
        await app.run(({ tracker }) => tracker.flush());
        return pageViews() > 0;
      });
      const grownKb = Math.round((after.heapUsed - before.heapUsed) / 1024);
      const figures = { ...stage.verdict(), pageViews: pageViews(), grownKb };
      must('only the answer that went out whole is a page view', figures.pageViews === 1, figures);
      must('no listener is left', after.listeners === before.listeners && after.onServer === before.onServer, {
        before,
        after,
      });
      must('the heap is flat', grownKb < 1_024, figures);
      return figures;
    },
  ),
]);
