// The `/micro` endpoints: shapes, filters, and access.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTracker, SelfDescribingJson, type Tracker } from 'snowplow-middleware';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { contexts, encode, pageView, post, unstruct } from './requests';

const BUY = 'iglu:com.acme/buy/jsonschema/1-0-0';
const USER = 'iglu:com.acme/user/jsonschema/2-0-1';

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

interface Good {
  eventType: string;
  schema: string | null;
  contexts: string[];
  event: Record<string, unknown>;
  rawEvent: { api: unknown; parameters: Record<string, string>; context: Record<string, unknown> };
}

async function ask<Answer = Good[]>(path: string, filter?: unknown): Promise<Answer> {
  const response = await fetch(
    `${collector.url}/micro${path}`,
    filter === undefined ? {} : { method: 'POST', body: JSON.stringify(filter) },
  );
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

function status(path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(`${collector.url}${path}`, { method, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!));
    })
      .on('error', reject)
      .end();
  });
}

const buy = (fields: Record<string, unknown> = {}) =>
  pageView({
    e: 'ue',
    ue_px: encode(unstruct(BUY, { price: 2 })),
    cx: encode(contexts({ schema: USER, data: { plan: 'gold' } })),
    ...fields,
  });

describe('shapes', () => {
  it('counts good and bad, and forgets both on reset', async () => {
    await post(collector.url, [pageView(), pageView({ vid: 'x' })]);
    expect(await ask('/all')).toEqual({ total: 2, good: 1, bad: 1 });
    expect(await ask('/reset', {})).toEqual({ total: 0, good: 0, bad: 0 });
    expect(await ask('/all', {})).toEqual({ total: 0, good: 0, bad: 0 });
    expect(await ask('/reset')).toEqual({ total: 0, good: 0, bad: 0 });
  });

  it('gives a page view under its enriched names, with nulls', async () => {
    const dtm = Date.now() - 10_000;
    await post(
      collector.url,
      [
        pageView({
          dtm: String(dtm),
          stm: String(dtm + 4_000),
          url: 'https://shop.example:8443/a/b?q=1&_sp=other.1753000000000#top',
          refr: 'http://search.example/find',
          res: '1280x720',
          vid: '3',
          cookie: '1',
          page: 'a\tb',
          tz: '',
        }),
      ],
      { headers: { 'user-agent': 'tracker/1' } },
    );
    const [good] = await ask('/good');
    const received = collector.good()[0]!.receivedAt;
    expect(good!.event).toMatchObject({
      app_id: 'shop',
      platform: 'srv',
      event: 'page_view',
      event_vendor: 'com.snowplowanalytics.snowplow',
      event_name: 'page_view',
      event_format: 'jsonschema',
      event_version: '1-0-0',
      dvce_created_tstamp: new Date(dtm).toISOString(),
      dvce_sent_tstamp: new Date(dtm + 4_000).toISOString(),
      collector_tstamp: received.toISOString(),
      derived_tstamp: new Date(received.getTime() - 4_000).toISOString(),
      true_tstamp: null,
      user_ipaddress: '203.0.113.9',
      useragent: 'Mozilla/5.0',
      network_userid: '7ff0c1c2-1e0a-4f3b-9d7e-2f9b5c1f6a11',
      domain_sessionidx: 3,
      page_urlscheme: 'https',
      page_urlhost: 'shop.example',
      page_urlport: 8443,
      page_urlpath: '/a/b',
      page_urlquery: 'q=1&_sp=other.1753000000000',
      page_urlfragment: 'top',
      refr_urlhost: 'search.example',
      refr_urlport: 80,
      refr_domain_userid: 'other',
      refr_dvce_tstamp: '2025-07-20T08:26:40.000Z',
      dvce_screenwidth: 1280,
      dvce_screenheight: 720,
      br_cookies: true,
      page_title: 'a    b',
      os_timezone: null,
      geo_country: null,
      contexts: {},
      derived_contexts: {},
      unstruct_event: null,
    });
    expect(Object.keys(good!.event)).toHaveLength(131);
    expect(good).toMatchObject({
      eventType: 'page_view',
      schema: 'iglu:com.snowplowanalytics.snowplow/page_view/jsonschema/1-0-0',
      contexts: [],
      incomplete: false,
      rawEvent: {
        api: { vendor: 'com.snowplowanalytics.snowplow', version: 'tp2' },
        parameters: { e: 'pv', aid: 'shop' },
        contentType: 'application/json; charset=utf-8',
        context: { ipAddress: '127.0.0.1', useragent: 'tracker/1' },
      },
    });
  });

  it('leaves a page view one that carries self-describing data', async () => {
    await post(collector.url, [buy({ e: 'pv' })]);
    const [good] = await ask('/good');
    expect(good).toMatchObject({
      eventType: 'page_view',
      schema: 'iglu:com.snowplowanalytics.snowplow/page_view/jsonschema/1-0-0',
      event: {
        event_vendor: 'com.snowplowanalytics.snowplow',
        event_name: 'page_view',
        unstruct_event: { data: { schema: BUY } },
      },
    });
  });

  it('names no event that is self-describing and says nothing', async () => {
    await post(collector.url, [pageView({ e: 'ue' })]);
    const [good] = await ask('/good');
    expect(good).toMatchObject({
      eventType: 'unstruct',
      schema: null,
      event: { event_name: null, unstruct_event: null },
    });
  });

  it.each([
    ['http://my_host:8/a', { page_urlscheme: 'http', page_urlhost: null, page_urlport: 80, page_urlpath: '/a' }],
    ['https://a.example:x/', { page_urlhost: null, page_urlport: 443, page_urlpath: '/' }],
    ['https://u:p@a.example', { page_urlhost: 'a.example', page_urlport: 443, page_urlpath: null }],
    ['https://[2001:db8::1]:1/', { page_urlhost: '[2001:db8::1]', page_urlport: 1 }],
    ['mailto:anna@a.example', { page_urlscheme: 'mailto', page_urlhost: null, page_urlpath: null }],
    [
      'https://a.example/a b\t?q=c d#e',
      {
        page_url: 'https://a.example/a%20b%20%20%20%20?q=c%20d#e',
        page_urlpath: '/a%20b%20%20%20%20',
        page_urlquery: 'q=c%20d',
      },
    ],
    [
      'https://a.example/{x}?%#^',
      {
        page_url: 'https://a.example/%7Bx%7D?%25#%5E',
        page_urlpath: '/%7Bx%7D',
        page_urlquery: '%25',
        page_urlfragment: '%5E',
      },
    ],
    ['https://a.example/?_sp=one.1;_sp=two', { refr_domain_userid: 'two', refr_dvce_tstamp: null }],
    ['https://a.example/?_sp=.1', { refr_domain_userid: null, refr_dvce_tstamp: '1970-01-01T00:00:00.001Z' }],
    ['', { page_url: 'https://from.example/referer', page_urlhost: 'from.example' }],
  ])("splits the page's URL %j as it is stored", async (url, columns) => {
    await post(collector.url, [pageView({ url })], { headers: { referer: 'https://from.example/referer' } });
    const [good] = await ask('/good');
    expect(good!.event).toMatchObject(columns);
  });

  it('gives self-describing events and contexts in their envelopes', async () => {
    await post(collector.url, [buy()]);
    const [good] = await ask('/good');
    expect(good).toMatchObject({ eventType: 'unstruct', schema: BUY, contexts: [USER] });
    expect(good!.event).toMatchObject({
      event_vendor: 'com.acme',
      event_name: 'buy',
      unstruct_event: {
        schema: 'iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0',
        data: { schema: BUY, data: { price: 2 } },
      },
      contexts: { data: [{ schema: USER, data: { plan: 'gold' } }] },
    });
  });

  it('uses the values that only the server knows if the event has none', async () => {
    await fetch(`${collector.url}/i?e=pv&p=web&tv=x&ttm=0`, {
      headers: { 'user-agent': 'browser', referer: 'https://shop.example/from' },
    });
    const [good] = await ask('/good');
    expect(good!.event).toMatchObject({
      useragent: 'browser',
      page_url: 'https://shop.example/from',
      user_ipaddress: '127.0.0.1',
      network_userid: collector.good()[0]!.request.networkUserId,
      event_id: collector.good()[0]!.id,
      derived_tstamp: '1970-01-01T00:00:00.000Z',
    });
  });

  it('returns bad events with their bad row and how to fix them', async () => {
    await post(collector.url, [pageView({ vid: 'x' })]);
    await post(collector.url, [pageView({ foo: 'x' })]);
    const [whole, single] =
      await ask<
        { rawEvent: unknown; errors: [string, string]; verdict: { hint: string }[]; collectorPayload: unknown }[]
      >('/bad');
    expect(single).toMatchObject({
      errors: ['Error while validating the event.', expect.any(String)],
      rawEvent: { parameters: { vid: 'x' } },
      verdict: [{ field: 'vid', hint: expect.any(String) }],
    });
    expect(JSON.parse(single!.errors[1])).toMatchObject({
      schema: 'iglu:com.snowplowanalytics.snowplow.badrows/schema_violations/jsonschema/2-0-1',
      data: { failure: { messages: [{ field: 'vid', value: 'x' }] } },
    });
    expect(whole).toMatchObject({ rawEvent: null, collectorPayload: { api: { version: 'tp2' } } });
    expect(JSON.parse(whole!.errors[1])).toMatchObject({
      schema: 'iglu:com.snowplowanalytics.snowplow.badrows/tracker_protocol_violations/jsonschema/1-0-1',
    });
  });

  it('serves the schemas of its folders', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'iglu-'));
    mkdirSync(join(folder, 'com.acme/buy/jsonschema'), { recursive: true });
    writeFileSync(join(folder, 'com.acme/buy/jsonschema/1-0-0'), '{"type":"object"}');
    await collector.close();
    collector = await startCollector({ iglu: [folder] });
    expect(await ask('/iglu/com.acme/buy/jsonschema/1-0-0')).toEqual({ type: 'object' });
    expect(await status('/micro/iglu/com.acme/sell/jsonschema/1-0-0', {})).toBe(404);
    expect(await status('/micro/iglu/../buy/jsonschema/1-0-0', {})).toBe(404);
    rmSync(folder, { recursive: true });
  });
});

