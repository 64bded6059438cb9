// Rows 1 to 13 and 29 to 34 of the reference tables: trackers, subjects, events and related features.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { snowplow } from 'snowplow-middleware/express';
import {
  disableContracts, ecommerceTransaction, Emitter, enableContracts, pageView, SelfDescribingJson, Snowplow, Subject, Tracker,
  type Payload,
} from 'snowplow-middleware'; // prettier-ignore
import { entitiesOf, eventOf, keepLines } from '../../support/capture';
import { useShop } from '../../support/shop';

const shop = useShop();
afterEach(() => {
  enableContracts();
  Snowplow.reset();
});

const page = { pageUrl: 'https://shop.acme.com/tea' };
const SCHEMA = 'iglu:com.acme/basket/jsonschema/1-0-0';
const only = (payloads: Payload[]): Payload => {
  expect(payloads).toHaveLength(1);
  return payloads[0]!;
};

describe('trackers and subjects', () => {
  it('row 1: a tracker is made of emitters, subject, namespace, application id and base64, and is a server’s', async () => {
    const emitter = shop.emitter();
    const subject = new Subject().setLang('et');
    const tracker = new Tracker({ emitters: [emitter], subject, namespace: 'cf', appId: 'shop', encodeBase64: false });
    tracker.trackPageView({ ...page, context: [new SelfDescribingJson(SCHEMA, { n: 1 })] });
    const payload = only(await shop.arrived(tracker));
    expect(payload).toMatchObject({ tna: 'cf', aid: 'shop', lang: 'et', p: 'srv', tv: expect.stringMatching(/^node-mw-/) as string }); // prettier-ignore
    expect(payload).toHaveProperty('co');
    expect(() => new Tracker({ emitters: [] })).toThrow('emitters');
  });

  it('row 2: the methods chain, and track gives the event’s id', async () => {
    const tracker = shop.tracker();
    expect(tracker.trackPageView(page).trackScreenView({ name: 'Home' })).toBe(tracker);
    const id = tracker.track(pageView(page));
    const payloads = await shop.arrived(tracker);
    expect(payloads).toHaveLength(3);
    expect(payloads.at(-1)!['eid']).toBe(id);
  });

  it('row 3: subjects are switched, and each event has the fields of the moment it was tracked', async () => {
    const tracker = shop.tracker();
    const one = new Subject().setUserId('one');
    tracker.setSubject(one).trackPageView(page);
    tracker.setSubject(new Subject().setUserId('two')).trackPageView(page);
    tracker.setSubject(one.setUserId('one again')).trackPageView(page);
    tracker.withSubject(new Subject().setUserId('visitor')).trackPageView(page);
    tracker.trackPageView(page);
    const users = (await shop.arrived(tracker)).map(({ uid }) => uid);
    expect(users).toEqual(['one', 'two', 'one again', 'visitor', 'one again']);
  });

  it('row 4: a subject’s setters set their fields, and widths, heights and depths are positive integers', async () => {
    const subject = new Subject()
      .setPlatform('mob')
      .setUserId('u')
      .setScreenResolution(1366, 768)
      .setViewport(300, 200)
      .setColorDepth(32)
      .setTimezone('Europe/London')
      .setLang('en')
      .setIpAddress('203.0.113.9')
      .setUseragent('UA')
      .setDomainUserId('d')
      .setDomainSessionId('b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22')
      .setDomainSessionIndex(3)
      .setNetworkUserId('n');
    const tracker = shop.tracker({ subject });
    tracker.trackPageView(page);
    expect(only(await shop.arrived(tracker))).toMatchObject({
      p: 'mob', uid: 'u', res: '1366x768', vp: '300x200', cd: '32', tz: 'Europe/London', lang: 'en', ip: '203.0.113.9', ua: 'UA', duid: 'd',
      sid: 'b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22', vid: '3', tnuid: 'n',
    }); // prettier-ignore
    for (const size of [0, -1, 1.5, NaN]) expect(() => subject.setViewport(size, 1)).toThrow('a positive integer');
  });
});

