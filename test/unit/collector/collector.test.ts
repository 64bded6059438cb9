// The collector from the view of trackers and tests: endpoints, answers, identity, faults, waiting, closing.
import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { contexts, encode, pageView, post, unstruct } from './requests';

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

describe('taking events', () => {
  it('answers a POST with ok and keeps its events in order, newest last', async () => {
    const response = await post(collector.url, [pageView({ page: 'one' }), pageView({ page: 'two' })]);
    expect([response.status, await response.text()]).toEqual([200, 'ok']);
    expect(collector.good().map(({ payload }) => payload['page'])).toEqual(['one', 'two']);
    expect(collector.good()[0]!.request).toMatchObject({ method: 'POST', eventCount: 2, answer: 200, ip: '127.0.0.1' });
  });

  it.each(['/i', '/ice.png', '/com.snowplowanalytics.snowplow/tp2'])('answers a GET of %s with a GIF', async (path) => {
    const response = await fetch(
      `${collector.url}${path}?e=pv&p=web&tv=js-4&url=https%3A%2F%2Fa.example%2F&page=a+b%20c`,
    );
    const body = Buffer.from(await response.arrayBuffer());
    expect([response.headers.get('content-type'), body.length, body.subarray(0, 6).toString()]).toEqual([
      'image/gif',
      43,
      'GIF89a',
    ]);
    expect(response.headers.get('cache-control')).toBe('no-cache, no-store, must-revalidate');
    expect(collector.good()[0]).toMatchObject({ event: 'page_view', payload: { page: 'a b c' } });
  });

  it('accepts a HEAD like a GET', async () => {
    const response = await fetch(`${collector.url}/i?e=pv&p=web&tv=x`, { method: 'HEAD' });
    expect(response.headers.get('content-type')).toBe('image/gif');
    expect(collector.good()).toHaveLength(1);
  });

  it('decodes events and contexts, in base64 and plain', async () => {
    const event = unstruct('iglu:com.acme/buy/jsonschema/1-0-0', { price: 2 });
    const context = contexts({ schema: 'iglu:com.acme/user/jsonschema/1-0-0', data: { plan: 'gold' } });
    await post(collector.url, [
      pageView({ e: 'ue', ue_px: encode(event), cx: encode(context) }),
      pageView({ e: 'ue', ue_pr: JSON.stringify(event), co: JSON.stringify(context) }),
    ]);
    for (const one of collector.good())
      expect(one).toMatchObject({
        event: 'unstruct',
        schema: 'iglu:com.acme/buy/jsonschema/1-0-0',
        data: { price: 2 },
        contexts: [{ schema: 'iglu:com.acme/user/jsonschema/1-0-0', data: { plan: 'gold' } }],
      });
    expect(collector.good()).toHaveLength(2);
  });

  it('lets query parameters of a POST override every event of its body', async () => {
    await fetch(`${collector.url}/com.snowplowanalytics.snowplow/tp2?aid=query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        schema: 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4',
        data: [pageView(), pageView()],
      }),
    });
    expect(collector.good().map(({ payload }) => payload['aid'])).toEqual(['query', 'query']);
  });

  it('answers health checks, preflights and unknown paths as the real one', async () => {
    const answers = await Promise.all(
      ['/health', '/nothing', '/r/tp2?u=https://evil.example', '/robots.txt'].map((path) =>
        fetch(collector.url + path),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 404, 200]);
    expect(await answers[0]!.text()).toBe('ok');
    const preflight = await fetch(`${collector.url}/com.snowplowanalytics.snowplow/tp2`, {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example' },
    });
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': 'https://shop.example',
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'Content-Type, SP-Anonymous',
      'access-control-max-age': '3600',
    });
  });

  it('answers 200 to any two-segment path and loses its events, as the pipeline does', async () => {
    const response = await fetch(`${collector.url}/com.acme/v1`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(200);
    expect(collector.bad()[0]!.errors[0]).toMatchObject({ type: 'adapter_failures', scope: 'payload' });
  });

  it('refuses a body above 1 MiB with 413 and a compressed one with 415, and keeps neither', async () => {
    const big = await post(collector.url, [pageView({ page: 'x'.repeat(1024 * 1024) })]);
    const packed = await post(collector.url, [pageView()], { headers: { 'content-encoding': 'gzip' } });
    expect([big.status, packed.status]).toEqual([413, 415]);
    expect([...collector.good(), ...collector.bad()]).toEqual([]);
    expect(collector.requests().map(({ answer }) => answer)).toEqual([413, 415]);
  });

  it('refuses a request line above 20,480 bytes with 400', async () => {
    const response = await fetch(`${collector.url}/i?e=pv&p=web&tv=x&page=${'x'.repeat(20_480)}`);
    expect(response.status).toBe(400);
  });
});

describe('the visitor', () => {
  const cookieOf = (response: Response) => response.headers.get('set-cookie') ?? '';

  it('gets a fresh network id, and keeps that of the sp cookie or of ?nuid=', async () => {
    const fresh = await post(collector.url, [pageView()]);
    const [, id] = /^sp=([^;]+); Expires=[^;]+; Path=\/; Secure; HttpOnly; SameSite=None$/.exec(cookieOf(fresh))!;
    expect(collector.good()[0]!.request.networkUserId).toBe(id);
    const again = await post(collector.url, [pageView()], { headers: { cookie: `a=b; sp=${id}` } });
    expect(cookieOf(again)).toContain(`sp=${id};`);
    const other = '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d';
    await fetch(`${collector.url}/i?e=pv&p=web&tv=x&nuid=${other}`, { headers: { cookie: `sp=${id}` } });
    expect(collector.good().map(({ request }) => request.networkUserId)).toEqual([id, id, other]);
  });

  it('is unknown in an anonymous request', async () => {
    const response = await post(collector.url, [pageView()], {
      headers: {
        'sp-anonymous': '*',
        cookie: 'sp=9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
        'x-forwarded-for': '198.51.100.1',
      },
    });
    const { request } = collector.good()[0]!;
    expect(request).toMatchObject({
      anonymous: true,
      ip: 'unknown',
      networkUserId: '00000000-0000-0000-0000-000000000000',
    });
    expect(Object.keys(request.headers)).not.toEqual(expect.arrayContaining(['cookie']));
    expect(Object.keys(request.headers)).not.toEqual(expect.arrayContaining(['x-forwarded-for']));
    expect(cookieOf(response)).toContain('Thu, 01 Jan 1970');
  });

  it('has the first forwarded address', async () => {
    await post(collector.url, [pageView()], { headers: { 'x-forwarded-for': '198.51.100.1, 10.0.0.1' } });
    await post(collector.url, [pageView()], { headers: { forwarded: 'for="[2001:db8::1]";proto=https' } });
    expect(collector.good().map(({ request }) => request.ip)).toEqual(['198.51.100.1', '2001:db8::1']);
  });
});

describe('faults', () => {
  it('fails the next requests as planned, then recovers', async () => {
    collector.fail({ status: 503, headers: { 'Retry-After': '7' }, times: 2 });
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await post(collector.url, [pageView()]));
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 200]);
    expect(answers[0]!.headers.get('retry-after')).toBe('7');
    expect(collector.good()).toHaveLength(1);
    expect(collector.requests().map(({ answer, eventCount }) => [answer, eventCount])).toEqual([
      [503, 1],
      [503, 1],
      [200, 1],
    ]);
  });

  it('fails until reset when no number is given', async () => {
    collector.fail(500);
    expect((await post(collector.url, [pageView()])).status).toBe(500);
    expect((await post(collector.url, [pageView()])).status).toBe(500);
    collector.reset();
    expect((await post(collector.url, [pageView()])).status).toBe(200);
    expect(collector.requests()).toHaveLength(1);
  });

  it('can accept the events and reset the connection', async () => {
    collector.fail({ connection: 'reset', accept: true, times: 1 });
    await expect(post(collector.url, [pageView()])).rejects.toThrow('fetch failed');
    expect(collector.good()).toHaveLength(1);
  });

  it('leaves a hung request without an answer until it closes', async () => {
    collector.fail({ connection: 'hang' });
    const hung = post(collector.url, [pageView()]);
    const outcome = expect(hung).rejects.toThrow('fetch failed');
    await expect.poll(() => collector.requests().length).toBe(1);
    await collector.close();
    await outcome;
  });

  it('accepts the events at once when it answers late, and closes without waiting', async () => {
    collector.delay(60_000);
    const late = post(collector.url, [pageView()]);
    await collector.waitFor({ event: 'page_view' });
    await collector.close();
    await expect(late).resolves.toMatchObject({ status: 200 });
  });

  it('reports what is wrong with a fault', () => {
    expect(() => collector.fail({ stats: 500 } as never)).toThrow(
      'fail: Unknown option `stats`; did you mean `status`?',
    );
    expect(() => collector.fail(99)).toThrow('fail: status must be an integer from 200 to 599, got 99');
    expect(() => collector.delay(-1)).toThrow('delay must be');
  });
});

describe('waiting', () => {
  it('resolves to earlier and later events', async () => {
    await post(collector.url, [pageView({ page: 'one' })]);
    const both = collector.waitFor({ event: 'page_view', page: /one|two/ }, 2);
    await post(collector.url, [pageView({ page: 'three' }), pageView({ page: 'two' })]);
    expect((await both).map(({ payload }) => payload['page'])).toEqual(['one', 'two']);
    await expect(collector.waitFor(({ payload }) => payload['page'] === 'three')).resolves.toHaveLength(1);
  });

  it('matches wire keys, enriched names, data and contexts in part', async () => {
    const context = (n: number) => ({ schema: 'iglu:com.acme/c/jsonschema/1-0-0', data: { n, more: true } });
    await post(collector.url, [
      pageView({
        e: 'ue',
        ue_px: encode(unstruct('iglu:com.acme/buy/jsonschema/1-0-0', { items: [{ id: 1, name: 'x' }], total: 3 })),
        cx: encode(contexts(context(1), context(2))),
        vid: '4',
      }),
    ]);
    await collector.waitFor({
      e: 'ue',
      event: 'unstruct',
      event_name: 'buy',
      page_urlhost: 'shop.example',
      domain_sessionidx: 4,
      vid: 4,
      uid: undefined,
      schema: /com\.acme\/buy/,
      data: { items: [{ id: 1 }], total: expect.any(Number) },
      contexts: [{ data: { n: 2 } }],
    });
    await expect(collector.waitFor({ contexts: [{ data: { n: 3 } }] }, 1, 1)).rejects.toThrow('0 of 1');
  });

  it('explains a miss by the nearest event and the last bad one', async () => {
    await post(collector.url, [pageView({ page: 'Basket' }), pageView({ e: 'se', se_ca: 'a', se_ac: 'b' })]);
    await post(collector.url, [pageView({ eid: 'nonsense' })]);
    const missed = collector.waitFor({ event: 'page_view', page_title: 'Catalogue' }, 2, 20);
    await expect(missed).rejects.toThrow(
      [
        '0 of 2 expected events came within 20 ms.',
        '2 good events came: page_view, struct.',
        'Nearest is event 1 (- expected, + received):',
        "    event: 'page_view'",
        "  - page_title: 'Catalogue'",
        "  + page_title: 'Basket'",
        '',
        '1 bad event came; the last one:',
        '  event 3, page_view:',
        '    eid is not a UUID: "nonsense"',
      ].join('\n'),
    );
  });

  it('refuses a filter that no event can match', async () => {
    await expect(collector.waitFor({ page_ulr: 'x' })).rejects.toThrow('waitFor: page_ulr must be a wire key');
  });

  it('ends when the collector closes', async () => {
    const waiting = expect(collector.waitFor({ event: 'struct' })).rejects.toThrow('before the collector closed');
    await collector.close();
    await waiting;
  });
});

describe('assertAllGood', () => {
  it('passes without bad events, and otherwise lists them', async () => {
    await post(collector.url, [pageView()]);
    collector.assertAllGood();
    await post(collector.url, [pageView({ vid: '1.5' }), pageView({ ua: 'x'.repeat(1_001) })]);
    expect(() => collector.assertAllGood()).toThrow(
      /^2 bad events came:[^]*vid is not a 32-bit[^]*ua is 1001 characters/,
    );
  });

  it('counts a request lost as a whole once, with every reason', async () => {
    await post(collector.url, [pageView(), pageView({ foo: 'x', vid: 1 })]);
    expect(collector.good()).toEqual([]);
    expect(collector.bad()).toHaveLength(1);
    expect(collector.bad()[0]!.errors.map(({ field, rule, scope }) => [field, rule, scope])).toEqual([
      ['data[1].foo', 'unknown-key', 'payload'],
      ['data[1].vid', 'not-a-string', 'payload'],
    ]);
    expect(collector.bad()[0]!.lost).toHaveLength(2);
  });
});

describe('its lifecycle', () => {
  it('refuses unknown options and production', async () => {
    await expect(startCollector({ Port: 1 } as never)).rejects.toThrow('did you mean');
    await expect(startCollector({ port: 70_000 })).rejects.toThrow(
      'startCollector: port must be an integer from 0 to 65535',
    );
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    try {
      await expect(startCollector()).rejects.toThrow('NODE_ENV must be anything except production');
    } finally {
      process.env['NODE_ENV'] = before;
    }
  });

  it('closes although clients keep their connections open, and may be closed again', async () => {
    await new Promise<void>((resolve, reject) => {
      httpRequest(`${collector.url}/health`, { headers: { connection: 'keep-alive' } }, (response) => {
        response.resume().on('end', resolve);
      })
        .on('error', reject)
        .end();
    });
    await collector.close();
    await collector.close();
    await expect(fetch(`${collector.url}/health`)).rejects.toThrow('fetch failed');
  });

  it('keeps the newest 1,000 events', async () => {
    const events = Array.from({ length: 1_100 }, (_, n) => pageView({ page: String(n) }));
    await post(collector.url, events);
    expect(collector.good()).toHaveLength(1_000);
    expect(collector.good()[0]!.payload['page']).toBe('100');
  });

  it('keeps no more than 16 MiB', async () => {
    for (let i = 0; i < 12; i++) await post(collector.url, [pageView({ se_la: 'x'.repeat(900_000) })]);
    expect(collector.bad().length).toBe(4);
  });
});
