// The types of a Koa app.
import Koa from 'koa';
import { snowplow } from 'snowplow-middleware/koa';

const app = new Koa();
app.use(
  snowplow({ endpoint: 'c.test', skip: (ctx) => ctx.path === '/', pageViews: (_ctx, res) => res.status === 200 }),
);
app.use(async (ctx) => {
  ctx.tracker.trackPageView({ pageTitle: 'Home' }).setSubject(ctx.tracker.subject);
  ctx.body = 'ok';
});
// @ts-expect-error -- no such event
app.use((ctx) => ctx.tracker.trackNothing());