describe('a suite written for Snowplow Micro', () => {
  // As its users write it: reset, do something, ask for counts, ask for the events, look inside.
  let tracker: Tracker;
  beforeEach(async () => {
    await fetch(`${collector.url}/micro/reset`);
    tracker = createTracker({ endpoint: collector.url, namespace: 'web', appId: 'shop' });
    const user = new SelfDescribingJson(USER, { plan: 'gold' });
    tracker
      .trackPageView({ pageUrl: 'https://shop.example/tea', pageTitle: 'Tea', context: [user] })
      .trackStructEvent({ category: 'shop', action: 'add', value: 2 })
      .trackSelfDescribingEvent({ event: { schema: BUY, data: { price: 2 } } });
    await tracker.flush();
  });
  afterEach(() => tracker.close());

  it('counts, by GET and by POST', async () => {
    const expected = { total: 3, good: 3, bad: 0 };
    expect([await ask('/all'), await ask('/all', {})]).toEqual([expected, expected]);
    expect([await ask('/bad'), await ask('/bad', { limit: 5 })]).toEqual([[], []]);
  });

  it('finds events by type, schema and contexts in the body of a POST', async () => {
    const types = async (filter: object) => (await ask('/good', filter)).map(({ eventType }) => eventType);
    expect(await types({})).toEqual(['unstruct', 'struct', 'page_view']);
    expect(await types({ event_type: 'struct' })).toEqual(['struct']);
    expect(await types({ schema: BUY })).toEqual(['unstruct']);
    expect(await types({ schema: BUY.replace('iglu:', '') })).toEqual([]);
    expect(await types({ contexts: [USER] })).toEqual(['page_view']);
    expect(await types({ event_type: 'struct', contexts: [USER] })).toEqual([]);
    expect(await types({ limit: 1 })).toEqual(['unstruct']);
    expect(await types({ event_type: 'page_view', limit: 0 })).toEqual([]);
  });

  it('reads the usual parts of an event', async () => {
    const [view] = await ask('/good', { event_type: 'page_view' });
    const { event, rawEvent } = view!;
    expect([event['app_id'], event['name_tracker'], event['page_title'], event['page_urlhost']]).toEqual([
      'shop',
      'web',
      'Tea',
      'shop.example',
    ]);
    expect((event['contexts'] as { data: { data: unknown }[] }).data[0]!.data).toEqual({ plan: 'gold' });
    expect(rawEvent.parameters).toMatchObject({ e: 'pv', page: 'Tea' });
    const [struct] = await ask('/good', { event_type: 'struct' });
    expect([struct!.event['se_category'], struct!.event['se_value'], struct!.event['unstruct_event']]).toEqual([
      'shop',
      2,
      null,
    ]);
    expect(struct!.schema).toBe('iglu:com.google.analytics/event/jsonschema/1-0-0');
  });

  it('finds every part of an event where Micro has it', async () => {
    const keys = (value: unknown) => Object.keys(value as object).toSorted();
    const [good] = await ask('/good');
    expect(keys(good)).toEqual(['contexts', 'event', 'eventType', 'incomplete', 'rawEvent', 'schema']);
    expect(keys(good!.rawEvent)).toEqual(['api', 'contentType', 'context', 'parameters', 'source']);
    expect(keys((good!.rawEvent as { source?: unknown }).source)).toEqual(['encoding', 'hostname', 'name']);
    expect(keys(good!.rawEvent.context)).toEqual([
      'headers',
      'ipAddress',
      'refererUri',
      'timestamp',
      'userId',
      'useragent',
    ]);
    await post(collector.url, [pageView({ vid: 'x' })]);
    const [bad] = await ask<Record<string, unknown>[]>('/bad');
    expect(keys(bad)).toEqual(['collectorPayload', 'errors', 'rawEvent', 'verdict']);
    expect(keys(bad!['collectorPayload'])).toEqual(['api', 'body', 'contentType', 'context', 'querystring', 'source']);
  });

  it('shows in the title how far a bad event was processed', async () => {
    await post(collector.url, [pageView({ eid: 'x' })]);
    await post(collector.url, [pageView({ foo: 'x' })]);
    await fetch(`${collector.url}/com.acme/v1`, { method: 'POST', body: '{}' });
    await post(collector.url, [pageView()], { headers: { cookie: 'sp=hello' } });
    const bad = await ask<{ collectorPayload: unknown; rawEvent: unknown; errors: string[] }[]>('/bad');
    expect(
      bad.map(({ errors, collectorPayload, rawEvent }) => [errors[0], collectorPayload !== null, rawEvent !== null]),
    ).toEqual([
      ["Can't deserialize Thrift bytes.", false, false],
      ['Error while extracting event(s) from collector payload and validating it/them.', true, false],
      ['Error while extracting event(s) from collector payload and validating it/them.', true, false],
      ['Error while validating the event.', true, true],
    ]);
    expect(await ask('/bad', { vendor: 'com.acme' })).toHaveLength(1);
    expect(await ask('/all')).toEqual({ total: 7, good: 3, bad: 4 });
  });

  it.each(['GET', 'POST'])('starts anew after a reset by %s', async (method) => {
    const response = await fetch(`${collector.url}/micro/reset`, { method });
    expect([response.status, await response.json()]).toEqual([200, { total: 0, good: 0, bad: 0 }]);
    expect(await ask('/good')).toEqual([]);
  });
});

