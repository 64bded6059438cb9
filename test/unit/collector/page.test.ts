// The live page in a real browser: live, filtered, opened, hostile, crowded, narrow, dark.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { launchBrowser } from '../../support/browser';
import { contexts, encode, pageView, post, unstruct } from './requests';

const ARTIFACTS = join(process.cwd(), 'test/artifacts');
const ANNA = '0f5d3c1e-7a56-4f0e-9a52-6c1f6a0e2b11';

let browser: Browser;
let context: BrowserContext;
let page: Page;
let collector: Collector;
let complaints: string[];

beforeAll(async () => {
  mkdirSync(ARTIFACTS, { recursive: true });
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  collector = await startCollector();
  await open({});
});
afterEach(async () => {
  await context.close();
  await collector.close();
  // Every test: no violation of the page's policy, no error, no request to anywhere else.
  expect(complaints).toEqual([]);
});

async function open(options: Parameters<Browser['newContext']>[0]): Promise<void> {
  await context?.close();
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: collector.url });
  page = await context.newPage();
  complaints = [];
  await page.addInitScript(() => {
    (globalThis as unknown as EventTarget).addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${(event as unknown as { violatedDirective: string }).violatedDirective}`),
    );
  });
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('ERR_')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${collector.url}/`)) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(collector.url);
  await page.getByText('Live', { exact: true }).waitFor();
}

const names = () => page.locator('.row .name').allTextContents();
const buy = (fields: Record<string, unknown> = {}) =>
  pageView({
    e: 'ue',
    ue_px: encode(unstruct('iglu:com.acme/basket_filled/jsonschema/1-0-0', { items: 2, total: 41.5 })),
    cx: encode(contexts({ schema: 'iglu:com.acme/user/jsonschema/2-0-0', data: { plan: 'gold' } })),
    ...fields,
  });
const struct = (fields: Record<string, unknown> = {}) =>
  pageView({ e: 'se', se_ca: 'shop', se_ac: 'add-to-basket', se_la: 'pcs', se_va: '2', ...fields });

async function visit(): Promise<void> {
  await post(collector.url, [
    pageView({ page: 'Catalogue', duid: ANNA, uid: 'anna', p: 'web', tna: 'browser' }),
    pageView({ url: '/relative', aid: 'blog', tna: 'server', duid: 'b7d1a2c3-0000-4000-8000-000000000001' }),
    buy({ duid: ANNA, uid: 'anna' }),
    struct({ uid: 'ben' }),
    struct({ vid: '1.5', eid: 'not-a-uuid', duid: ANNA }),
  ]);
  await post(collector.url, [pageView(), pageView({ user_id: 'x' })]);
  await page.locator('.row').nth(5).waitFor();
}

