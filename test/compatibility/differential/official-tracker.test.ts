// The official Node tracker and ours get the same calls, over the same connection to the same collector: their payloads are
// equal but for the differences in one table.
import * as official from '@snowplow/node-tracker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { Emitter, Subject, Tracker } from 'snowplow-middleware';

const CLOCK = 1_700_000_000_123;
const SID = 'b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22';
const NETWORK_ID = '0c9d8e7f-1122-4333-8444-555566667777';
const context = [
  { schema: 'iglu:com.harbour/berth/jsonschema/1-0-0', data: { berth: 'N7', draughtM: 4.25, names: ['Łucja', '⚓'] } },
];
const event = { schema: 'iglu:com.harbour/note/jsonschema/1-0-0', data: { text: 'öl ??>>~~', n: 129.9, none: null } };
const page = { pageUrl: 'https://harbour.test/ä?q=a%20b&c=d+e', pageTitle: '50% off ~ "dock" / #1', referrer: 'https://search.test/?q=1' }; // prettier-ignore

interface Case {
  theirs: (tracker: official.Tracker) => unknown;
  ours: (tracker: Tracker) => unknown;
}
const CASES: Record<string, Case> = {
  'page view': {
    theirs: (t) => t.track(official.buildPageView(page)),
    ours: (t) => t.trackPageView(page),
  },
  'page view with entities and a true time': {
    theirs: (t) => t.track(official.buildPageView({ pageUrl: page.pageUrl }), context, { type: 'ttm', value: 1_650_000_000_999 }),
    ours: (t) => t.trackPageView({ pageUrl: page.pageUrl, context, timestamp: 1_650_000_000_999 }),
  },
  'page view with its creation time': {
    theirs: (t) => t.track(official.buildPageView({ pageUrl: page.pageUrl }), null, { type: 'dtm', value: 1_650_000_000_999 }),
    ours: (t) => t.trackPageView({ pageUrl: page.pageUrl, timestamp: { type: 'dtm', value: 1_650_000_000_999 } }),
  },
  'page ping': {
    theirs: (t) => t.track(official.buildPagePing({ ...page, minXOffset: 0, maxXOffset: 640, minYOffset: 12, maxYOffset: 2048 })),
    ours: (t) => t.trackPagePing({ ...page, minX: 0, maxX: 640, minY: 12, maxY: 2048 }),
  },
  'structured event': {
    theirs: (t) => t.track(official.buildStructEvent({ category: 'locker', action: 'rent', label: 'L-204', property: 'weekly', value: 18.5 })),
    ours: (t) => t.trackStructEvent({ category: 'locker', action: 'rent', label: 'L-204', property: 'weekly', value: 18.5 }),
  },
  'structured event of value 0': {
    theirs: (t) => t.track(official.buildStructEvent({ category: 'locker', action: 'refund', value: 0 })),
    ours: (t) => t.trackStructEvent({ category: 'locker', action: 'refund', value: 0 }),
  },
  'self-describing event': {
    theirs: (t) => t.track(official.buildSelfDescribingEvent({ event }), context),
    ours: (t) => t.trackSelfDescribingEvent({ event, context }),
  },
  'screen view': {
    theirs: (t) => t.track(official.buildScreenView({ name: 'Berth list', id: 'scr-1' })),
    ours: (t) => t.trackScreenView({ name: 'Berth list', id: 'scr-1' }),
  },
  'link click': {
    theirs: (t) => t.track(official.buildLinkClick({ targetUrl: 'https://port.test/pay', elementId: 'pay', elementClasses: ['a', 'b'], elementTarget: '_blank', elementContent: 'Pay now' })),
    ours: (t) => t.trackLinkClick({ targetUrl: 'https://port.test/pay', elementId: 'pay', elementClasses: ['a', 'b'], elementTarget: '_blank', elementContent: 'Pay now' }),
  },
  'add to cart': {
    theirs: (t) => t.track(official.buildAddToCart({ sku: 'ROPE-12', quantity: 4, name: 'Rope', category: 'deck', unitPrice: 12.75, currency: 'EUR' })),
    ours: (t) => t.trackAddToCart({ sku: 'ROPE-12', quantity: 4, name: 'Rope', category: 'deck', unitPrice: 12.75, currency: 'EUR' }),
  },
  'remove from cart': {
    theirs: (t) => t.track(official.buildRemoveFromCart({ sku: 'ROPE-12', quantity: 1 })),
    ours: (t) => t.trackRemoveFromCart({ sku: 'ROPE-12', quantity: 1 }),
  },
  'form change': {
    theirs: (t) => t.track(official.buildFormFocusOrChange({ schema: 'change_form', formId: 'signup', elementId: 'mail', nodeName: 'INPUT', value: null, type: 'email', elementClasses: ['wide'] })),
    ours: (t) => t.trackFormChange({ formId: 'signup', elementId: 'mail', nodeName: 'INPUT', value: null, type: 'email', elementClasses: ['wide'] }),
  },
  'form submit': {
    theirs: (t) => t.track(official.buildFormSubmission({ formId: 'signup', formClasses: ['f1'], elements: [{ name: 'mail', value: 'x@harbour.test', nodeName: 'INPUT', type: 'email' }] })),
    ours: (t) => t.trackFormSubmit({ formId: 'signup', formClasses: ['f1'], elements: [{ name: 'mail', value: 'x@harbour.test', nodeName: 'INPUT', type: 'email' }] }),
  },
  'site search': {
    theirs: (t) => t.track(official.buildSiteSearch({ terms: ['diesel', 'dock'], filters: { open: true, side: 'north' }, totalResults: 41, pageResults: 10 })),
    ours: (t) => t.trackSiteSearch({ terms: ['diesel', 'dock'], filters: { open: true, side: 'north' }, totalResults: 41, pageResults: 10 }),
  },
  'transaction': {
    theirs: (t) => t.track(official.buildEcommerceTransaction({ orderId: 'T-77', total: 64, affiliation: 'marina', tax: 10.4, shipping: 0, city: 'Pärnu', state: 'PM', country: 'EE', currency: 'EUR' })),
    ours: (t) => t.trackEcommerceTransaction({ orderId: 'T-77', totalValue: 64, affiliation: 'marina', taxValue: 10.4, shipping: 0, city: 'Pärnu', state: 'PM', country: 'EE', currency: 'EUR' }),
  },
  'transaction item': {
    theirs: (t) => t.track(official.buildEcommerceTransactionItem({ orderId: 'T-79', sku: 'BUOY-3', price: 99, quantity: 2, name: 'Buoy', category: 'safety', currency: 'SEK' })),
    ours: (t) => t.trackEcommerceTransactionItem({ orderId: 'T-79', sku: 'BUOY-3', price: 99, quantity: 2, name: 'Buoy', category: 'safety', currency: 'SEK' }),
  },
  'every field of a subject': {
    theirs: (t) => {
      t.setPlatform('app');
      t.setUserId('captain-41');
      t.setScreenResolution('1728', '1117');
      t.setViewport('1440', '820');
      t.setColorDepth('30');
      t.setTimezone('Europe/Tallinn');
      t.setLang('et-EE');
      t.setIpAddress('203.0.113.77');
      t.setUseragent('HarbourBot/2.1 (+https://harbour.test/bot)');
      t.setDomainUserId('6f1c2b7e');
      t.setNetworkUserId(NETWORK_ID);
      t.setSessionId(SID);
      t.setSessionIndex(12);
      t.track(official.buildPageView(page));
    },
    ours: (t) => {
      const subject = new Subject().setPlatform('app').setUserId('captain-41').setScreenResolution(1728, 1117).setViewport(1440, 820);
      subject.setColorDepth(30).setTimezone('Europe/Tallinn').setLang('et-EE').setIpAddress('203.0.113.77');
      subject.setUseragent('HarbourBot/2.1 (+https://harbour.test/bot)').setDomainUserId('6f1c2b7e').setNetworkUserId(NETWORK_ID);
      t.setSubject(subject.setDomainSessionId(SID).setDomainSessionIndex(12)).trackPageView(page);
    },
  },
}; // prettier-ignore