describe('filters', () => {
  beforeEach(async () => {
    await post(collector.url, [pageView({ page: 'one' }), buy(), pageView({ page: 'two' })]);
  });
  const titles = (events: Good[]) => events.map(({ rawEvent }) => rawEvent.parameters['page'] ?? 'buy');

  it('gives the newest first', async () => {
    expect(titles(await ask('/good'))).toEqual(['two', 'buy', 'one']);
    expect(titles(await ask('/good', { limit: 2 }))).toEqual(['two', 'buy']);
    expect(titles(await ask('/good?limit=1'))).toEqual(['two']);
  });

  it('filters by enriched type, by schema and by contexts, in body and query', async () => {
    expect(titles(await ask('/good', { event_type: 'page_view' }))).toEqual(['two', 'one']);
    expect(titles(await ask('/good', { schema: BUY }))).toEqual(['buy']);
    expect(titles(await ask('/good', { contexts: [USER] }))).toEqual(['buy']);
    expect(titles(await ask('/good', { contexts: [USER, BUY] }))).toEqual([]);
    expect(titles(await ask(`/good?event_type=unstruct&contexts=${USER}`))).toEqual(['buy']);
    expect(await ask('/good', { event_type: 'pv' })).toEqual([]);
  });

  it('filters bad events by vendor and version', async () => {
    await post(collector.url, [pageView({ vid: 'x' })]);
    await fetch(`${collector.url}/com.acme/v1`, { method: 'POST', body: '{}' });
    expect(await ask('/bad', { vendor: 'com.acme' })).toHaveLength(1);
    expect(await ask('/bad', { version: 'tp2' })).toHaveLength(1);
    expect(await ask('/bad', { limit: 1 })).toHaveLength(1);
    expect(await ask('/bad', {})).toHaveLength(2);
  });

  it('reports what it does not understand', async () => {
    expect((await fetch(`${collector.url}/micro/good`, { method: 'POST', body: '[' })).status).toBe(400);
    const lost = await fetch(`${collector.url}/micro/nothing`);
    expect([lost.status, await lost.text()]).toEqual([404, expect.stringContaining('/micro/good')]);
    expect(await status('/micro/good', {}, 'DELETE')).toBe(405);
  });
});