describe('the list', () => {
  it('says where to send, then shows events as they come, newest first', async () => {
    expect(await page.locator('#endpoint').textContent()).toBe(`endpoint: '${collector.url}'`);
    await page.screenshot({ path: join(ARTIFACTS, 'collector-empty.png') });
    await post(collector.url, [pageView()]);
    await page.locator('.row').waitFor();
    await post(collector.url, [struct()]);
    await page.locator('.row').nth(1).waitFor();
    expect(await names()).toEqual(['struct', 'page_view']);
    expect(await page.locator('#empty').isVisible()).toBe(false);
  });

  it('shows at a glance what is good, doubtful and bad', async () => {
    await visit();
    expect(await page.locator('.row .mark').allTextContents()).toEqual(['✕', '✕', '●', '●', '▲', '●']);
    expect(await page.locator('[data-count]').allTextContents()).toEqual(['6', '3', '1', '2']);
    expect(await page.locator('.row .summary').nth(1).textContent()).toBe('eid is not a UUID, and 1 more');
    expect(await page.locator('.row.warned .summary').textContent()).toBe('/relativerelative url');
    expect(await page.title()).toBe('(2 bad) Collector');
    await page.screenshot({ path: join(ARTIFACTS, 'collector-light.png') });
  });

  it('filters by verdict, event, app, user and text, together', async () => {
    await visit();
    await page.getByText('Bad', { exact: false }).first().click();
    expect(await names()).toEqual(['lost request', 'struct']);
    await page.getByText('All', { exact: false }).first().click();
    await page.selectOption('#event', 'page_view');
    expect(await names()).toEqual(['page_view', 'page_view']);
    await page.selectOption('#app', 'blog');
    expect(await names()).toEqual(['page_view']);
    await page.selectOption('#event', '');
    await page.selectOption('#app', '');
    await page.selectOption('#user', 'anna');
    expect(await names()).toEqual(['basket_filled', 'page_view']);
    await page.keyboard.press('/');
    await page.locator('#text').fill('GOLD');
    expect(await names()).toEqual(['basket_filled']);
    await page.locator('#text').fill('nothing like it');
    expect(await page.locator('#none').isVisible()).toBe(true);
  });

  it('shows which app and which tracker sent each event, and filters by both', async () => {
    await visit();
    const senders = await page.locator('.row .sender').allTextContents();
    expect(senders).toEqual(['shop', 'shop', 'shop', 'shop', 'blog · server', 'shop · browser']);
    await page.selectOption('#tracker', 'browser');
    expect(await page.locator('.row .sender').allTextContents()).toEqual(['shop · browser']);
    await page.locator('.row').click();
    expect(await page.locator('#detail .about').first().textContent()).toMatch(/^Good · shop · browser · event 1 · /);
    await page.selectOption('#tracker', '');
    await page.locator('.row').first().click();
    expect(await page.locator('#detail .about').first().textContent()).toMatch(
      /^Bad: the whole request is lost, 2 events · shop · event 6 · /,
    );
  });

  it('offers a filter only if there is a choice', async () => {
    const offered = async () => page.locator('select:visible').evaluateAll((all) => all.map(({ id }) => id));
    expect(await offered()).toEqual([]);
    await post(collector.url, [pageView(), struct()]);
    await page.locator('.row').nth(1).waitFor();
    expect(await offered()).toEqual(['event']);
  });

  it('puts the events of one visitor together', async () => {
    await visit();
    await page.getByLabel('Group by visitor').check();
    const groups = await page.locator('.visitor').allTextContents();
    expect(groups[1]).toBe(`${ANNA} · 3 events, srv + web`);
    expect(groups[0]).toMatch(/^No visitor id/);
    expect(groups).toHaveLength(3);
    await page.screenshot({ path: join(ARTIFACTS, 'collector-visitors.png') });
  });

  it('counts the last minute', async () => {
    await visit();
    await page.getByText('6 in the last minute').waitFor();
    expect(await page.locator('#rate .bad').count()).toBeGreaterThan(0);
  });

  it('forgets on Clear, and when a test resets', async () => {
    await visit();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('#empty').waitFor();
    expect(collector.good()).toEqual([]);
    await post(collector.url, [pageView()]);
    await page.locator('.row').waitFor();
    collector.reset();
    await page.locator('#empty').waitFor();
  });
});

