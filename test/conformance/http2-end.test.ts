// How responses end over HTTP/2, where Node emits `finish` for every ended stream, delivered or not.
import fastify from 'fastify';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants, createServer, type Http2Server } from 'node:http2';
import { PassThrough } from 'node:stream';
import Koa from 'koa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../src/collector';
import { currentTracker } from '../../src/core/tracker/scope';
import type { Tracker } from '../../src/core/tracker/tracker';
import { createTracker } from '../../src/create-tracker';
import { snowplow as forFastify } from '../../src/fastify';
import { snowplow as forKoa } from '../../src/koa';

interface Ended {
  /** Resolves when the answer is over, with whether the tracker of the scope was there when it began. */
  readonly over: Promise<boolean>;
}

// Each answers `/whole` at once, `/half` never to its end, and `/large` with more than goes out at once.
const bodyOf = (path: string): string | PassThrough => {
  if (path === '/whole') return '<h1>Tea</h1>';
  if (path === '/large') return 'x'.repeat(20_000_000);
  const body = new PassThrough();
  body.write('half');
  return body;
};

const APPS: [string, (tracker: Tracker, ended: (scoped: boolean) => void) => Promise<Http2Server>][] = [
  [
    'Koa',
    async (tracker, ended) => {
      const app = new Koa();
      app.silent = true;
      app.use(forKoa({ tracker, pageViews: true }));
      app.use((ctx) => {
        const scoped = currentTracker() === ctx.tracker;
        ctx.res.on('close', () => ended(scoped));
        ctx.type = 'html';
        ctx.body = bodyOf(ctx.path);
      });
      return createServer((req, res) => void app.callback()(req as never, res as never));
    },
  ],
  [
    'Fastify',
    async (tracker, ended) => {
      const app = fastify({ http2: true });
      await app.register(forFastify, { tracker, pageViews: true });
      app.get('/:kind', async (request, reply) => {
        const scoped = currentTracker() === request.tracker;
        reply.raw.on('close', () => ended(scoped));
        return reply.type('text/html').send(bodyOf(request.url));
      });
      await app.ready();
      return app.server as unknown as Http2Server;
    },
  ],
];

describe.each(APPS)('over HTTP/2, %s', (_name, makeServer) => {
  let collector: Collector;
  let tracker: Tracker;
  let server: Http2Server;
  let client: ClientHttp2Session;
  let ended: Ended;
  beforeEach(async () => {
    collector = await startCollector();
    tracker = createTracker({ endpoint: collector.url, namespace: 'web', logger: false });
    let end: (scoped: boolean) => void = () => {};
    ended = { over: new Promise((resolve) => (end = resolve)) };
    server = await makeServer(tracker, end);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = connect(`http://127.0.0.1:${(server.address() as { port: number }).port}`).on('error', () => {});
  });
  afterEach(async () => {
    client.destroy();
    server.close();
    await tracker.close();
    await collector.close();
  });

  it('tracks a page that was sent completely', async () => {
    await once(client.request({ ':path': '/whole' }).resume(), 'end');
    expect(await ended.over).toBe(true);
    await tracker.flush();
    expect(collector.good().map(({ payload: { e } }) => e)).toEqual(['pv']);
  });

  it.each(['/half', '/large'])('tracks no page that its visitor left in the middle: %s', async (path) => {
    const stream = client.request({ ':path': path }).on('error', () => {});
    await once(stream, 'response');
    stream.close(constants.NGHTTP2_CANCEL);
    expect(await ended.over).toBe(true);
    await tracker.flush();
    expect(collector.good()).toEqual([]);
  });

  it('tracks no page whose connection broke', async () => {
    await once(
      client.request({ ':path': '/large' }).on('error', () => {}),
      'response',
    );
    client.destroy();
    expect(await ended.over).toBe(true);
    await tracker.flush();
    expect(collector.good()).toEqual([]);
  });
});
