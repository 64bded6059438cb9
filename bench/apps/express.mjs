// The Express application that is measured.
import express from 'express';
import { snowplow } from '../../dist/express/index.js';
import { PAGE_SCHEMA, product } from '../sample.mjs';
import { officialTracker, trackPage } from './official.mjs';
import { readFields } from './variants.mjs';

/** Starts the application; calls `listening(port)`. */
export function serve(variant, collector, listening) {
  const app = express();
  let handle = (req, res) => res.send('tea');
  if (variant === 'no-op')
    app.use((req, _res, next) => {
      readFields(req);
      next();
    });
  else if (variant === 'idle' || variant === 'tracks')
    app.use(snowplow({ endpoint: collector, namespace: 'bench', appId: 'shop', logger: false }));
  if (variant === 'tracks')
    handle = (req, res) => {
      req.tracker.trackPageView({ pageTitle: 'Tea', context: [{ schema: PAGE_SCHEMA, data: product(7) }] });
      res.send('tea');
    };
  else if (variant === 'official') {
    const tracker = officialTracker(collector);
    handle = (req, res) => {
      const url = `${req.protocol}://${req.get('host')}${req.originalUrl}`;
      trackPage(tracker, { ip: req.ip, url, headers: req.headers });
      res.send('tea');
    };
  }
  app.get('/tea', handle);
  const server = app.listen(0, '127.0.0.1', () => listening(server.address().port));
}
