// A small shop on Express: the browser tracks in the page, the server in its handlers, and both send to one collector.
// Run it with `npm run demo`. Set PORT for another port, and SNOWPLOW_ENDPOINT for another collector than the embedded one.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { startCollector } from 'snowplow-middleware/collector';
import { snowplow } from 'snowplow-middleware/express';
import { shopPage, TEAS } from './page.mjs';

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

app.get('/', (req, res) => {
  req.tracker.trackPageView({ pageTitle: 'The tea shop' });
  res.send(shopPage(basket, endpoint));
});

app.post('/basket/:sku', (req, res) => {
  const tea = TEAS.find(({ sku }) => sku === req.params.sku);
  if (!tea) return res.status(404).send('No such tea.');
  basket.set(tea.sku, (basket.get(tea.sku) ?? 0) + 1);
  req.tracker.trackStructEvent({
    category: 'shop',
    action: 'add-to-basket',
    label: tea.sku,
    property: 'pcs',
    value: 1,
  });
  res.redirect(303, '/');
});

const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`The shop:      http://127.0.0.1:${server.address().port}/   (open it, add something to the basket)`);
  console.log(`The collector: ${endpoint}/   (watch the events of browser and server arrive)`);
  console.log('Ctrl-C stops both, with everything sent.');
});