describe('access', () => {
  const port = () => new URL(collector.url).port;

  it('answers only to names of this machine', async () => {
    for (const host of [`localhost:${port()}`, `127.0.0.1:${port()}`, `[::1]:${port()}`, 'LOCALHOST'])
      expect(await status('/micro/good', { host })).toBe(200);
    for (const host of [`evil.example:${port()}`, 'localhost.evil.example', '127.0.0.1.evil.example'])
      expect(await status('/micro/good', { host })).toBe(403);
  });

  it('lets no other site and no other port of this machine read or reset', async () => {
    const response = await fetch(`${collector.url}/micro/good`);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    await post(collector.url, [pageView()]);
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { origin: 'http://127.0.0.1' },
      { origin: `http://localhost:${port()}` },
      { origin: `https://127.0.0.1:${port()}` },
      { origin: `http://[::1]:${port()}`, host: `[::1]` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' },
      { 'sec-fetch-site': 'same-site', origin: collector.url },
      { 'sec-fetch-site': 'something-new' },
    ];
    for (const headers of foreign)
      for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
        expect(await status('/micro/reset', headers, method), `${method} ${JSON.stringify(headers)}`).toBe(403);
    expect(collector.good()).toHaveLength(1);
  });

  it('resets for its own page, for a person, and for programs', async () => {
    const own: Record<string, string>[] = [
      {},
      { origin: collector.url },
      { origin: `http://localhost:${port()}`, host: `localhost:${port()}`, 'sec-fetch-site': 'same-origin' },
      { origin: `http://[::1]:${port()}`, host: `[::1]:${port()}`, 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    ];
    for (const headers of own)
      for (const method of ['GET', 'POST']) {
        await post(collector.url, [pageView()]);
        expect(await status('/micro/reset', headers, method), `${method} ${JSON.stringify(headers)}`).toBe(200);
        expect(collector.good()).toHaveLength(0);
      }
  });

  it('guards the page and its stream, but allows a link to the page', async () => {
    for (const path of ['/', '/page.js', '/events'])
      expect(await status(path, { host: 'evil.example' }), path).toBe(403);
    const followed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect(await status('/', followed)).toBe(200);
    expect(await status('/micro/reset', followed)).toBe(403);
    expect(await status('/events', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe(403);
  });

  it('leaves the endpoints of trackers open to every site', async () => {
    const response = await post(collector.url, [pageView()], { headers: { origin: 'https://shop.example' } });
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(await status('/i?e=pv', { host: 'collector:9090' })).toBe(200);
  });
});
