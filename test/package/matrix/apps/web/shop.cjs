// One small shop on Express, Koa or Fastify, and what must hold of it there. Plain JavaScript, so that no compiler stands between.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createServer, get: request } = require('node:http');

const VISITORS = 20;
const DUID = '6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11';

/** Each framework's way to mount the middleware and two routes; `answer` is given the request's tracker. */
const SERVERS = {
  express(express, snowplow, options, answer) {
    const app = express();
    app.use(snowplow(options));
    app.get('/tea/:sku', (req, res, next) => answer(req.tracker).then((page) => res.send(page), next));
    app.get('/broken', (req) => {
      req.tracker.trackStructEvent({ category: 'shop', action: 'break' });
      throw new Error('broken');
    });
    app.use((_error, _req, res, _next) => res.status(500).send('sorry'));
    return createServer(app);
  },
  koa(Koa, snowplow, options, answer) {
    const app = new Koa();
    app.silent = true;
    app.use(snowplow(options));
    app.use(async (ctx) => {
      if (ctx.path === '/broken') {
        ctx.tracker.trackStructEvent({ category: 'shop', action: 'break' });
        throw new Error('broken');
      }
      ctx.type = 'html';
      ctx.body = await answer(ctx.tracker);
    });
    return createServer(app.callback());
  },
  async fastify(fastify, snowplow, options, answer) {
    const app = fastify();
    await app.register(snowplow, options);
    app.get('/tea/:sku', async (request, reply) => reply.type('text/html').send(await answer(request.tracker)));
    app.get('/broken', async (request) => {
      request.tracker.trackStructEvent({ category: 'shop', action: 'break' });
      throw new Error('broken');
    });
    await app.ready();
    return app.server;
  },
};

/** The route's pattern, where the framework knows routes. */
const ROUTES = { express: '/tea/:sku', fastify: '/tea/:sku' };

/** Visits the shop as many visitors at once, ends it by a signal: everything must have arrived, once, with its visitor. */
exports.checkShop = async (name, framework, snowplow, currentTracker, startCollector) => {
  const collector = await startCollector();
  const server = await SERVERS[name](
    framework,
    snowplow,
    {
      endpoint: collector.url,
      namespace: 'web',
      appId: 'shop',
      pageViews: true,
      response: true,
      subject: (req, subject) => subject.setUserId(req.headers['x-user']),
      shutdown: { signals: ['SIGTERM'] },
      emitter: { batchSize: 1_000, flushIntervalMs: 0 },
    },
    async (tracker) => {
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(currentTracker(), tracker);
      currentTracker().trackStructEvent({ category: 'stock', action: 'reserve' });
      return '<h1>Tea</h1>';
    },
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  // fetch() says of itself that it is a script: what it asks for is no page view.
  const get = async (path, user) => {
    const cookie = `_sp_id.1fff=${DUID}.1.1.1.1.`;
    const headers = { 'user-agent': 'matrix', 'x-user': user, cookie, accept: 'text/html' };
    const [response] = await once(request(url + path, { headers }), 'response');
    await once(response.resume(), 'end');
    return response.statusCode;
  };
  const users = Array.from({ length: VISITORS }, (_, n) => `u-${n}`);
  const statuses = await Promise.all(users.map((user) => get(`/tea/assam?user=${user}`, user)));
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.equal(await get('/broken', 'u-broken'), 500);

  // With a listener of the app's own the signal is not raised again.
  process.on('SIGTERM', () => {});
  process.kill(process.pid, 'SIGTERM');
  await once(server, 'close');
  await collector.waitFor(() => true, 2 * VISITORS + 1);
  collector.assertAllGood();
  const good = collector.good();
  for (const { payload } of good) {
    assert.deepEqual([payload.ua, payload.ip, payload.duid], ['matrix', '127.0.0.1', DUID]);
    assert.ok(payload.url.endsWith(payload.uid === 'u-broken' ? '/broken' : `user=${payload.uid}`), payload.url);
  }
  const names = good.map(({ event, payload }) => `${payload.uid} ${payload.se_ac ?? event}`).toSorted();
  const expected = users.flatMap((user) => [`${user} page_view`, `${user} reserve`]);
  assert.deepEqual(names, [...expected, 'u-broken break'].toSorted());
  const view = good.find(({ event }) => event === 'page_view');
  const route = ROUTES[name] === undefined ? {} : { route: ROUTES[name] };
  assert.deepEqual(view.contexts.map(({ data }) => data), [{ method: 'GET', ...route, status: 200 }]); // prettier-ignore
  await collector.close();
};
