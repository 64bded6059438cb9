// The Koa application that is measured.
import Koa from 'koa';
import { PAGE_SCHEMA, product } from '../sample.mjs';
import { officialTracker, trackPage } from './official.mjs';
import { readFields } from './variants.mjs';

/** Starts the application; calls `listening(port)`. */
export async function serve(variant, collector, listening) {
  const app = new Koa();
  let handle = async (ctx) => {
    ctx.body = 'tea';
  };
  if (variant === 'no-op')
    app.use((ctx, next) => {
      readFields(ctx);
      return next();
    });
  else if (variant === 'idle' || variant === 'tracks') {
    const { snowplow } = await import('../../dist/koa/index.js');
    app.use(snowplow({ endpoint: collector, namespace: 'bench', appId: 'shop', logger: false }));
  }
  if (variant === 'tracks')
    handle = async (ctx) => {
      ctx.tracker.trackPageView({ pageTitle: 'Tea', context: [{ schema: PAGE_SCHEMA, data: product(7) }] });
      ctx.body = 'tea';
    };
  else if (variant === 'official') {
    const tracker = officialTracker(collector);
    handle = async (ctx) => {
      trackPage(tracker, { ip: ctx.ip, url: ctx.href, headers: ctx.headers });
      ctx.body = 'tea';
    };
  }
  app.use(handle);
  const server = app.listen(0, '127.0.0.1', () => listening(server.address().port));
}
