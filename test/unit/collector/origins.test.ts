// A verdict names the method and the argument that set a field. Every such name exists and sets the field.
import { SelfDescribingJson, Subject } from 'snowplow-middleware';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { capture } from '../../support/capture';
import { pageView, post } from './requests';

const METHODS: Readonly<Record<string, Record<string, unknown>>> = {
  trackPageView: { pageUrl: 'https://shop.example/' },
  trackPagePing: { pageUrl: 'https://shop.example/' },
  trackStructEvent: { category: 'shop', action: 'add' },
  trackEcommerceTransaction: { orderId: 'o-1', totalValue: 2 },
  trackEcommerceTransactionItem: { orderId: 'o-1', sku: 'tea', price: 2, quantity: 1 },
  trackSelfDescribingEvent: {},
};
const VALUES: Readonly<Record<string, unknown>> = {
  pageUrl: 'https://shop.example/tea',
  referrer: 'https://search.example/',
  event: new SelfDescribingJson('iglu:com.acme/buy/jsonschema/1-0-0', {}),
  currency: 'EUR',
};
const NUMBERS = /^(value|minX|maxX|minY|maxY|totalValue|taxValue|shipping|price|quantity)$/;
const SETTERS: Readonly<Record<string, unknown[]>> = {
  setPlatform: ['web'],
  setDomainSessionId: ['6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11'],
  setDomainSessionIndex: [1],
  setColorDepth: [24],
  setIpAddress: ['203.0.113.7'],
  setScreenResolution: [1, 1],
  setViewport: [1, 1],
};

let collector: Collector;
const said = new Map<string, string>();
beforeAll(async () => {
  collector = await startCollector();
  // Too long and of no kind: wrong for every key there is.
  const wrong = 'x'.repeat(20_000);
  const keys =
    `p tna aid eid dtm ttm uid duid sid vid tnuid ip ua lang tz cd res vp url refr page se_ca se_ac se_la se_pr
    se_va pp_mix pp_max pp_miy pp_may tr_id tr_af tr_tt tr_tx tr_sh tr_ci tr_st tr_co tr_cu ti_id ti_sk ti_nm ti_ca ti_pr
    ti_qu ti_cu ue_px cx`.split(/\s+/);
  await post(collector.url, [pageView(Object.fromEntries(keys.map((key) => [key, wrong])))]);
  for (const { field, hint } of collector.bad()[0]!.errors) {
    const code = /\nIn code: (.*)\.$/.exec(hint)?.[1];
    if (code !== undefined) said.set(field, code);
  }
  expect([...said.keys()].toSorted()).toEqual(keys.toSorted());
});
afterAll(() => collector.close());

it('names setters of the subject that set the field', () => {
  let checked = 0;
  for (const [key, code] of said)
    for (const [, setter = ''] of code.matchAll(/subject\.(set\w+)\(/g)) {
      const subject = new Subject();
      (subject as unknown as Record<string, (...args: unknown[]) => void>)[setter]!(...(SETTERS[setter] ?? ['text']));
      expect(Object.keys(subject.fields), setter).toEqual([key]);
      checked++;
    }
  expect(checked).toBeGreaterThan(14);
});

it('names arguments of tracking methods that set the field', () => {
  let checked = 0;
  for (const [key, code] of said)
    for (const [, method = '', argument = ''] of code.matchAll(/(track[A-Z]\w*)\(\{ (\w+)/g)) {
      const { tracker, payloads } = capture();
      const value = VALUES[argument] ?? (NUMBERS.test(argument) ? 7 : 'text');
      const args = { ...METHODS[method], [argument]: value };
      (tracker as unknown as Record<string, (args: unknown) => void>)[method]!(args);
      expect(Object.keys(payloads[0]!), code).toContain(key);
      checked++;
    }
  expect(checked).toBeGreaterThan(25);
});

it('names arguments that every event takes, and options of a tracker', () => {
  const { tracker, last } = capture();
  const track = (args: object): Readonly<Record<string, string>> => {
    tracker.trackPageView({ pageUrl: 'https://shop.example/', ...args });
    return last();
  };
  const eventId = '6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11';
  expect([said.get('eid'), track({ eventId })['eid']]).toEqual(['eventId in any trackXxx()', eventId]);
  expect([said.get('ttm'), track({ timestamp: 5 })['ttm']]).toEqual(['timestamp in any trackXxx()', '5']);
  expect([said.get('dtm'), track({ timestamp: { type: 'dtm', value: 5 } })['dtm']]).toEqual([
    "timestamp: { type: 'dtm', value } in any trackXxx()",
    '5',
  ]);
  const context = [{ schema: 'iglu:com.acme/user/jsonschema/1-0-0', data: {} }];
  expect([said.get('cx'), track({ context })['cx']]).toEqual([
    'context: [{ schema, data }] in any trackXxx()',
    expect.any(String),
  ]);
  for (const [key, option] of [
    ['p', 'platform'],
    ['tna', 'namespace'],
    ['aid', 'appId'],
  ] as const) {
    expect(said.get(key)).toContain(`createTracker({ ${option} })`);
    const made = capture({ [option]: 'web' });
    made.tracker.trackPageView({ pageUrl: 'https://shop.example/' });
    expect(made.last()[key]).toBe('web');
  }
});