describe('an event', () => {
  it('opens by click: verdict, how to fix it, fields, request', async () => {
    await visit();
    await page.locator('.row.bad').nth(1).click();
    const detail = page.locator('#detail');
    expect(await detail.locator('h2').textContent()).toBe('struct');
    expect(await detail.locator('.finding').allTextContents()).toEqual([
      expect.stringContaining('eid is not a UUID'),
      expect.stringContaining('In code: subject.setDomainSessionIndex()'),
    ]);
    expect(await detail.locator('dl').first().textContent()).toContain('se_cashop');
    expect(await detail.textContent()).toContain('POST /com.snowplowanalytics.snowplow/tp2, answered 200');
    await page.screenshot({ path: join(ARTIFACTS, 'collector-detail.png') });
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await detail.isVisible()).toBe(false);
  });

  it('opens the pressed event, even if the list grows meanwhile', async () => {
    await visit();
    const row = page.locator('.row', { hasText: 'basket_filled' });
    const { x, y, height } = (await row.boundingBox())!;
    await page.mouse.move(x + 60, y + height / 2);
    await page.mouse.down();
    await post(collector.url, [pageView(), pageView(), struct()]);
    await page.getByText('9 in the last minute').waitFor();
    expect(await page.locator('.row').count()).toBe(6);
    await page.mouse.up();
    expect(await page.locator('#detail h2').textContent()).toBe('basket_filled');
    await page.locator('.row').nth(8).waitFor();
  });

  it('opens by keyboard, decoded, and closes again', async () => {
    await visit();
    await page.locator('#list').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const detail = page.locator('#detail');
    expect(await detail.locator('h2').textContent()).toBe('basket_filled');
    expect(await detail.locator('.schema').allTextContents()).toEqual([
      'iglu:com.acme/basket_filled/jsonschema/1-0-0',
      'iglu:com.acme/user/jsonschema/2-0-0',
    ]);
    expect(JSON.parse((await detail.locator('pre').first().textContent())!)).toEqual({ items: 2, total: 41.5 });
    expect(await page.locator('[aria-selected="true"] .name').textContent()).toBe('basket_filled');
    await page.keyboard.press('Escape');
    expect(await detail.isVisible()).toBe(false);
    expect(await page.evaluate('document.activeElement.id')).toBe('list');
  });

  it('copies as an assertion of a test', async () => {
    await visit();
    await page.locator('.row', { hasText: 'basket_filled' }).click();
    await page.getByRole('button', { name: 'Copy as assertion' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = (await page.evaluate('navigator.clipboard.readText()')) as string;
    const [, filter] = /^expect\(collector\)\.toHaveTracked\(([^]*)\);$/.exec(copied)!;
    // What was copied is a filter that finds the event.
    const [found] = await collector.waitFor(runInNewContext(`(${filter})`) as Record<string, unknown>);
    expect(found!.schema).toBe('iglu:com.acme/basket_filled/jsonschema/1-0-0');
    expect(copied).toContain('user_id: "anna"');
  });

  it('stays open while others come and when the collector forgets it', async () => {
    await visit();
    await page.locator('.row', { hasText: 'basket_filled' }).click();
    await post(
      collector.url,
      Array.from({ length: 1_200 }, () => struct()),
    );
    await page.locator('[data-count="all"]', { hasText: '1,206' }).waitFor();
    expect(await page.locator('#detail h2').textContent()).toBe('basket_filled');
  });
});

describe('a hostile environment', () => {
  it('shows hostile values as text, in every field', async () => {
    const hostile = [
      '<img src=x onerror=alert(1)>',
      '</script><script>alert(1)</script>',
      'a\u2028b\u2029c',
      '\u202Eevil\u202C\u200F\u0007',
      '"><svg onload=alert(1)>',
      "';alert(1)//",
      '__proto__',
    ];
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    for (const value of hostile) {
      const data = { [value]: value };
      await post(collector.url, [
        pageView({
          aid: value,
          uid: value,
          duid: value,
          page: value,
          url: `https://a.example/${value}`,
          tna: value,
          p: value,
        }),
        buy({
          aid: value,
          ue_px: encode(unstruct('iglu:com.acme/x/jsonschema/1-0-0', data)),
          cx: encode(contexts({ schema: value, data })),
        }),
        struct({ se_ca: value, se_ac: value, se_la: value, se_pr: value, e: value }),
      ]);
      await post(collector.url, [{ [value]: value }]);
    }
    await page
      .locator('.row')
      .nth(hostile.length * 4 - 1)
      .waitFor();
    await page.getByLabel('Group by visitor').check();
    const all: string[] = [];
    for (const row of await page.locator('.row').all()) {
      await row.click();
      all.push((await page.locator('#detail').textContent())!, (await row.textContent())!);
    }
    for (const value of hostile) {
      // Marks that hide or turn a text around are spelt out.
      const seen = value
        .replaceAll(
          /[\u2028\u2029\u202c\u202e\u200f]/g,
          (mark) => `⟨U+${mark.charCodeAt(0).toString(16).toUpperCase()}⟩`,
        )
        .replace('\u0007', '⟨U+0007⟩');
      expect(all.filter((text) => text.includes(seen)).length, seen).toBeGreaterThan(4);
    }
    expect(await page.locator('main img, main script, main svg').count()).toBe(0);
    expect(await page.evaluate('Object.keys(Object.prototype).length')).toBe(0);
    await page.screenshot({ path: join(ARTIFACTS, 'collector-hostile.png') });
  });

  it('sends a policy that allows no other origin', async () => {
    const response = await fetch(collector.url);
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';/,
    );
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await fetch(`${collector.url}/page.ts`)).status).toBe(404);
    expect((await fetch(`${collector.url}/..%2findex.js`)).status).toBe(404);
    expect((await fetch(`${collector.url}/page.js`, { method: 'POST' })).status).toBe(405);
  });

  it('stays usable with 10,000 events', async () => {
    for (let i = 0; i < 100; i++)
      await post(
        collector.url,
        Array.from({ length: 100 }, (_, n) =>
          pageView({
            page: `view ${i * 100 + n}`,
            aid: ['shop', 'blog', 'back-office-of-the-whole-company'][n % 3],
            tna: ['web', 'server'][n % 2],
            uid: `user-${n % 7}`,
            ...(n % 9 === 0 && { vid: '1.5' }),
            ...(n % 11 === 0 && { url: '/relative' }),
          }),
        ),
      );
    await page.locator('[data-count="all"]', { hasText: '10,000' }).waitFor();
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(2_000);
    await page.locator('#text').fill('"view 9998"');
    await expect.poll(() => page.locator('.row').count()).toBe(1);
    await page.locator('#text').fill('');
    await page.locator('.row').nth(150).click();
    expect(await page.locator('#detail h2').textContent()).toBe('page_view');
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Show older events' }).click();
    expect(await page.locator('.row').count()).toBe(400);
    await page.screenshot({ path: join(ARTIFACTS, 'collector-busy.png') });
  });

  it('reports that the collector has stopped', async () => {
    await collector.close();
    await page.getByText('Collector stopped').waitFor();
  });

  it('is not served if it is turned off', async () => {
    const bare = await startCollector({ page: false });
    const statuses = await Promise.all(['/', '/page.js', '/events'].map((path) => fetch(bare.url + path)));
    expect(statuses.map(({ status }) => status)).toEqual([404, 404, 404]);
    await bare.close();
  });
});

describe.each([
  { width: 400, colorScheme: 'light' },
  { width: 700, colorScheme: 'light' },
  { width: 400, colorScheme: 'dark' },
  { width: 1280, colorScheme: 'dark' },
] as const)('at $width px, $colorScheme', ({ width, colorScheme }) => {
  it('fits, and opens and closes an event', async () => {
    await open({ viewport: { width, height: 800 }, colorScheme });
    await visit();
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overflow)).toBe(0);
    expect(await page.locator('.row .sender').nth(4).isVisible()).toBe(true);
    await page.screenshot({ path: join(ARTIFACTS, `collector-${width}-${colorScheme}.png`) });
    await page.locator('.row.bad').nth(1).click();
    expect(await page.locator('#detail').isVisible()).toBe(true);
    expect(await page.evaluate(overflow)).toBe(0);
    await page.screenshot({ path: join(ARTIFACTS, `collector-${width}-${colorScheme}-detail.png`) });
    await page.keyboard.press('Escape');
    expect(await page.locator('#detail').isVisible()).toBe(false);
  });
});
