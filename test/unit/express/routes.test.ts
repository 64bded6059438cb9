// The route of a request on Express: its whole pattern at any time, even after routers have passed the request on.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express5, { type ErrorRequestHandler, type NextFunction, type Request, type Response } from 'express';
import express4 from 'express4';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { createTracker } from '../../../src/create-tracker';
import type { Tracker } from '../../../src/core/tracker/tracker';
import { snowplow } from '../../../src/express';

const look = (req: Request, label: string): unknown =>
  req.tracker.trackStructEvent({ category: 'shop', action: 'look', label });
/** Tracks, and hands the error on. */
const watching =
  (label: string): ErrorRequestHandler =>
  (error, req, _res, next) => {
    look(req, label);
    next(error);
  };
const fail = (_req: Request, _res: Response, next: NextFunction): void => next(new Error('out of tea'));

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('the route on %s', (_name, express) => {
  let collector: Collector;
  let tracker: Tracker;
  let server: Server;
  let url: string;

  beforeEach(async () => {
    collector = await startCollector();
    tracker = createTracker({ endpoint: collector.url, logger: false });
    const teas = express.Router({ mergeParams: true });
    teas.get('/late/:kind', (req, res) => {
      res.on('close', () => look(req, 'after the answer'));
      res.send('ok');
    });
    teas.get('/thrown/:kind', () => {
      throw new Error('out of tea');
    });
    teas.get('/failed/:kind', fail);
    teas.get('/passed/:kind', (_req, _res, next) => next());
    teas.get('/:kind', (req, res) => {
      look(req, 'in the handler');
      res.send('ok');
    });
    teas.use(watching('in its router'));
    const shop = express.Router();
    shop.use('/teas', teas);
    shop.use(watching('in the outer router'));
    const inner = express();
    inner.get('/failed/:kind', fail);
    const app = express();
    app.use(snowplow({ tracker, response: true, pageViews: () => true }));
    app.use('/shop', shop);
    app.use('/inner', inner);
    app.get('/own/:kind', fail);
    app.use((req, res, next) => {
      if (req.path.startsWith('/nowhere') || req.path.includes('/passed/')) return void res.status(404).send('none');
      next();
    });
    app.use(watching('in the app'));
    app.use(((_error, _req, res, _next) => void res.status(500).send('sorry')) as ErrorRequestHandler);
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await tracker.close();
    await collector.close();
  });

  it.each([
    ['/shop/teas/green', '/shop/teas/:kind', ['in the handler']],
    ['/shop/teas/late/green', '/shop/teas/late/:kind', ['after the answer']],
    ['/shop/teas/thrown/green', '/shop/teas/thrown/:kind', ['in its router', 'in the outer router', 'in the app']],
    ['/shop/teas/failed/green', '/shop/teas/failed/:kind', ['in its router', 'in the outer router', 'in the app']],
    ['/shop/teas/passed/green', '/shop/teas/passed/:kind', []],
    ['/inner/failed/green', '/inner/failed/:kind', ['in the app']],
    ['/own/green', '/own/:kind', ['in the app']],
    ['/nowhere', undefined, []],
  ])('of %s is %s', async (path, route, labels) => {
    await fetch(url + path);
    // The page view of the answer's end beside them.
    const expected = [...labels, undefined].toSorted();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await tracker.flush();
    const events = collector.good();
    expect(events.map(({ payload }) => payload['se_la']).toSorted()).toEqual(expected);
    for (const { contexts, payload } of events)
      expect(
        contexts.map(({ data }) => (data as { route?: string }).route),
        payload['se_la'],
      ).toEqual([route]);
  });
});
