// The official trackers against the collector: their events are good, so its rules are not stricter than the pipeline's.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSelfDescribingEvent, buildPageView, buildStructEvent, newTracker } from '@snowplow/node-tracker';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { launchBrowser } from '../../support/browser';

let collector: Collector;
let browser: Browser;
let site: Server;
beforeAll(async () => {
  [collector, browser] = await Promise.all([startCollector(), launchBrowser()]);
  const script = readFileSync(require.resolve('@snowplow/browser-tracker').replace(/index\..*$/, 'index.umd.js'));
  site = createServer((request, response) => {
    if (request.url === '/tracker.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    else
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><title>Shop</title><script src="/tracker.js"></script>');
  });
  await new Promise<void>((resolve) => {
    site.listen(0, '127.0.0.1', resolve);
  });
});
beforeEach(() => collector.reset());
afterAll(async () => {
  await browser.close();
  await collector.close();
  site.closeAllConnections();
  site.close();
});

it.each(['post', 'get'] as const)("judges the Node tracker's events good, by %s", async (eventMethod) => {
  const tracker = newTracker(
    { namespace: 'n', appId: 'shop' },
    { endpoint: collector.url, eventMethod, bufferSize: 1 },
  );
  tracker.track(buildPageView({ pageUrl: 'https://shop.example/', pageTitle: 'Shop' }));
  tracker.track(buildStructEvent({ category: 'shop', action: 'add', value: 2 }));
  tracker.track(
    buildSelfDescribingEvent({ event: { schema: 'iglu:com.acme/buy/jsonschema/1-0-0', data: { name: 'Käse 🧀' } } }),
    [{ schema: 'iglu:com.acme/user/jsonschema/1-0-0', data: { plan: 'gold' } }],
  );
  await collector.waitFor({ aid: 'shop' }, 3);
  collector.assertAllGood();
  await collector.waitFor({ data: { name: 'Käse 🧀' }, contexts: [{ data: { plan: 'gold' } }] });
  // A server's tracker that knows no visitor: just what goes wrong in silence.
  const rules = collector.good().map(({ warnings }) => warnings.map(({ rule }) => rule));
  for (const found of rules) expect(found).toEqual(['no-address', 'no-user-agent', 'no-network-id']);
});

it.each(['post', 'get'])(
  "judges the browser tracker's events good, from another origin, by %s",
  async (eventMethod) => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    await page.evaluate(
      ([endpoint, method]) => {
        type Api = Record<string, (...args: unknown[]) => void>;
        const { snowplowBrowserTracking: snowplow } = globalThis as unknown as { snowplowBrowserTracking: Api };
        snowplow['newTracker']!('sp', endpoint, { appId: 'web', eventMethod: method });
        snowplow['trackPageView']!();
        snowplow['trackSelfDescribingEvent']!({
          event: { schema: 'iglu:com.acme/buy/jsonschema/1-0-0', data: { n: 1 } },
        });
      },
      [collector.url, eventMethod] as const,
    );
    const [view] = await collector.waitFor({ aid: 'web' }, 2);
    collector.assertAllGood();
    expect(collector.good().flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(view).toMatchObject({ event: 'page_view', payload: { p: 'web', page: 'Shop' } });
    await page.close();
  },
);
