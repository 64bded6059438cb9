// A small shop on Express: the browser tracks in the page, the server in its handlers, and both send to one collector.
// Run it with `npm run demo`. Set PORT for another port, and SNOWPLOW_ENDPOINT for another collector than the embedded one.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { defineSchema } from 'snowplow-middleware';
import { startCollector } from 'snowplow-middleware/collector';
import * as ecommerce from 'snowplow-middleware/ecommerce';
import { snowplow } from 'snowplow-middleware/express';
import { orderedPage, shopPage, teaPage, TEAS } from './page.mjs';

const collector = process.env.SNOWPLOW_ENDPOINT ? undefined : await startCollector();
const endpoint = process.env.SNOWPLOW_ENDPOINT ?? collector.url;

const app = express();
app.use(
  snowplow({
    endpoint,
    namespace: 'shop-server',
    appId: 'tea-shop',
    shutdown: { signals: ['SIGTERM', 'SIGINT'] },
    ignore: (req) => req.path.startsWith('/assets/'),
  }),
);

// The browser tracker from npm, and the page's own files.
app.get('/assets/sp.js', (_req, res) =>
  res.sendFile(createRequire(import.meta.url).resolve('@snowplow/browser-tracker/dist/index.umd.min.js')),
);
app.use('/assets', express.static(fileURLToPath(new URL('public', import.meta.url))));

// All visitors share one basket, because this demo is about tracking, not about shops.
const basket = new Map();

/** A tea as the e-commerce events have it. */
const product = ({ sku, name, price }, quantity) => ({
  id: sku,
  name,
  category: 'Tea',
  price,
  currency: 'EUR',
  quantity,
});
const ordered = () => TEAS.filter(({ sku }) => basket.has(sku)).map((tea) => product(tea, basket.get(tea.sku)));
const totalOf = (products) => products.reduce((total, { price, quantity }) => total + price * quantity, 0);
let orders = 0;

// The schema is in examples/schemas. In TypeScript, `npx snowplow-middleware types` writes such lines with their types.
const basketEntity = defineSchema('iglu:com.acme/basket/jsonschema/1-0-0');

app.get('/', (req, res) => {
  const entities = [ecommerce.page({ type: 'home' }), basketEntity({ items: basket.size })];
  req.tracker.trackPageView({ pageTitle: 'The tea shop', context: entities });
  req.tracker.track(ecommerce.productListView({ name: 'Teas', products: TEAS.map((tea) => product(tea)) }));
  res.send(shopPage(basket, endpoint));
});

app.get('/tea/:sku', (req, res) => {
  const tea = TEAS.find(({ sku }) => sku === req.params.sku);
  if (!tea) return res.status(404).send('No such tea.');
  req.tracker.trackPageView({ pageTitle: tea.name, context: [ecommerce.page({ type: 'product' })] });
  req.tracker.track(ecommerce.productView(product(tea)));
  res.send(teaPage(tea, basket, endpoint));
});

app.post('/basket/:sku', (req, res) => {
  const tea = TEAS.find(({ sku }) => sku === req.params.sku);
  if (!tea) return res.status(404).send('No such tea.');
  basket.set(tea.sku, (basket.get(tea.sku) ?? 0) + 1);
  req.tracker.track(
    ecommerce.addToCart({ products: [product(tea, 1)], totalValue: totalOf(ordered()), currency: 'EUR' }),
  );
  res.redirect(303, '/');
});

app.post('/order', (req, res) => {
  const products = ordered();
  if (products.length === 0) return res.redirect(303, '/');
  basket.clear();
  const transactionId = `T-${++orders}`;
  // The server knows that the order is complete, whatever becomes of the page.
  req.tracker.track(
    ecommerce.transaction({
      transactionId,
      revenue: totalOf(products),
      currency: 'EUR',
      paymentMethod: 'invoice',
      products,
    }),
  );
  res.send(orderedPage(transactionId, endpoint));
});

const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`The shop:      http://127.0.0.1:${server.address().port}/   (open it, add something to the basket)`);
  console.log(`The collector: ${endpoint}/   (watch the events of browser and server arrive)`);
  console.log('Ctrl-C stops both, with everything sent.');
});