type Comparable = Record<string, unknown>;

/** Where the two mean to differ: what their payload would be if they did as we do. */
const DIFFERENCES: { why: string; from: (theirs: Comparable) => Comparable }[] = [
  {
    why: 'contexts/1-0-1 is the newer envelope: it also takes no entities at all',
    from: (theirs) => {
      for (const key of ['cx', 'co'])
        if (theirs[key]) (theirs[key] as { schema: string }).schema = 'iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1'; // prettier-ignore
      return theirs;
    },
  },
  {
    why: 'a true time is sent beside the creation time, not instead of it',
    from: (theirs) => ({ dtm: String(CLOCK), ...theirs }),
  },
  {
    why: 'a page ping’s offset of 0 is an offset',
    from: (theirs) => (theirs['e'] === 'pp' ? { ...theirs, pp_mix: '0' } : theirs),
  },
  {
    why: 'the network user id goes as tnuid: nuid in a GET is taken for the collector’s own, and one that is no UUID loses the event',
    from: ({ nuid, ...theirs }) => (nuid === undefined ? theirs : { ...theirs, tnuid: nuid }),
  },
];

const JSON_KEYS = new Set(['ue_px', 'ue_pr', 'cx', 'co']);
function comparable(payload: Readonly<Record<string, string>>): Comparable {
  const { tv: _tv, eid, ...fields } = payload;
  expect(eid).toMatch(/^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/);
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (!JSON_KEYS.has(key)) return [key, value];
      return [key, JSON.parse(key.endsWith('x') ? Buffer.from(value, 'base64url').toString() : value)];
    }),
  );
}

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.close());
beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: CLOCK }));
afterEach(() => {
  vi.useRealTimers();
  collector.reset();
});

const received = async (): Promise<Comparable[]> => {
  await collector.waitFor(() => true);
  collector.assertAllGood();
  const payloads = collector.good().map(({ payload }) => comparable(payload));
  collector.reset();
  return payloads;
};

describe.each(['post', 'get'] as const)('by %s', (method) => {
  describe.each([true, false])('with encodeBase64 %s', (encodeBase64) => {
    it.each(Object.entries(CASES))('%s', async (_name, { theirs, ours }) => {
      const them = official.newTracker(
        { namespace: 'ns', appId: 'a&b', encodeBase64 },
        { endpoint: collector.url, eventMethod: method, bufferSize: 1 },
      );
      theirs(them);
      await them.flush();
      const expected = (await received()).map((payload) =>
        DIFFERENCES.reduce((changed, { from }) => from(changed), payload),
      );

      const emitter = new Emitter(collector.url, { method });
      ours(new Tracker({ emitters: emitter, namespace: 'ns', appId: 'a&b', encodeBase64 }));
      await emitter.close();
      expect(await received()).toEqual(expected);
    });
  });
});
