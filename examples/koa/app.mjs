// Tracks a screen and an event on Koa. Run it with `npm run demo:koa`; you can set PORT and SNOWPLOW_ENDPOINT.
import Koa from 'koa';
import { startCollector } from 'snowplow-middleware/collector';
import { snowplow } from 'snowplow-middleware/koa';

const endpoint = process.env.SNOWPLOW_ENDPOINT ?? (await startCollector()).url;

const app = new Koa();
app.use(snowplow({ endpoint, namespace: 'web', appId: 'tea-shop', shutdown: { signals: ['SIGTERM', 'SIGINT'] } }));

app.use((ctx) => {
  if (ctx.path !== '/') return;
  ctx.tracker.trackScreenView({ name: 'Home' });
  if (ctx.query.tea) ctx.tracker.trackStructEvent({ category: 'shop', action: 'taste', label: ctx.query.tea });
  ctx.body = `<h1>The tea shop</h1><a href="/?tea=assam">Taste Assam</a> · <a href="${endpoint}/">The collector</a>`;
});

const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`The shop:      http://127.0.0.1:${server.address().port}/`);
  console.log(`The collector: ${endpoint}/`);
});
