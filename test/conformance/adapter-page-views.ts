// Adapter contract: automatic page views, and requests that are not page views.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import type { Call, World } from './adapter-world';
import { NAVIGATION } from '../support/go-to';

const HTML = { 'content-type': 'text/html; charset=utf-8' };

type Sent = Record<string, string | string[]>;
const fetched = (mode: string, dest: string, rest: Sent = {}): Sent => ({
  accept: '*/*',
  'sec-fetch-mode': mode,
  'sec-fetch-dest': dest,
  ...rest,
});

/** Requests, and whether a page that answers them is viewed: sent whole with 200, and confirmed with 304. */
const REQUESTS: readonly (readonly [what: string, headers: Sent, sent: boolean, confirmed: boolean])[] = [
  ['a browser that goes to a page', NAVIGATION, true, true],
  ['a service worker that passes one on', { ...NAVIGATION, 'sec-fetch-dest': 'empty' }, true, true],
  ['Sec-Fetch in other letters and twice', { ...NAVIGATION, 'sec-fetch-mode': ['Navigate', 'navigate'], 'sec-fetch-dest': ' Document ' }, true, true], // prettier-ignore
  ['an app that shows the web and names itself', { ...NAVIGATION, 'x-requested-with': 'com.acme.app' }, true, true],
  ['a script', fetched('no-cors', 'script'), false, false],
  ['a style', fetched('no-cors', 'style', { accept: 'text/css,*/*;q=0.1' }), false, false],
  ['a picture', fetched('no-cors', 'image', { accept: 'image/avif,*/*;q=0.8' }), false, false],
  ['polling', fetched('cors', 'empty', { accept: 'application/json' }), false, false],
  ['a script that asks for HTML', fetched('same-origin', 'empty', { accept: 'text/html' }), false, false],
  ['a visit by Turbo Drive', fetched('same-origin', 'empty', { accept: 'text/html, application/xhtml+xml', 'x-turbo-request-id': '7' }), false, false], // prettier-ignore
  ['a visit by htmx', fetched('cors', 'empty', { 'hx-request': 'true', 'hx-boosted': 'true' }), false, false],
  ['a frame', { ...NAVIGATION, 'sec-fetch-dest': 'iframe' }, false, false],
  ['an embedded document', { ...NAVIGATION, 'sec-fetch-dest': 'embed' }, false, false],
  ['an object', { ...NAVIGATION, 'sec-fetch-dest': 'object' }, false, false],
  ['an old frame', { ...NAVIGATION, 'sec-fetch-mode': 'nested-navigate' }, false, false],
  ['two modes', { ...NAVIGATION, 'sec-fetch-mode': ['navigate', 'cors'] }, false, false],
  ['a mode without a destination', { accept: 'text/html', 'sec-fetch-mode': 'navigate' }, false, false],
  ['a destination without a mode', { accept: 'text/html', 'sec-fetch-dest': 'document' }, false, false],
  ['a browser without Sec-Fetch', { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }, true, true],
  ['Accept in other letters', { accept: 'image/png;q=0.1 , TEXT/HTML;level=1' }, true, true],
  ['Accept twice', { accept: ['application/xml', 'text/html'] }, true, true],
  ['a client that takes anything', { accept: '*/*' }, true, false],
  ['a client that takes anything, with a weight', { accept: ' */*;q=0.8, */*' }, true, false],
  ['a client that says nothing', {}, true, false],
  ['an Accept without a word', { accept: '' }, true, false],
  ['a script without Sec-Fetch', { accept: 'application/json, text/plain, */*' }, false, false],
  ['a picture without Sec-Fetch', { accept: 'image/webp,*/*;q=0.8' }, false, false],
  ['a type that begins alike', { accept: 'text/html-sandboxed' }, false, false],
  ['htmx without Sec-Fetch', { accept: 'text/html', 'hx-request': 'true' }, false, false],
  ['a Turbo frame without Sec-Fetch', { accept: 'text/html', 'turbo-frame': 'cart' }, false, false],
  ['Turbo Drive without Sec-Fetch', { accept: 'text/html', 'X-Turbo-Request-Id': '7' }, false, false],
  ['jQuery without Sec-Fetch', { accept: 'text/html, */*; q=0.01', 'X-Requested-With': 'XMLHttpRequest' }, false, false],
  ['a prefetch', { ...NAVIGATION, 'sec-purpose': 'prefetch' }, false, false],
  ['a prerender', { ...NAVIGATION, 'Sec-Purpose': 'Prefetch;Prerender' }, false, false],
  ['an old prefetch', { ...NAVIGATION, purpose: 'prefetch' }, false, false],
  ['a prefetch that a proxy passes on', { accept: 'text/html', 'x-sec-purpose': 'prefetch' }, false, false],
  ['a preview', { accept: 'text/html', purpose: ['preview', 'prefetch'] }, false, false],
]; // prettier-ignore

/** Answers to a browser that goes to a page, and whether each is a page. */
const ANSWERS: readonly (readonly [what: string, status: number, type: string, page: boolean])[] = [
  ['a page', 200, 'text/html', true],
  ['a page with parameters', 200, 'text/html; charset=utf-8', true],
  ['a page in other letters', 200, 'Text/HTML ;charset=UTF-8', true],
  ['JSON', 200, 'application/json', false],
  ['XHTML', 200, 'application/xhtml+xml', false],
  ['a type that begins alike', 200, 'text/html-sandboxed', false],
  ['HTML that was made', 201, 'text/html', false],
  ['HTML of elsewhere', 203, 'text/html', false],
  ['a part of a page', 206, 'text/html', false],
  ['a redirect', 302, 'text/html', false],
  ['a page that is missing', 404, 'text/html', false],
  ['a page about a failure', 500, 'text/html', false],
];

