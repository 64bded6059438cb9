import { describe, expect, it } from 'vitest';
import { ecommerceTransaction, pageView, Subject, Tracker, type TrackerOptions } from 'snowplow-middleware';
import { capture, entitiesOf, thrownBy } from '../../support/capture';

const THING = 'iglu:com.acme/thing/jsonschema/1-0-0';
const ID = '2c5ea4c0-4067-41e9-8bad-9b1deb4d3b7d';
const IDENTIFIERS = ['uid', 'duid', 'tnuid', 'sid', 'vid', 'ip'];
const visitor = (): Subject =>
  new Subject()
    .setUserId('u-17')
    .setDomainUserId('d-1')
    .setNetworkUserId('n-1')
    .setDomainSessionId(ID)
    .setDomainSessionIndex(3)
    .setIpAddress('203.0.113.9')
    .setLang('et');

describe('set-up', () => {
  const emitters = { input: (): void => {} };
  const WRONG: [wording: string, options: unknown][] = [
    ['Tracker: emitters must be an emitter or a list of at least one, got an array', { emitters: [] }],
    ['Tracker: emitters must be an emitter or a list of at least one, got an array', { emitters: [emitters, {}] }],
    ['Tracker: emitters must be an emitter or a list of at least one, got nothing', {}],
    ['Tracker: emitters must be an emitter or a list of at least one, got null', { emitters: null }],
    ['Tracker options must be a plain object, got undefined', undefined],
    ['Tracker: Unknown option `appID`; did you mean `appId`?', { emitters, appID: 'x' }],
    ['Tracker: Unknown option `"two words"`', { emitters, 'two words': 'x' }],
    [`Tracker: Unknown option \`"${'x'.repeat(40)}…"\``, { emitters, ['x'.repeat(10_000)]: 'x' }],
    ['Tracker: Unknown option `"a\\n·\\u001b[2J··"`', { emitters, 'a\n\u0085\u001b[2J\u2028\u202e': 'x' }],
    ['Tracker: Unknown option `größe`', { emitters, größe: 'x' }],
    ["Tracker: contracts must be one of 'throw', 'log', 'off', got true", { emitters, contracts: true }],
    ["Tracker: platform must be one of 'web', 'iot', 'app', 'mob', 'pc', 'cnsl', 'tv', 'srv', 'headset', got \"node\"", { emitters, platform: 'node' }],
    ['Tracker: encodeBase64 must be true or false, got 1', { emitters, encodeBase64: 1 }],
    ['Tracker: subject must be a Subject, got an object', { emitters, subject: {} }],
    ['Tracker: namespace must be a string, got 7', { emitters, namespace: 7 }],
    ['Tracker: beforeSend must be a function, got an object', { emitters, beforeSend: {} }],
    ['Tracker: logger must be an object with debug, info, warn and error methods or false, got true', { emitters, logger: true }],
  ]; // prettier-ignore
  it.each(WRONG)('a mistake is a ConfigError: %s', (wording, options) => {
    const error = thrownBy(() => new Tracker(options as TrackerOptions));
    expect(error.message).toBe(wording);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'ERR_SNOWPLOW_CONFIG' });
  });

  it('undefined counts as not given', () => {
    const { tracker, last } = capture({ namespace: undefined, platform: undefined, contracts: undefined, subject: undefined }); // prettier-ignore
    tracker.trackPageView({ pageUrl: 'http://h/' });
    expect(last()).toMatchObject({ p: 'srv' });
    expect(last()).not.toHaveProperty('tna');
  });

  it('the options object may change later: the tracker keeps what it was given', () => {
    const { tracker, last } = capture();
    const options: TrackerOptions = { emitters: { input: () => {} }, appId: 'a' };
    const other = new Tracker(options);
    options.appId = 'b';
    expect(other.namespace).toBe('');
    tracker.trackPageView({ pageUrl: 'http://h/' });
    expect(last()).not.toHaveProperty('aid');
  });

  it('addEmitter asks for an input method', () => {
    const { tracker } = capture();
    expect(() => tracker.addEmitter({} as never)).toThrow('addEmitter: emitter must be an object with an input method, got an object'); // prettier-ignore
  });
});

describe('an event’s own id', () => {
  it('is kept, and given back', () => {
    const { tracker, last } = capture();
    expect(tracker.track(pageView({ pageUrl: 'http://h/', eventId: ID }))).toBe(ID);
    expect(last()['eid']).toBe(ID);
  });

  it('is made where it is absent, or no UUID with contracts off', () => {
    const { tracker, last } = capture({ contracts: 'off' });
    const id = tracker.track({ fields: { e: 'pv' }, args: { eventId: 'no-uuid' } });
    expect(id).toMatch(/^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/);
    expect(last()['eid']).toBe(id);
  });
});