describe('events', () => {
  it('row 5: a page view has the page’s URL, title and referrer', async () => {
    const tracker = shop.tracker();
    tracker.trackPageView({ ...page, pageTitle: 'Tea', referrer: 'https://search.test/' });
    expect(only(await shop.arrived(tracker))).toMatchObject({ e: 'pv', url: page.pageUrl, page: 'Tea', refr: 'https://search.test/' }); // prettier-ignore
  });

  it('row 6: a screen view is self-describing, and has a name or an id', async () => {
    const tracker = shop.tracker();
    tracker.trackScreenView({ name: 'HUD > Save Game', id: 'screen23' });
    expect(eventOf(only(await shop.arrived(tracker)))).toEqual({
      schema: 'iglu:com.snowplowanalytics.snowplow/screen_view/jsonschema/1-0-0',
      data: { name: 'HUD > Save Game', id: 'screen23' },
    });
    expect(() => tracker.trackScreenView({})).toThrow('`name` must be a non-empty string, unless there is an `id`');
  });

  it('row 7: a structured event has a category and an action, and keeps a value of 0', async () => {
    const tracker = shop.tracker();
    tracker.trackStructEvent({
      category: 'shop',
      action: 'add-to-basket',
      label: 'web-shop',
      property: 'pcs',
      value: 0,
    });
    expect(only(await shop.arrived(tracker))).toMatchObject({ e: 'se', se_ca: 'shop', se_ac: 'add-to-basket', se_la: 'web-shop', se_pr: 'pcs', se_va: '0' }); // prettier-ignore
    expect(() => tracker.trackStructEvent({ category: '', action: 'a' })).toThrow('category');
    expect(() => tracker.trackStructEvent({ category: 'c', action: '' })).toThrow('action');
  });

  it('row 8: a self-describing event carries the app’s own data, by both names, encoded or plain', async () => {
    const event = new SelfDescribingJson(SCHEMA, { items: 3, note: 'öl' });
    for (const [encodeBase64, key] of [[true, 'ue_px'], [false, 'ue_pr']] as const) {
      const tracker = shop.tracker({ encodeBase64 });
      const payloads = await shop.arrived(tracker.trackSelfDescribingEvent({ event }).trackUnstructEvent({ event }));
      expect(payloads).toHaveLength(2);
      for (const payload of payloads) {
        expect(payload).toMatchObject({ e: 'ue', [key]: expect.any(String) as string });
        expect(eventOf(payload)).toEqual({ schema: SCHEMA, data: { items: 3, note: 'öl' } });
      }
      shop.collector.reset();
    } // prettier-ignore
  });

  it('row 9: a transaction is one event and one per item, which keep their own entities and stay untouched', async () => {
    const items = [
      { sku: 'pbz0026', price: 20, quantity: 1, context: [{ schema: SCHEMA, data: { gift: true } }] },
      { sku: 'pbz0038', price: 15, quantity: 1, name: 'Tea', category: 'green' },
    ];
    const before = structuredClone(items);
    const tracker = shop.tracker();
    tracker.trackEcommerceTransaction({
      orderId: '6a8078be', totalValue: 35, affiliation: 'web', taxValue: 6, shipping: 0, city: 'Tartu', state: 'T', country: 'EE', currency: 'EUR',
      timestamp: 1_650_000_000_000, items,
    }); // prettier-ignore
    const [transaction, first, second, ...more] = await shop.arrived(tracker);
    expect(more).toEqual([]);
    expect(transaction).toMatchObject({ e: 'tr', tr_id: '6a8078be', tr_tt: '35', tr_af: 'web', tr_tx: '6', tr_sh: '0', tr_ci: 'Tartu', tr_st: 'T', tr_co: 'EE', tr_cu: 'EUR' }); // prettier-ignore
    expect(first).toMatchObject({ e: 'ti', ti_id: '6a8078be', ti_sk: 'pbz0026', ti_cu: 'EUR' });
    expect(second).toMatchObject({ e: 'ti', ti_nm: 'Tea', ti_ca: 'green', ti_pr: '15', ti_qu: '1' });
    for (const payload of [transaction, first, second]) expect(payload!['ttm']).toBe('1650000000000');
    expect([entitiesOf(first!), entitiesOf(second!)]).toEqual([items[0]!.context, []]);
    expect(items).toEqual(before);
    expect(tracker.track(ecommerceTransaction({ orderId: 'x', totalValue: 1 }))).toBeDefined();
  });

  it('row 10: an item can be tracked by itself', async () => {
    const tracker = shop.tracker();
    tracker.trackEcommerceTransactionItem({ orderId: 'T-79', sku: 'BUOY-3', price: 99, quantity: 2, currency: 'SEK' });
    expect(only(await shop.arrived(tracker))).toMatchObject({ e: 'ti', ti_id: 'T-79', ti_sk: 'BUOY-3', ti_pr: '99', ti_qu: '2', ti_cu: 'SEK' }); // prettier-ignore
  });

  it('row 11: the newer events are there, and a page ping sends an offset of 0', async () => {
    const tracker = shop.tracker();
    tracker
      .trackPagePing({ ...page, minX: 0, maxX: 640, minY: 0, maxY: 2048 })
      .trackLinkClick({ targetUrl: 'https://partner.test/' })
      .trackAddToCart({ sku: 's', quantity: 4 })
      .trackRemoveFromCart({ sku: 's', quantity: 1 })
      .trackFormChange({ formId: 'f', elementId: 'mail', nodeName: 'INPUT', type: 'email', value: null })
      .trackFormSubmit({ formId: 'f', elements: [{ name: 'mail', value: 'x', nodeName: 'INPUT' }] })
      .trackSiteSearch({ terms: ['green', 'tea'] })
      .trackMobileScreenView({ name: 'Basket' });
    const [ping, ...others] = await shop.arrived(tracker);
    expect(ping).toMatchObject({ e: 'pp', pp_mix: '0', pp_max: '640', pp_miy: '0', pp_may: '2048' });
    expect(others.map((payload) => eventOf(payload).schema.replace(/^iglu:com\.snowplowanalytics\./, ''))).toEqual([
      'snowplow/link_click/jsonschema/1-0-1',
      'snowplow/add_to_cart/jsonschema/1-0-0',
      'snowplow/remove_from_cart/jsonschema/1-0-0',
      'snowplow/change_form/jsonschema/1-0-0',
      'snowplow/submit_form/jsonschema/1-0-0',
      'snowplow/site_search/jsonschema/1-0-0',
      'mobile/screen_view/jsonschema/1-0-0',
    ]);
  });

  it('row 12: entities come as a list of self-describing JSON, and an empty list is none', async () => {
    const context = [new SelfDescribingJson(SCHEMA, { n: 1 }), { schema: SCHEMA, data: { n: 2 } }];
    const tracker = shop.tracker();
    tracker.trackPageView({ ...page, context }).trackPageView({ ...page, context: [] });
    const [full, empty] = await shop.arrived(tracker);
    expect(entitiesOf(full!).map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }]);
    const envelope = JSON.parse(Buffer.from(full!['cx']!, 'base64url').toString()) as { schema: string };
    expect(envelope.schema).toBe('iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1');
    expect(empty).not.toHaveProperty('cx');
  });

  it('row 13: a time is the true time beside the creation time, or the creation time by name', async () => {
    const tracker = shop.tracker();
    const at = 1_650_000_000_999;
    tracker.trackPageView({ ...page, timestamp: at }).trackPageView({ ...page, timestamp: { type: 'dtm', value: at } });
    const [true_, created] = await shop.arrived(tracker);
    expect(true_).toMatchObject({ ttm: String(at), dtm: expect.not.stringMatching(String(at)) as string });
    expect(created).toMatchObject({ dtm: String(at) });
    expect(created).not.toHaveProperty('ttm');
  });
});