type Write = (res: ServerResponse) => unknown;
const written = (headers: unknown): OutgoingHttpHeaders => headers as OutgoingHttpHeaders;
/** All ways to give a head to Node's own response. */
const HEADS: Readonly<Record<string, Write>> = {
  'an object': (res) => res.writeHead(200, HTML),
  'an object, below a status message': (res) => res.writeHead(200, 'Fine', { 'Content-Type': 'TEXT/HTML' }),
  'an object, below no status message': (res) => res.writeHead(200, undefined, HTML),
  'a flat list': (res) => res.writeHead(200, ['X-Shop', 'tea', 'Content-Type', 'text/html']),
  'a flat list, below a status message': (res) => res.writeHead(200, 'Fine', ['content-type', 'text/html;charset=utf-8']), // prettier-ignore
  'a list of pairs': (res) => res.writeHead(200, written([['X-Shop', 'tea'], ['Content-Type', 'text/html']])),
  'an object, after setHeader of another': (res) => res.setHeader('x-shop', 'tea').writeHead(200, HTML),
  'an object, after setHeader of another type': (res) => res.setHeader('Content-Type', 'text/plain').writeHead(200, HTML), // prettier-ignore
  'a flat list, after setHeader of another type': (res) => res.setHeader('content-type', 'text/plain').writeHead(200, ['Content-Type', 'text/html']), // prettier-ignore
  'no more than a status, after setHeader': (res) => res.setHeader('content-type', 'text/html').writeHead(200),
  'Headers, by setHeaders': (res) => res.setHeaders(new Headers(HTML)),
}; // prettier-ignore

export function testPageViews(world: World): void {
  const page = (call: Call): unknown => call.send(200, '<h1>Tea</h1>', HTML);
  const views = async (): Promise<number> => (await world.events()).filter(({ e }) => e === 'pv').length;

  it('tracks one page view for a served page, with the time of its arrival', async () => {
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

  it('counts navigations to a page, sent or confirmed, and no request of a page or a script', async () => {
    await world.start(
      (call) => (call.query.get('status') === '304' ? call.send(304, '') : page(call)),
      { pageViews: true },
    ); // prettier-ignore
    const counted: Record<string, unknown> = {};
    const wanted: Record<string, unknown> = {};
    for (const [what, headers, sent, confirmed] of REQUESTS) {
      wanted[what] = { sent: Number(sent), confirmed: Number(confirmed) };
      world.collector.reset();
      await world.get('/r/a', headers);
      const whole = await views();
      await world.get('/r/a?status=304', headers);
      counted[what] = { sent: whole, confirmed: (await views()) - whole };
    }
    expect(counted).toEqual(wanted);
  });

  it('counts only responses with 200 and HTML', async () => {
    await world.start(
      (call) => {
        const status = Number(call.query.get('status'));
        const location = status === 302 ? { location: '/r/b' } : undefined;
        return call.send(status, 'x', { 'content-type': call.query.get('type') as string, ...location });
      },
      { pageViews: true },
    );
    const counted: Record<string, number> = {};
    for (const [what, status, type] of ANSWERS) {
      world.collector.reset();
      await world.get(`/r/a?status=${status}&type=${encodeURIComponent(type)}`, NAVIGATION);
      counted[what] = await views();
    }
    expect(counted).toEqual(Object.fromEntries(ANSWERS.map(([what, , , isPage]) => [what, Number(isPage)])));
    world.collector.reset();
    await world.get('/r/a?status=200&type=text/html', NAVIGATION, 'HEAD');
    await world.get('/r/a?status=304&type=text/html', NAVIGATION, 'HEAD');
    await world.get('/r/a?status=200&type=text/html', NAVIGATION, 'POST');
    expect((await world.get('/nowhere', NAVIGATION)).status).toBe(404);
    expect(await views()).toBe(0);
  });

  it.each(Object.keys(HEADS))('counts a page whose head was passed to Node: %s', async (how) => {
    await world.start(
      (call) => {
        const res = call.takeRaw();
        res.statusCode = 200;
        HEADS[how]?.(res);
        res.end('<h1>Tea</h1>');
      },
      { pageViews: true },
    );
    const { status, headers } = await world.get('/r/a', NAVIGATION);
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/html/i);
    expect(await views()).toBe(1);
  });

  it('does not count a response that was passed to Node with another type', async () => {
    await world.start(
      (call) => {
        const res = call.takeRaw();
        res.writeHead(200, 'content-type: text/html', { 'X-Content-Type': 'text/html', 'Content-Type': 'text/plain' });
        res.end('content-type: text/html');
      },
      { pageViews: true },
    );
    await world.get('/r/a', NAVIGATION);
    expect(await views()).toBe(0);
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

  it("calls the app's function for each response", async () => {
    const urls: string[] = [];
    await world.start((call) => call.send(201, '{}', { 'content-type': 'application/json' }), {
      pageViews: (req: object) => urls.push((req as { url: string }).url) > 1,
    });
    await world.get('/r/a');
    await world.get('/r/b', { 'hx-request': 'true' });
    expect(urls).toEqual(['/r/a', '/r/b']);
    expect(await world.events()).toMatchObject([{ e: 'pv', url: `${world.url}/r/b` }]);
  });
}
