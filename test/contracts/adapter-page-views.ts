// Adapter contract: automatic page views, and what is none.
import { expect, it } from 'vitest';
import type { Call, World } from './adapter-world';

const HTML = { 'content-type': 'text/html; charset=utf-8' };

export function testPageViews(world: World): void {
  const page = (call: Call): unknown => call.send(200, '<h1>Tea</h1>', HTML);

  it('tracks one page view for a page that was answered, at the time of arrival', async () => {
    let handledAt = 0;
    await world.start(
      async (call) => {
        handledAt = Date.now();
        await new Promise((resolve) => setTimeout(resolve, 60));
        return page(call);
      },
      { pageViews: true },
    );
    await world.get('/r/tea?size=2', { referer: 'https://search.test/' });
    const events = await world.events();
    expect(events).toMatchObject([{ e: 'pv', url: `${world.url}/r/tea?size=2`, refr: 'https://search.test/', ip: '127.0.0.1' }]); // prettier-ignore
    expect(Number(events[0]?.['dtm'])).toBeLessThanOrEqual(handledAt);
  });

  it('tracks none for what is no page: other methods, types, redirects, failures and prefetches', async () => {
    await world.start(
      (call) => {
        const status = Number(call.query.get('status') ?? 200);
        const type = call.query.get('type') ?? 'text/html';
        return call.send(status, 'x', { 'content-type': type, ...(status === 302 ? { location: '/r/b' } : {}) });
      },
      { pageViews: true },
    );
    await world.get('/r/a', {}, 'HEAD');
    await world.get('/r/a', {}, 'POST');
    await world.get('/r/a?type=application/json');
    await world.get('/r/a?status=302');
    await world.get('/r/a?status=500');
    await world.get('/r/a', { purpose: 'prefetch' });
    await world.get('/r/a', { 'sec-purpose': 'prefetch;prerender' });
    expect((await world.get('/nowhere')).status).toBe(404);
    expect(await world.events()).toEqual([]);
  });

  it('counts a page that the visitor has kept, answered with 304', async () => {
    await world.start((call) => call.send(304, ''), { pageViews: true });
    await world.get('/r/a');
    expect(await world.events()).toMatchObject([{ e: 'pv' }]);
  });

  it('leaves the page view to the handler that tracked one', async () => {
    await world.start(
      (call) => {
        call.tracker.trackPageView({ pageTitle: 'Tea' });
        return page(call);
      },
      { pageViews: true },
    );
    await world.get('/r/a');
    expect(await world.events()).toMatchObject([{ e: 'pv', page: 'Tea' }]);
  });

  it("asks the app's function for each response", async () => {
    const urls: string[] = [];
    await world.start((call) => call.send(201, '{}', { 'content-type': 'application/json' }), {
      pageViews: (req: object) => urls.push((req as { url: string }).url) > 1,
    });
    await world.get('/r/a');
    await world.get('/r/b');
    expect(urls).toEqual(['/r/a', '/r/b']);
    expect(await world.events()).toMatchObject([{ e: 'pv', url: `${world.url}/r/b` }]);
  });
}
