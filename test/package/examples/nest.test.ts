// The Nest example from the view of a visitor: compiled as its reader compiles it, with a real browser and a real collector.
import { execFileSync } from 'node:child_process';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { launchBrowser } from '../../support/browser';
import { Child } from '../../support/child';

describe('the Nest shop', () => {
  let browser: Browser;
  let collector: Collector;
  let shop: Child;
  let url: string;

  beforeAll(async () => {
    execFileSync('npx', ['tsc', '-p', 'examples/nest'], { stdio: 'inherit' });
    browser = await launchBrowser();
  }, 60_000);
  afterAll(() => browser.close());
  beforeEach(async () => {
    collector = await startCollector();
    shop = new Child(process.execPath, ['examples/nest/dist/main.js'], { SNOWPLOW_ENDPOINT: collector.url });
    url = (await shop.printed(/The shop:\s+(\S+\/)/))[1] as string;
  });
  afterEach(async () => {
    await shop.stop();
    await collector.close();
  });

  it('has the types of its schemas, up to date', () => {
    const args = ['types', 'examples/schemas', '--out', 'examples/nest/tracking.ts', '--check'];
    execFileSync(process.execPath, ['dist/cli/main.js', ...args]);
  });

  it("shows the browser's and the server's events under one domain user id, from page and deep service alike", async () => {
    const page = await browser.newPage();
    await page.goto(url);
    const [fromBrowser] = await collector.waitFor({ e: 'pv', tna: 'shop-browser' });
    await page.click('button[data-sku="SENCHA-100"]');
    const [added] = await collector.waitFor({ se_ac: 'add-to-basket' }, 1, 30_000);
    const [, second] = await collector.waitFor({ e: 'pv', tna: 'shop-server' }, 2, 30_000);
    const agent = await page.evaluate('navigator.userAgent');
    expect(await page.textContent('.pieces')).toBe('1');
    await page.close();
    const visitor = { duid: fromBrowser?.payload['duid'], ua: agent, ip: '127.0.0.1' };
    expect(added?.payload).toMatchObject({ ...visitor, se_la: 'SENCHA-100', se_va: '1' });
    expect(added?.contexts).toEqual([
      { schema: 'iglu:com.acme/stock/jsonschema/1-0-0', data: { sku: 'SENCHA-100', left: 19 } },
    ]);
    expect(second?.payload).toMatchObject({ ...visitor, page: 'The tea shop', url });
    collector.assertAllGood();
  });

  it('tracks what went wrong, answers it as Nest does, and ends on SIGTERM with everything sent', async () => {
    const response = await fetch(`${url}basket/COFFEE`, { method: 'POST', headers: { connection: 'close' } });
    expect(response.status).toBe(404);
    shop.kill('SIGTERM');
    expect(await shop.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(collector.good()).toMatchObject([{ payload: { se_ac: 'no-such-tea', se_la: 'COFFEE' } }]);
  });
});