describe('an event’s own subject', () => {
  it('is laid over the tracker’s, field by field, for this event alone', () => {
    const { tracker, payloads } = capture({ subject: new Subject().setUserId('app').setLang('fi') });
    tracker.trackPageView({ pageUrl: 'http://h/', subject: new Subject().setUserId('event').setColorDepth(24) });
    tracker.trackPageView({ pageUrl: 'http://h/' });
    expect(payloads[0]).toMatchObject({ uid: 'event', lang: 'fi', cd: '24' });
    expect(payloads[1]).toMatchObject({ uid: 'app', lang: 'fi' });
    expect(payloads[1]).not.toHaveProperty('cd');
  });

  it('has no platform unless it was set', () => {
    const { tracker, last } = capture({ platform: 'app' });
    tracker.trackPageView({ pageUrl: 'http://h/', subject: new Subject().setUserId('u') });
    expect(last()['p']).toBe('app');
  });

  it('may bring the page and the referrer, and the event may bring others', () => {
    const { tracker, payloads } = capture();
    const subject = new Subject().setPageUrl('https://acme.com/a').setReferrer('https://acme.com/b');
    tracker.trackPageView({ subject });
    tracker.trackPageView({ subject, pageUrl: 'https://acme.com/c', referrer: 'https://acme.com/d' });
    tracker.trackStructEvent({ category: 'c', action: 'a', subject });
    expect(payloads.map(({ url, refr }) => [url, refr])).toEqual([
      ['https://acme.com/a', 'https://acme.com/b'],
      ['https://acme.com/c', 'https://acme.com/d'],
      ['https://acme.com/a', 'https://acme.com/b'],
    ]);
  });
});

describe('the tracker’s subject', () => {
  it('counts as it is at the moment of tracking', () => {
    const { tracker, payloads } = capture();
    tracker.trackPageView({ pageUrl: 'http://h/' });
    tracker.subject.setUserId('a');
    tracker.trackPageView({ pageUrl: 'http://h/' });
    tracker.subject.setUserId(null).setLang('et');
    tracker.trackPageView({ pageUrl: 'http://h/' });
    tracker.setSubject(new Subject().setUserId('b'));
    tracker.trackPageView({ pageUrl: 'http://h/' });
    expect(payloads.map(({ uid, lang }) => [uid, lang])).toEqual([
      [undefined, undefined],
      ['a', undefined],
      [undefined, 'et'],
      ['b', undefined],
    ]);
  });

  it('is under the subject of withSubject, also when it changes afterwards', () => {
    const { tracker, last } = capture();
    const visitors = tracker.withSubject(new Subject().setUserId('visitor'));
    visitors.trackPageView({ pageUrl: 'http://h/' });
    tracker.setSubject(new Subject().setLang('fi').setUserId('app'));
    visitors.trackPageView({ pageUrl: 'http://h/' });
    expect(last()).toMatchObject({ uid: 'visitor', lang: 'fi' });
    tracker.subject.setLang('sv');
    visitors.trackPageView({ pageUrl: 'http://h/' });
    expect(last()).toMatchObject({ uid: 'visitor', lang: 'sv' });
    expect(visitors.subject.fields).toEqual({ uid: 'visitor' });
  });
});

it('1,000 flows at once, each with its own subject, never see each other’s', async () => {
  const { tracker, payloads } = capture();
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      const mine = tracker.withSubject(new Subject());
      mine.subject.setUserId(`u-${index}`);
      if (index % 2) await turn();
      mine.trackStructEvent({ category: 'first', action: `u-${index}` });
      for (let step = 0; step < index % 5; step++) await turn();
      mine.setSubject(new Subject().setUserId(`u-${index}`).setLang('et'));
      await turn();
      mine.trackStructEvent({ category: 'second', action: `u-${index}` });
    }),
  );
  expect(payloads).toHaveLength(2000);
  for (const payload of payloads) {
    expect(payload['uid']).toBe(payload['se_ac']);
    expect(payload['lang']).toBe(payload['se_ca'] === 'second' ? 'et' : undefined);
  }
  expect(tracker.subject.fields).toEqual({});
});

