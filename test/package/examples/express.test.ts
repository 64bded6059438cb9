// The Express example from the view of a visitor and an operator: a real browser, real signals, a real collector.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CollectedEvent, type Collector, startCollector } from '../../../src/collector';
import { launchBrowser } from '../../support/browser';
import { Child } from '../../support/child';
import { goTo } from '../../support/go-to';

const ACTION = 'iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2';

describe('the Express shop', () => {
  let browser: Browser;
  let collector: Collector;
  let shop: Child;
  let url: string;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    collector = await startCollector();
    shop = new Child(process.execPath, ['examples/express/shop.mjs'], { SNOWPLOW_ENDPOINT: collector.url });
    url = (await shop.printed(/The shop:\s+(\S+\/)/))[1] as string;
  });
  afterEach(async () => {
    await shop.stop();
    await collector.close();
  });
  const action = (type: string, count = 1): Promise<CollectedEvent[]> =>
    collector.waitFor({ schema: ACTION, data: { type } }, count, 30_000);
  const entities = (event: CollectedEvent | undefined): unknown[] => (event?.contexts ?? []).map(({ data }) => data);

  it("shows the browser's page view and the server's events under one domain user id, up to the paid order", async () => {
    const page = await browser.newPage();
    await page.goto(url);
    const [fromBrowser] = await collector.waitFor({ e: 'pv', tna: 'shop-browser' });
    await page.click('button[data-sku="SENCHA-100"]');
    const [fromServer] = await action('add_to_cart');
    const agent = await page.evaluate('navigator.userAgent');
    await page.click('a[href="/tea/ASSAM-250"]');
    const [viewed] = await action('product_view');
    await page.click('button[data-sku="ASSAM-250"]');
    await action('add_to_cart', 2);
    await page.click('#order');
    const [paid] = await action('transaction');
    expect(await page.textContent('main')).toContain('on its way');
    await page.close();

    expect(entities(viewed)).toMatchObject([{ id: 'ASSAM-250', price: 11, currency: 'EUR' }]);
    expect(entities(paid)).toMatchObject([
      { id: 'SENCHA-100', quantity: 1 },
      { id: 'ASSAM-250', quantity: 1 },
      { transaction_id: 'T-1', revenue: 25.5, total_quantity: 2, payment_method: 'invoice' },
    ]);
    expect(entities(fromServer)).toMatchObject([{ id: 'SENCHA-100', quantity: 1 }, { total_value: 14.5 }]);
    for (const event of [viewed, paid]) expect(event?.payload['duid']).toBe(fromBrowser?.payload['duid']);
    expect(fromServer?.payload).toMatchObject({
      duid: fromBrowser?.payload['duid'],
      sid: fromBrowser?.payload['sid'],
      ua: agent,
      ip: '127.0.0.1',
    });
    expect(fromServer?.payload['duid']).toMatch(/^[0-9a-f-]{36}$/);
    collector.assertAllGood();
  });

  it('sends every event that it accepted when it is stopped under 200 requests a second', async () => {
    let answered = 0;
    let stop = false;
    const visit = async (): Promise<void> => {
      try {
        const response = await fetch(`${url}basket/ASSAM-250`, { method: 'POST', redirect: 'manual' });
        if (response.status === 303) answered++;
      } catch {
        // Refused after the signal: the visitor was not served, so nothing was accepted.
      }
    };
    const load = (async () => {
      const visits: Promise<void>[] = [];
      while (!stop) {
        visits.push(visit());
        await sleep(5);
      }
      await Promise.all(visits);
    })();
    await collector.waitFor({ e: 'ue' }, 100, 30_000);
    shop.kill('SIGTERM');
    const exit = await shop.exited;
    stop = true;
    await load;
    // The signal is raised again, so the process ends as it would have without the tracker.
    expect(exit).toEqual({ code: null, signal: 'SIGTERM' });
    const ids = new Set(collector.good().map(({ payload }) => payload['eid']));
    expect(ids.size).toBeGreaterThanOrEqual(answered);
    expect(answered).toBeGreaterThanOrEqual(50);
  });

  it('stops quickly on Ctrl-C when it is idle', async () => {
    await goTo(url);
    shop.kill('SIGINT');
    expect(await shop.exited).toEqual({ code: null, signal: 'SIGINT' });
    expect(collector.good().filter(({ payload }) => payload['e'] === 'pv')).toHaveLength(1);
  });
});
