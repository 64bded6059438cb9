// closeOnShutdown over HTTP/2: an idle session would keep its server open for as long as the client likes.
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { Child } from '../../support/child';

// So long that a test that waits for it fails.
const SHUTDOWN = "{ signals: ['SIGTERM'], timeoutMs: 600_000 }";
const ANSWER = `(ctx) => {
  ctx.tracker.trackStructEvent({ category: 'shop', action: ctx.path });
  if (ctx.path === '/slow') return new Promise((resolve) => process.once('SIGUSR2', () => resolve(ctx.body = 'late')));
  ctx.body = 'ok';
}`;
const LISTEN = "server.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port));";
const KOA =
  "const app = new (require('koa').default ?? require('koa'))(); const { createServer } = require('node:http2');";

/** The ways in which an app says what ends with it. */
const APPS: [string, (endpoint: string) => string][] = [
  [
    'the middleware of Koa',
    (endpoint) => `${KOA}
      app.use(require('snowplow-middleware/koa').snowplow({ endpoint: '${endpoint}', shutdown: ${SHUTDOWN} })).use(${ANSWER});
      const server = createServer(app.callback()); ${LISTEN}`,
  ],
  [
    'closeOnShutdown with a server',
    (endpoint) => `${KOA}
      const { closeOnShutdown, createTracker } = require('snowplow-middleware');
      const tracker = createTracker({ endpoint: '${endpoint}' });
      app.use(require('snowplow-middleware/koa').snowplow({ tracker })).use(${ANSWER});
      const server = createServer(app.callback()); closeOnShutdown({ server, tracker, ...${SHUTDOWN} }); ${LISTEN}`,
  ],
  [
    'the plugin of Fastify',
    (endpoint) => `const app = require('fastify')({ http2: true }); const { server } = app;
      app.register(require('snowplow-middleware/fastify').snowplow, { endpoint: '${endpoint}', shutdown: ${SHUTDOWN} });
      app.get('/*', async (request) => {
        const ctx = { tracker: request.tracker, path: request.url };
        await (${ANSWER})(ctx);
        return ctx.body;
      });
      app.listen({ port: 0, host: '127.0.0.1' }, () => console.log('listening on ' + server.address().port));`,
  ],
];

describe.each(APPS)('%s, told to stop', (_name, source) => {
  let collector: Collector;
  let child: Child;
  let idle: ClientHttp2Session;
  let busy: ClientHttp2Session;
  beforeEach(async () => {
    collector = await startCollector();
    child = Child.program(source(collector.url));
    const [, port] = await child.printed(/listening on (\d+)/, 30_000);
    const open = (): ClientHttp2Session => connect(`http://127.0.0.1:${port}`).on('error', () => {});
    [idle, busy] = [open(), open()];
    await once(idle, 'connect');
  });
  afterEach(async () => {
    idle.destroy();
    busy.destroy();
    await child.stop();
    await collector.close();
  });

  it('closes sessions, those that have never asked too, and lets a stream in flight end', async () => {
    await once(busy.request({ ':path': '/first' }).resume(), 'end');
    const slow = busy.request({ ':path': '/slow' });
    let text = '';
    slow.setEncoding('utf8').on('data', (part: string) => (text += part));
    const answered = once(slow, 'end');
    const first = await collector.waitFor({ se_ac: '/first' }, 1, 30_000);
    expect(first).toBeDefined();
    const gone = once(idle, 'close');
    child.kill('SIGTERM');
    await gone;
    // It waits for that stream, and for nothing else.
    child.kill('SIGUSR2');
    await answered;
    expect(text).toBe('late');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(collector.good().map(({ payload }) => payload['se_ac'])).toEqual(['/first', '/slow']);
  });
});