describe('a transaction', () => {
  const items = [
    { sku: 'ROPE-12', price: 12.75, quantity: 4, name: 'Rope', category: 'deck', context: [{ schema: THING, data: { n: 1 } }] },
    { sku: 'FEND-1', price: 13, quantity: 1 },
  ]; // prettier-ignore

  it('is one event and one more per item, which share order, currency, time and subject and keep their own entities', () => {
    const { tracker, payloads } = capture();
    const context = [{ schema: THING, data: { n: 9 } }];
    const subject = new Subject().setUserId('buyer');
    tracker.trackEcommerceTransaction({ orderId: 'T-77', totalValue: 64, currency: 'EUR', timestamp: 5, eventId: ID, subject, context, items }); // prettier-ignore
    expect(payloads.map(({ e }) => e)).toEqual(['tr', 'ti', 'ti']);
    for (const payload of payloads) expect(payload).toMatchObject({ ttm: '5', uid: 'buyer' });
    for (const payload of payloads.slice(1)) expect(payload).toMatchObject({ ti_id: 'T-77', ti_cu: 'EUR' });
    expect(payloads.map((payload) => entitiesOf(payload))).toEqual([context, items[0]!.context, []]);
    expect(new Set(payloads.map(({ eid }) => eid)).size).toBe(3);
    expect(payloads[0]!['eid']).toBe(ID);
  });

  it('without a time has none in its items either', () => {
    const { tracker, payloads } = capture();
    tracker.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items });
    for (const payload of payloads) expect(payload).not.toHaveProperty('ttm');
  });

  it('is counted event by event', () => {
    const { tracker } = capture();
    tracker.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items });
    expect(tracker.stats()).toMatchObject({ offered: 3, accepted: 3 });
  });

  it('that is filtered in part is refused whole', () => {
    const { tracker, payloads } = capture({ beforeSend: (payload) => (payload['ti_sk'] === 'FEND-1' ? undefined : payload) }); // prettier-ignore
    expect(tracker.track(ecommerceTransaction({ orderId: 'T', totalValue: 1, items }))).toBeUndefined();
    expect(payloads).toEqual([]);
    expect(tracker.stats()).toMatchObject({ offered: 3, refused: { filtered: 3 } });
  });
});

describe('anonymous', () => {
  const events = { category: 'c', action: 'a' };
  const check = (payload: object): void => {
    for (const key of IDENTIFIERS) expect(payload).not.toHaveProperty(key);
    expect(payload).toMatchObject({ lang: 'et' });
  };

  it('an event holds no identifier and no address, and says so to the emitter', () => {
    const { tracker, payloads, metas } = capture({ subject: visitor() });
    tracker.trackStructEvent({ ...events, anonymous: true });
    check(payloads[0]!);
    expect(metas[0]).toEqual({ eventId: payloads[0]!['eid'], anonymous: true });
    tracker.trackStructEvent(events);
    for (const key of IDENTIFIERS) expect(payloads[1]).toHaveProperty(key);
    expect(metas[1]!.anonymous).toBe(false);
  });

  it('a tracker’s events hold none, whoever’s subject brings them', () => {
    const { tracker, last } = capture({ anonymous: true, subject: visitor() });
    tracker.trackStructEvent(events);
    check(last());
    tracker.withSubject(visitor()).trackStructEvent(events);
    check(last());
    tracker.trackStructEvent({ ...events, subject: visitor() });
    check(last());
  });

  it('once asked for is never taken back by an event', () => {
    const { tracker, last, metas } = capture({ anonymous: true, contracts: 'off', subject: visitor() });
    for (const anonymous of [false, null, undefined, '', 0]) {
      tracker.trackStructEvent({ ...events, anonymous: anonymous as false });
      check(last());
      expect(metas.at(-1)!.anonymous).toBe(true);
    }
  });

  it('holds for each item of a transaction', () => {
    const { tracker, payloads } = capture({ subject: visitor() });
    tracker.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, anonymous: true, items: [{ sku: 's', price: 1, quantity: 1 }] }); // prettier-ignore
    expect(payloads).toHaveLength(2);
    for (const payload of payloads) check(payload);
  });

  it('holds against beforeSend', () => {
    const { tracker, last } = capture({ anonymous: true, beforeSend: (payload) => ({ ...payload, uid: 'u', ip: '1.2.3.4', lang: 'et' }) }); // prettier-ignore
    tracker.trackStructEvent(events);
    check(last());
  });

  it('and named events from one subject do not mix up what is kept ready for it', () => {
    const { tracker, payloads } = capture({ subject: visitor() });
    for (const anonymous of [true, false, true, false]) tracker.trackStructEvent({ ...events, anonymous });
    expect(payloads.map((payload) => payload['uid'])).toEqual([undefined, 'u-17', undefined, 'u-17']);
  });
});

it('a tracker that is not enabled refuses every event, counted and without a line', () => {
  const lines: unknown[] = [];
  const write = (...line: unknown[]): void => void lines.push(line);
  const logger = { debug: write, info: write, warn: write, error: write };
  const { tracker, payloads } = capture({ enabled: false, logger });
  expect(tracker.track(pageView({ pageUrl: 'http://h/' }))).toBeUndefined();
  tracker.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items: [{ sku: 's', price: 1, quantity: 1 }] });
  expect(payloads).toEqual([]);
  expect(lines).toEqual([]);
  expect(tracker.stats()).toMatchObject({ offered: 3, accepted: 0, refused: { disabled: 3 } });
});

it('every trackXxx returns the very object it was called on', () => {
  const { tracker } = capture();
  const visitors = tracker.withSubject(new Subject());
  for (const each of [tracker, visitors]) expect(each.trackPageView({ pageUrl: 'http://h/' }).setSubject(new Subject())).toBe(each); // prettier-ignore
});

it('a request’s tracker can close nothing and rewire nothing', () => {
  const visitors = capture().tracker.withSubject(new Subject());
  for (const name of ['close', 'addEmitter', 'runWith', 'stored']) expect(name in visitors).toBe(false);
});
