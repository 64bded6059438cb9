// The route of a request on Koa: as routers store it on the context, with the mount paths of nested apps.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa3, { type Middleware } from 'koa';
import Koa2 from 'koa2';
import { describe, expect, it } from 'vitest';
import { startCollector } from '../../../src/collector';
import { createTracker } from '../../../src/create-tracker';
import { snowplow } from '../../../src/koa';

/** What mounts an app in another: inside, the path is without the prefix. */
const mount =
  (prefix: string, inner: Middleware): Middleware =>
  async (ctx, next) => {
    const { path } = ctx;
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return next();
    ctx['mountPath'] = prefix;
    ctx.path = path.slice(prefix.length) || '/';
    try {
      await inner(ctx, async () => {});
    } finally {
      ctx.path = path;
    }
  };
/** What a router does that has one route. */
const route =
  (pattern: string, test: RegExp, handle: Middleware): Middleware =>
  (ctx, next) => {
    if (!test.test(ctx.path)) return next();
    ctx['_matchedRoute'] = pattern;
    return handle(ctx, next);
  };

describe.each([
  ['Koa 2', Koa2],
  ['Koa 3', Koa3],
])('the route on %s', (_name, Koa) => {
  it.each([
    ['/teas/green', '/teas/:kind'],
    ['/shop/teas/green?size=2', '/shop/teas/:kind'],
    ['/market/shop/teas/green', '/market/shop/teas/:kind'],
    ['/market/shop', '/market/shop/'],
    ['/shop/teas/none', '/shop/teas/:kind'],
    ['/moved', '/teas/:kind'],
    ['/nowhere', undefined],
  ])('of %s is %s, in the handler and after it', async (path, pattern) => {
    const collector = await startCollector();
    const tracker = createTracker({ endpoint: collector.url, logger: false });
    const handle: Middleware = (ctx) => {
      ctx.tracker.trackStructEvent({ category: 'shop', action: 'look' });
      if (ctx.path.endsWith('none')) throw new Error('out of tea');
      ctx.body = 'ok';
    };
    const teas = route('/teas/:kind', /^\/teas\/\w+$/, handle);
    const shop: Middleware = (ctx, next) => teas(ctx, () => route('/', /^\/$/, handle)(ctx, next) as Promise<unknown>);
    const app = new Koa();
    app.silent = true;
    app.use(snowplow({ tracker, response: true, pageViews: () => true }));
    app.use((ctx, next) => {
      if (ctx.path === '/moved') ctx.path = '/teas/green';
      return next();
    });
    app.use(mount('/shop', shop));
    app.use(mount('/market', mount('/shop', shop)));
    app.use(teas);
    const server = createServer(app.callback());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await tracker.flush();
      const events = collector.good();
      expect(events.map(({ payload }) => payload['e'])).toEqual(pattern ? ['se', 'pv'] : ['pv']);
      for (const { contexts } of events)
        expect(contexts.map(({ data }) => (data as { route?: string }).route)).toEqual([pattern]);
    } finally {
      server.closeAllConnections();
      await tracker.close();
      await collector.close();
    }
  });
});
