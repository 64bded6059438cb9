// What a request keeps alive: an interval that it started goes on, but the request is released.
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Collector, startCollector } from '../../src/collector';
import { Child } from '../support/child';
import { nestProgram } from '../support/nest-program';

// In the app's process: notes the request weakly, and starts an interval that tracks for its visitor for ever.
const NOTE = `
  globalThis.note = (request, tracker) => {
    const weak = new WeakRef(request);
    setInterval(() => tracker.trackStructEvent({ category: 'interval', action: 'tick' }), 20);
    setInterval(() => {
      globalThis.gc();
      if (weak.deref() === undefined) console.log('the request is gone');
    }, 50);
  };
`;
const LISTEN = "console.log('listening on ' + server.address().port)";

const APPS: Record<string, (endpoint: string) => string> = {
  'Express 5': (endpoint) => `
    const app = require('express')();
    app.use(require('snowplow-middleware/express').snowplow({ endpoint: '${endpoint}', subject: (req, subject) => subject.setUserId(req.path) }));
    app.get('/keep', (req, res) => { note(req, require('snowplow-middleware').currentTracker()); res.send('ok'); });
    const server = app.listen(0, '127.0.0.1', () => ${LISTEN});`,
  'Koa 3': (endpoint) => `
    const app = new (require('koa').default ?? require('koa'))();
    app.use(require('snowplow-middleware/koa').snowplow({ endpoint: '${endpoint}', subject: (ctx, subject) => subject.setUserId(ctx.path) }));
    app.use((ctx) => { note(ctx, ctx.tracker); ctx.body = 'ok'; });
    const server = app.listen(0, '127.0.0.1', () => ${LISTEN});`,
  'Fastify 5': (endpoint) => `
    const app = require('fastify')();
    const { server } = app;
    app.register(require('snowplow-middleware/fastify').snowplow, { endpoint: '${endpoint}', subject: (request, subject) => subject.setUserId(request.url) });
    app.get('/keep', async (request) => { note(request, request.tracker); return 'ok'; });
    app.listen({ port: 0, host: '127.0.0.1' }, () => ${LISTEN});`,
  'Nest 11 on Express': (endpoint) => nestProgram(endpoint, 'new ExpressAdapter()', '', KEEP),
  'Nest 11 on Fastify': (endpoint) => nestProgram(endpoint, 'new FastifyAdapter()', '', KEEP),
};
const KEEP = "keep(request) { note(request, request.tracker); return 'ok'; }";

describe('a request that has ended', () => {
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.close());

  it.each(Object.keys(APPS))(
    'is let go by %s, while an interval that it started still tracks for its visitor',
    async (name) => {
      const child = new Child(process.execPath, ['--expose-gc', '-e', NOTE + APPS[name]?.(collector.url)]);
      try {
        const [, port] = await child.printed(/listening on (\d+)/);
        await fetch(`http://127.0.0.1:${port}/keep`, { headers: { 'user-agent': name } });
        await child.printed(/the request is gone/);
        await collector.waitFor({ se_ac: 'tick', ua: name, url: /\/keep$/ }, 10, 60_000);
      } finally {
        await child.stop();
      }
    },
  );
});