describe('around the events', () => {
  it('row 29: contracts check arguments, and off means off', async () => {
    const tracker = shop.tracker();
    expect(() => tracker.trackPageView({ pageUrl: '' })).toThrow('trackPageView: `pageUrl` must be a non-empty string, got ""'); // prettier-ignore
    disableContracts();
    tracker.trackPageView({ pageUrl: '' });
    expect(only(await shop.arrived(tracker))['e']).toBe('pv');
  });

  it('row 30: the log has levels, goes where the app says, and holds no payload', async () => {
    const { lines, logger } = keepLines();
    const emitter = new Emitter(shop.collector.url, { logger });
    const tracker = new Tracker({ emitters: emitter, logger, contracts: 'log' });
    shop.collector.fail({ times: 1 });
    tracker.trackPageView({ ...page, pageTitle: 'my-secret' }).trackStructEvent({ category: '', action: 'my-secret' });
    await tracker.flush();
    await emitter.close();
    expect(lines.map(([level]) => level)).toContain('warn');
    expect(JSON.stringify(lines.filter(([level]) => level !== 'debug'))).not.toContain('my-secret');
  });

  it('row 31: self-describing JSON has a schema, which is an iglu URI, and data', () => {
    expect(new SelfDescribingJson(SCHEMA, { n: 1 })).toMatchObject({ schema: SCHEMA, data: { n: 1 } });
    expect(() => new SelfDescribingJson('com.acme/basket/jsonschema/1-0-0', {})).toThrow('an iglu: URI');
  });

  it('row 32: the registry makes a tracker from options, honours each of them and shares none', async () => {
    const endpoint = shop.collector.url;
    const strict = Snowplow.createTracker({ endpoint, namespace: 'strict', emitter: { bufferCapacity: 25, customRetryCodes: { 503: false }, logger: false } }); // prettier-ignore
    const plain = Snowplow.createTracker({ endpoint, namespace: 'plain', emitter: { logger: false } });
    shop.collector.fail(503);
    for (const tracker of [strict, plain]) await tracker.trackPageView(page).flush();
    expect(strict.stats().emitters[0]).toMatchObject({ dropped: { rejected: 1 }, waiting: 0 });
    const kept = plain.stats().emitters[0]!;
    // A retry may be under way.
    expect([kept.dropped.rejected, kept.waiting + kept.inFlight]).toEqual([0, 1]);
    shop.collector.delay(1_000);
    for (let count = 0; count < 40; count++) strict.trackPageView(page);
    expect(strict.stats().emitters[0]!.refused.full).toBe(15);
    shop.collector.reset();
    await Promise.all([strict.close(), plain.close()]);
  });

  it('row 33: the visitor’s domain user id comes from the request’s own cookie', async () => {
    const app = express();
    const tracker = shop.tracker();
    app.use(snowplow({ tracker }));
    app.get('/', (req, res) => {
      req.tracker.trackPageView();
      res.send('ok');
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const cookie = '_sp_id.1fff=6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11.1700000000.3.1700000100.1699990000.b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22'; // prettier-ignore
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { headers: { cookie } });
    server.closeAllConnections();
    server.close();
    expect(only(await shop.arrived(tracker))['duid']).toBe('6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11');
  });

  it('row 34: trackers go by their namespaces, and two may share one emitter', async () => {
    const emitters = shop.emitter();
    const one = Snowplow.addTracker(new Tracker({ emitters, namespace: 't1' }));
    const two = Snowplow.addTracker(new Tracker({ emitters, namespace: 't2' }));
    Snowplow.getTracker('t1')!.trackPageView(page);
    Snowplow.getTracker('t2')!.trackPageView(page);
    expect((await shop.arrived(one)).map(({ tna }) => tna)).toEqual(['t1', 't2']);
    expect([Snowplow.getTracker('t1'), Snowplow.getTracker('t2')]).toEqual([one, two]);
    expect(shop.collector.requests()).toHaveLength(1);
  });
});
