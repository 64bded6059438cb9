// Adapter contract: which data of the visitor reaches the events.
import { expect, it, vi } from 'vitest';
import { Subject } from '../../src/core/protocol/subject';
import { createTracker } from '../../src/create-tracker';
import type { RequestTracker } from '../../src/core/tracker/tracker';
import type { RequestOptions } from '../../src/middleware/options';
import { FORWARDED, type World } from './adapter-world';

const DUID = '6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11';
const SID = 'b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22';
const COOKIES = `theme=dark; _sp_id.1fff=${DUID}.1700000000.3.1700000100.1699990000.${SID}; _sp_ses.1fff=*`;
const PROXIED = {
  'x-forwarded-for': FORWARDED,
  forwarded: 'for=7.7.7.7',
  'x-real-ip': '7.7.7.7',
  'cf-connecting-ip': '7.7.7.7',
};
const STRUCT = { category: 'shop', action: 'add' };
/** A hook that says yes to requests whose URL has the name. */
const wish = (name: string) => (req: object) => JSON.stringify((req as { url: string }).url).includes(name);

export function testVisitor(world: World): void {
  it("puts the visitor's address, user agent, language, ids and page on the request's events", async () => {
    await world.start((call) => {
      call.tracker.trackStructEvent({ ...STRUCT, label: 'pcs', value: 2 });
      return call.send(200, 'ok');
    });
    const headers = { 'user-agent': 'Mozilla/5.0 (X11)', 'accept-language': 'et-EE,et;q=0.9', cookie: COOKIES, referer: 'https://search.test/?q=tea' }; // prettier-ignore
    await world.get('/r/basket?size=2', headers);
    expect(await world.events()).toMatchObject([
      {
        e: 'se', se_ac: 'add', se_va: '2', p: 'srv', tna: 'web', aid: 'shop', ip: '127.0.0.1', ua: 'Mozilla/5.0 (X11)',
        lang: 'et-EE', duid: DUID, sid: SID, vid: '3', url: `${world.url}/r/basket?size=2`, refr: 'https://search.test/?q=tea',
      },
    ]); // prettier-ignore
    world.collector.assertAllGood();
  });

  it.each(world.adapter.trust)('takes the address from the framework: trust %s gives %s', async (trust, address) => {
    await world.start(
      (call) => {
        call.tracker.trackStructEvent(STRUCT);
        return call.send(200, 'ok');
      },
      {},
      { trust },
    );
    await world.get('/r/a', PROXIED);
    expect((await world.events())[0]?.['ip']).toBe(address);
  });

  it.each(world.adapter.trust)(
    'knows as much of a visitor whose first event comes after the answer: trust %s gives %s',
    async (trust, address) => {
      let tracked: () => void = () => {};
      const late = new Promise<void>((resolve) => (tracked = resolve));
      await world.start(
        (call) => {
          call.raw.res.on('close', () =>
            setTimeout(() => {
              call.tracker.trackStructEvent(STRUCT);
              tracked();
            }, 5),
          );
          return call.send(200, 'ok');
        },
        { headers: ['x-shelf'] },
        { trust },
      );
      const headers = { ...PROXIED, 'user-agent': 'late', cookie: COOKIES, referer: 'https://search.test/', 'x-shelf': '7' }; // prettier-ignore
      await world.get('/r/late?size=2', headers);
      await late;
      const [event] = await world.events();
      const url = `${world.url}/r/late?size=2`;
      expect(event).toMatchObject({ ip: address, ua: 'late', duid: DUID, sid: SID, refr: 'https://search.test/', url });
      expect(world.collector.good()[0]?.contexts).toMatchObject([{ data: { name: 'x-shelf', value: '7' } }]);
    },
  );

  it.each([
    ['the framework hands over', {}],
    ["the app's own function gives", { ip: () => 'javascript:alert(1)' }],
  ])('sends no address where %s something else', async (_who, options) => {
    const { adapter } = world;
    await world.start(
      (call) => {
        call.tracker.trackStructEvent(STRUCT);
        return call.send(200, 'ok');
      },
      options,
      { trust: adapter.trust.at(-1)?.[0] },
    );
    await world.get('/r/a', { 'x-forwarded-for': '<script>' });
    const [event] = await world.events();
    expect(event?.['se_ac']).toBe('add');
    expect(event).not.toHaveProperty('ip');
  });

  it('names the whole page where the app is mounted below a path, and the public origin where one is given', async () => {
    await world.start(
      (call) => {
        call.tracker.trackPageView();
        return call.send(200, 'ok');
      },
      { origin: 'https://tea.test' },
      { mountPath: '/shop' },
    );
    await world.get('/shop/r/tea?size=2');
    expect(await world.events()).toMatchObject([{ e: 'pv', url: 'https://tea.test/shop/r/tea?size=2' }]);
  });

  it('attaches the requested entities', async () => {
    await world.start(
      (call) => {
        call.tracker.trackStructEvent(STRUCT);
        return call.send(201, 'ok');
      },
      {
        headers: ['X-Shop'],
        clientSession: true,
        response: true,
        entities: () => [{ schema: 'iglu:com.acme/shop/jsonschema/1-0-0', data: { id: 7 } }],
        pageViews: () => true,
        subject: (_req, subject) => void subject.setUserId('u-17'),
      },
    );
    await world.get('/r/a', { cookie: COOKIES, 'x-shop': 'tallinn' });
    const [, pageView] = (await world.events()) && world.collector.good();
    expect(pageView?.payload['uid']).toBe('u-17');
    expect(pageView?.contexts).toEqual(
      expect.arrayContaining([
        { schema: 'iglu:com.acme/shop/jsonschema/1-0-0', data: { id: 7 } },
        { schema: 'iglu:org.ietf/http_header/jsonschema/1-0-0', data: { name: 'x-shop', value: 'tallinn' } },
        expect.objectContaining({ schema: expect.stringContaining('/client_session/') }),
        {
          schema: expect.stringContaining('/http_response/'),
          data: { method: 'GET', status: 201, ...(world.adapter.route ? { route: world.adapter.route } : {}) },
        },
      ]),
    );
  });

  it('asks for entities with the request and the event', async () => {
    const entity = (event: string) => ({ schema: 'iglu:com.acme/asked/jsonschema/1-0-0', data: { event } });
    await world.start(
      (call) => {
        call.tracker.trackStructEvent(STRUCT);
        call.tracker.track({ schema: 'iglu:com.acme/basket/jsonschema/1-0-0', data: { items: 3 } });
        return call.send(200, 'ok');
      },
      { entities: (_req, { type, schema }) => (type === 'se' ? [] : [entity(schema ?? type)]), pageViews: () => true },
    );
    await world.get('/r/a');
    await world.events();
    expect(world.collector.good().map(({ contexts }) => contexts)).toEqual([
      [],
      [entity('iglu:com.acme/basket/jsonschema/1-0-0')],
      [entity('pv')],
    ]);
  });

  it('attaches the response to the first events, even after it is sent', async () => {
    await world.start(
      (call) => {
        const track = (label: string): void => void call.tracker.trackStructEvent({ ...STRUCT, label });
        call.raw.res.on('finish', () => track('finish'));
        call.raw.res.on('close', () => {
          track('close');
          setTimeout(() => track('timer'), 5);
        });
        return call.send(201, 'ok');
      },
      { response: true },
    );
    await world.get('/r/a');
    await vi.waitFor(() => expect(world.tracker.stats().accepted).toBe(3), 30_000);
    await world.events();
    const data = { method: 'GET', status: 201, ...(world.adapter.route ? { route: world.adapter.route } : {}) };
    const answer = { schema: expect.stringContaining('/http_response/') as string, data };
    const told = world.collector.good().map(({ payload, contexts }) => [payload['se_la'], contexts]);
    expect(told.toSorted()).toEqual(['close', 'finish', 'timer'].map((label) => [label, [answer]]));
  });

  it('refuses, anonymises and ignores as the app and the visitor require', async () => {
    await world.start(
      (call) => {
        call.tracker.trackStructEvent({ ...STRUCT, label: call.query.get('wish') ?? 'none' });
        return call.send(200, 'ok', { 'content-type': 'text/html' });
      },
      { skip: wish('skip'), anonymous: wish('anonymous'), ignore: wish('ignore'), respectPrivacySignals: 'anonymous', pageViews: true },
    ); // prettier-ignore
    await world.get('/r/a?wish=skip', { cookie: COOKIES });
    await world.get('/r/a?wish=anonymous', { cookie: COOKIES });
    await world.get('/r/a?wish=ignore', { cookie: COOKIES });
    await world.get('/r/a?wish=signal', { cookie: COOKIES, 'sec-gpc': '1' });
    const events = await world.events();
    const labels = (which: (event: (typeof events)[number]) => boolean): unknown[] =>
      events.filter((event) => event['e'] === 'se' && which(event)).map((event) => event['se_la']);
    expect(new Set(labels(() => true))).toEqual(new Set(['anonymous', 'ignore', 'signal']));
    expect(events).toHaveLength(5);
    expect(labels((event) => event['duid'] === DUID)).toEqual(['ignore']);
    const pages = events.filter(({ e }) => e === 'pv').map(({ url }) => url);
    expect(new Set(pages)).toEqual(new Set([`${world.url}/r/a?wish=anonymous`, `${world.url}/r/a?wish=signal`]));
    expect(world.tracker.stats().refused.private).toBe(2);
  });

  it.each([
    ["of the handler's own", (tracker: RequestTracker) => tracker.setSubject(new Subject().setTimezone('Europe/Riga'))],
    [
      'changed by the handler',
      (tracker: RequestTracker) =>
        tracker.setSubject(tracker.subject.setTimezone('Europe/Riga').setLang(null).setUseragent(null)),
    ],
  ])('keeps a subject %s as it is while its visitor becomes anonymous and ceases to be so', async (whose, change) => {
    let anonymous = false;
    await world.start(
      ({ tracker, send }) => {
        change(tracker);
        for (const action of ['known', 'anonymous', 'known again']) {
          anonymous = action === 'anonymous';
          tracker.trackStructEvent({ category: 'shop', action });
        }
        return send(200, 'ok');
      },
      { anonymous: () => anonymous },
    );
    const headers = { 'user-agent': 'Mozilla/5.0 (X11)', 'accept-language': 'fi', cookie: COOKIES };
    await world.get(`/r/a?_sp=${DUID}.1700000000000`, headers);
    const keys = ['ip', 'duid', 'url', 'ua', 'lang', 'tz'];
    const told = (await world.events()).map((event) => [event['se_ac'], keys.filter((key) => key in event).join(' ')]);
    const all = whose === 'changed by the handler' ? 'ip duid url tz' : 'tz';
    const some = all.replace('ip duid ', '');
    expect(Object.fromEntries(told)).toEqual({ known: all, anonymous: some, 'known again': all });
    const anonymousEvent = (await world.events()).find((event) => event['se_ac'] === 'anonymous');
    expect(JSON.stringify(anonymousEvent)).not.toContain(DUID);
  });

  it("obeys the visitor's privacy mode in events about another subject too", async () => {
    await world.start(
      ({ query, tracker, send }) => {
        tracker.withSubject(new Subject().setUserId('u-9').setLang('et')).trackStructEvent({ ...STRUCT, label: query.get('wish') ?? '' }); // prettier-ignore
        return send(200, 'ok');
      },
      { skip: wish('skip'), anonymous: wish('anonymous'), headers: ['x-shop'] },
    );
    for (const name of ['none', 'skip', 'anonymous']) await world.get(`/r/a?wish=${name}`, { 'x-shop': 'tallinn' });
    const told = (await world.events()).map(({ se_la, uid, lang }) => ({ se_la, uid, lang }));
    expect(told).toHaveLength(2);
    expect(told).toContainEqual({ se_la: 'none', uid: 'u-9', lang: 'et' });
    expect(told).toContainEqual({ se_la: 'anonymous', uid: undefined, lang: 'et' });
    expect(world.tracker.stats().refused.private).toBe(1);
    expect(world.collector.good().flatMap(({ contexts }) => contexts)).toEqual([]);
  });

  it.each<[string, { event?: object; tracker?: object; app?: object }]>([
    ['event', { event: { anonymous: true } }],
    ['tracker', { tracker: { anonymous: true } }],
    ['app', { app: { anonymous: true } }],
  ])('tells nothing of who the visitor is in an anonymous event, where the %s asks for it', async (_who, asks) => {
    const tracker = createTracker({ endpoint: world.collector.url, logger: false, ...asks.tracker });
    await world.start(
      (call) => {
        call.tracker.trackStructEvent({ ...STRUCT, ...asks.event });
        return call.send(200, 'ok');
      },
      { clientSession: true, headers: ['x-forwarded-for', 'x-visitor-id', 'referer'], ...asks.app, ...{ tracker } },
    );
    const linker = `_sp=${DUID}.1700000000000`;
    const back = `back=${encodeURIComponent(`/tea?${linker}&page=2`)}`;
    const headers = { cookie: COOKIES, 'x-forwarded-for': FORWARDED, 'x-visitor-id': DUID };
    await world.get(`/r/a?size=2&${linker}&${back}`, { ...headers, referer: `https://search.test/?${back}&q=tea` });
    await tracker.close();
    const [event] = (await world.events()) && world.collector.good();
    const kept = 'back=%2Ftea%3Fpage%3D2';
    const refr = `https://search.test/?${kept}&q=tea`;
    expect(event?.payload).toMatchObject({ url: `${world.url}/r/a?size=2&${kept}`, refr });
    expect(event?.contexts).toMatchObject([{ data: { name: 'referer', value: refr } }]);
    expect(JSON.stringify([event?.payload, event?.contexts])).not.toMatch(new RegExp(`${DUID}|${SID}|"ip"`));
  });

  it.each<[string, RequestOptions<object, object>, Record<string, string>]>([
    ['as they are', {}, { 'x-real-ip': '7.7.7.7', 'x-user-id': 'u-1', 'x-shelf': '7 at 203.0.113.77' }],
    ['without addresses, where they are masked', { maskIp: true }, { 'x-user-id': 'u-1' }],
    ['without addresses and identities, where the event is anonymous', { anonymous: true }, {}],
  ])('attaches headers that were asked for %s, and never a secret', async (_how, options, kept) => {
    await world.start(
      (call) => {
        call.tracker.trackStructEvent(STRUCT);
        return call.send(200, 'ok');
      },
      { headers: ['X-Forwarded-For', 'x-real-ip', 'x-user-id', 'referer', 'x-shelf', 'x-shop'], ...options },
    );
    const given = { 'x-real-ip': '7.7.7.7', 'x-user-id': 'u-1', 'x-shelf': '7 at 203.0.113.77', 'x-shop': 'tallinn' };
    await world.get('/r/a', { ...given, referer: 'https://user:canary@search.test/?token=canary&q=tea#canary' });
    const [event] = (await world.events()) && world.collector.good();
    const told = event?.contexts.map(({ data }) => data as { name: string; value: string });
    expect(Object.fromEntries((told ?? []).map(({ name, value }) => [name, value]))).toEqual({
      ...kept,
      referer: 'https://search.test/?token=redacted&q=tea',
      'x-shop': 'tallinn',
    });
  });

  it('ignores values that are not text, and hooks that reject', async () => {
    const late = async (): Promise<never> => {
      throw new Error('away');
    };
    await world.start(
      ({ raw, tracker, send }) => {
        raw.req.headers['x-shop'] = 42 as never;
        raw.req.headers['user-agent'] = 7 as never;
        tracker.subject.setUserId('u-9');
        tracker.trackStructEvent(STRUCT);
        return send(200, 'ok', { 'content-type': 'text/html' });
      },
      { headers: ['x-shop'], ip: (() => null) as never, ignore: late as never, pageViews: late as never },
    );
    expect((await world.get('/r/a', { 'user-agent': 'x' })).status).toBe(200);
    expect(await world.events()).toMatchObject([{ e: 'se', uid: 'u-9', url: `${world.url}/r/a` }]);
    expect(world.collector.good()[0]?.contexts).toMatchObject([{ data: { name: 'x-shop', value: '42' } }]);
  });

  it("keeps changes to a subject that a handler has held since before the visitor's consent", async () => {
    let anonymous = true;
    await world.start(
      ({ tracker, send }) => {
        const { subject } = tracker;
        tracker.trackStructEvent(STRUCT);
        anonymous = false;
        tracker.trackStructEvent(STRUCT);
        subject.setUserId('u-9');
        tracker.trackStructEvent({ ...STRUCT, action: 'agree' });
        return send(200, 'ok');
      },
      { anonymous: () => anonymous },
    );
    await world.get('/r/a', { cookie: COOKIES });
    const agreed = (await world.events()).find((event) => event['se_ac'] === 'agree');
    expect(agreed).toMatchObject({ uid: 'u-9', duid: DUID });
  });

  it('answers normally if every hook throws', async () => {
    const broken = (): never => {
      throw new Error('broken hook');
    };
    await world.start(
      (call) => {
        call.tracker.trackStructEvent(STRUCT);
        return call.send(200, 'ok', { 'content-type': 'text/html' });
      },
      { subject: broken, entities: broken, ip: broken, anonymous: broken, redactUrl: broken, ignore: broken, pageViews: broken },
    ); // prettier-ignore
    expect(await world.get('/r/a', { cookie: COOKIES })).toMatchObject({ status: 200, body: 'ok' });
    const [event, ...others] = await world.events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({ e: 'se', se_ac: 'add' });
    for (const field of ['ip', 'duid', 'url', 'refr']) expect(event).not.toHaveProperty(field);
  });

  it.each(['subject', 'entities', 'skip', 'anonymous', 'ip', 'redactUrl', 'ignore', 'pageViews'] as const)(
    'asks a %s hook that tracks about the event of the app, and not about its own',
    async (name) => {
      const answers = { subject: undefined, entities: [], skip: false, anonymous: false, ip: '203.0.113.9', redactUrl: '', ignore: false, pageViews: false }; // prettier-ignore
      let calls = 0;
      let tracker: RequestTracker | undefined;
      const hook = (): unknown => {
        if (++calls < 50) tracker?.trackStructEvent({ category: 'meta', action: 'asked' });
        return answers[name];
      };
      await world.start(
        (call) => {
          ({ tracker } = call);
          call.tracker.trackStructEvent(STRUCT);
          return call.send(200, 'ok');
        },
        { [name]: hook, ...(name === 'ignore' ? { pageViews: () => false } : {}) },
      );
      await world.get('/r/basket');
      const events = await world.events();
      // Once for the event, and a hook of privacy once more at the end of the request.
      expect(calls).toBeLessThanOrEqual(name === 'redactUrl' ? 4 : 2);
      expect(events.filter(({ se_ca }) => se_ca === 'shop')).toHaveLength(1);
      const { offered, accepted, refused } = world.tracker.stats();
      expect([offered, accepted + refused.private]).toEqual([1 + calls, 1 + calls]);
    },
  );

  it('sends an id in the form of a database, and logs that an invalid one was left out', async () => {
    const lines: [message: string, fields?: object][] = [];
    const write = (message: string, fields?: object): void => void lines.push([message, fields]);
    const logger = { debug: write, info: write, warn: write, error: write };
    const tracker = createTracker({
      endpoint: world.collector.url,
      namespace: 'ids',
      emitter: { logger: false },
      logger,
    });
    const ids = [4711, 9_007_199_254_740_993n, { toString: () => 'private' }, 1.5];
    const subject = (_req: object, given: Subject): void => void given.setUserId(ids.shift() as never).setLang('et');
    await world.start(
      (call) => {
        call.tracker.trackStructEvent(STRUCT);
        return call.send(200, 'ok');
      },
      { tracker, subject } as never,
    );
    for (let requests = 0; requests < 4; requests++) await world.get('/r/basket');
    await world.events();
    await tracker.close();
    const events = world.collector.good().map(({ payload }) => [payload['uid'], payload['lang']]);
    expect(events.toSorted()).toEqual([[undefined, 'et'], [undefined, 'et'], ['4711', 'et'], ['9007199254740993', 'et']]); // prettier-ignore
    const line = 'Subject.setUserId: a broken contract, the value was left out';
    // A Nest application whose signals nobody hears says that too.
    const left = lines.filter(([message]) => !message.startsWith('nothing listens for SIGTERM'));
    expect(left).toEqual([[line, { argument: 'userId', expected: 'a non-empty string, a safe integer or a bigint' }]]);
  });
}
