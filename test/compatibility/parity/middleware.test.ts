// The rows that the Python tracker leaves to its users: what the middleware does with a request, here on Express.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import { afterEach, expect, it } from 'vitest';
import { currentTracker, RequestTracker, Tracker } from 'snowplow-middleware';
import { type ExpressOptions, snowplow } from 'snowplow-middleware/express';
import { useShop } from '../../support/shop';

const shop = useShop();
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** An app with the middleware and one handler; its address. */
async function serve(handler: RequestHandler, options: object = {}): Promise<string> {
  const app = express();
  app.use(snowplow({ endpoint: shop.collector.url, namespace: 'web', appId: 'shop', ...options } as ExpressOptions));
  app.use(handler);
  const server = createServer(app);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const DUID = '6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11';

it('row 35: each request has a subject of its own: address, user agent and the _sp_id cookie’s domain user id', async () => {
  const url = await serve((req, res) => {
    req.tracker.trackPageView();
    res.send('ok');
  });
  const cookie = `_sp_id.1fff=${DUID}.1700000000.3.1700000100..b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22`;
  await fetch(`${url}/tea`, { headers: { cookie, 'user-agent': 'Samovar/1.0' } });
  await fetch(`${url}/milk`, { headers: { 'user-agent': 'Jug/2.0' } });
  await closing();
  const [tea, milk] = await shop.collector.waitFor({ e: 'pv' }, 2);
  expect(tea?.payload).toMatchObject({ ip: '127.0.0.1', ua: 'Samovar/1.0', duid: DUID, url: `${url}/tea` });
  expect(milk?.payload).toMatchObject({ ip: '127.0.0.1', ua: 'Jug/2.0', url: `${url}/milk` });
  expect(milk?.payload).not.toHaveProperty('duid');
});

it('row 36: the request’s tracker is on the request, and wherever its work goes, and can close nothing', async () => {
  const seen: unknown[] = [];
  const url = await serve((req, res) => {
    seen.push(req.tracker, currentTracker());
    setImmediate(() => {
      seen.push(currentTracker());
      res.send('ok');
    });
  });
  await fetch(url);
  expect(new Set(seen).size).toBe(1);
  expect(seen[0]).toBeInstanceOf(RequestTracker);
  expect(seen[0]).not.toHaveProperty('close');
  expect(currentTracker()).toBeUndefined();
});

it('row 37: all requests share one emitter, whose batches hold events of many visitors', async () => {
  const url = await serve((req, res) => {
    req.tracker.trackScreenView({ name: 'Home' });
    res.send('ok');
  });
  await Promise.all(Array.from({ length: 10 }, () => fetch(url)));
  await shop.collector.waitFor({ e: 'ue' }, 10);
  expect(shop.collector.requests().length).toBeLessThan(10);
});

it('row 38: what waits is sent when the app’s server closes, long before the flush timer', async () => {
  const url = await serve(
    (req, res) => {
      req.tracker.trackScreenView({ name: 'Home' });
      res.send('ok');
    },
    { emitter: { flushIntervalMs: 600_000 } },
  );
  await fetch(url);
  expect(shop.collector.good()).toEqual([]);
  await closing();
  await shop.collector.waitFor({ e: 'ue' });
});

it('row 38: a tracker that is shared is flushed with the server and stays open for its owner', async () => {
  const tracker = shop.tracker({ namespace: 'shared' }, { flushIntervalMs: 0 });
  const app = express();
  app.use(snowplow({ tracker }));
  app.use((req, res) => res.send(String(req.tracker.trackScreenView({ name: 'Home' }) instanceof RequestTracker)));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers: { connection: 'close' } });
  await new Promise((resolve) => server.close(resolve));
  await shop.collector.waitFor({ e: 'ue' });
  expect(tracker).toBeInstanceOf(Tracker);
  expect(tracker.health().status).toBe('up');
});

/** Closes the apps of this test, as a deployment would. */
async function closing(): Promise<void> {
  for (const server of servers.splice(0)) {
    server.closeIdleConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
