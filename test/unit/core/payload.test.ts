import { describe, expect, it } from 'vitest';
import { pageView, SelfDescribingJson, structEvent, Subject, type TrackerEvent } from 'snowplow-middleware';
import { capture, entitiesOf, eventOf } from '../../support/capture';
import { faultsOf } from '../../support/payload-rules';

const THING = 'iglu:com.acme/thing/jsonschema/1-0-0';

it('every value of every event is a string, and every key one of payload_data', () => {
  const { tracker, payloads } = capture({ namespace: 'ns', appId: 'shop', subject: new Subject().setViewport(3, 4) });
  const context = [{ schema: THING, data: { n: 1 } }];
  tracker
    .trackPageView({ pageUrl: 'https://acme.com/', context, timestamp: 1 })
    .trackPagePing({ pageUrl: 'https://acme.com/', minX: 0, maxX: 1, minY: 2, maxY: 3 })
    .trackScreenView({ name: 'Home' })
    .trackMobileScreenView({ name: 'Home' })
    .trackStructEvent({ category: 'c', action: 'a', label: 'l', property: 'p', value: 0 })
    .trackSelfDescribingEvent({ event: context[0]! })
    .trackEcommerceTransaction({ orderId: 'T', totalValue: 9, items: [{ sku: 's', price: 4.5, quantity: 2 }] })
    .trackLinkClick({ targetUrl: 'https://acme.com/' })
    .trackAddToCart({ sku: 's', quantity: 1 })
    .trackRemoveFromCart({ sku: 's', quantity: 1 })
    .trackFormChange({ formId: 'f', nodeName: 'INPUT' })
    .trackFormSubmit({ formId: 'f' })
    .trackSiteSearch({ terms: ['tea'] })
    .trackTiming({ category: 'c', variable: 'v', timing: 1 })
    .trackError(new Error('out of tea'));
  expect(payloads).toHaveLength(16);
  for (const payload of payloads) expect([payload['e'], faultsOf(payload)]).toEqual([payload['e'], []]);
});

describe('an event made by hand', () => {
  const handMade = (fields: Record<string, unknown>, more: Partial<TrackerEvent> = {}): TrackerEvent => ({
    fields,
    args: {},
    ...more,
  });

  it('adds no key that a payload must not have, or that does not belong to an event', () => {
    const { tracker, payloads, last } = capture({ subject: new Subject().setUserId('app') });
    const fields = JSON.parse('{"e":"pv","url":"http://h/","__proto__":"x","constructor":"x"}') as object;
    tracker.track(
      handMade({
        ...fields, foo: 'x', u: 'x', cv: '1', ev_ca: 'x', uid: 'forged', p: 'web', tv: 'forged', aid: 'forged', eid: 'forged',
        dtm: '1', stm: '1', ue_px: 'e30', co: '{}', '"injected":"x","e"': 'x',
      }), // prettier-ignore
    );
    expect(payloads).toHaveLength(1);
    expect(faultsOf(last())).toEqual([]);
    expect(Object.keys(last()).toSorted()).toEqual(['dtm', 'e', 'eid', 'p', 'tv', 'uid', 'url']);
    expect(last()).toMatchObject({ uid: 'app', p: 'srv' });
    expect(last()['dtm']).not.toBe('1');
  });

  it.each([
    ['has no type', handMade({})],
    ['has an unknown type', handMade({ e: 'xx' })],
    ['has the retired type ad', handMade({ e: 'ad' })],
    ['has a type that is no text', handMade({ e: ['pv'] })],
    ['is self-describing and describes nothing', handMade({ e: 'ue' })],
    ['describes itself under a bad schema', handMade({ e: 'ue' }, { selfDescribing: { schema: 'x', data: {} } })],
    ['has an entity under a bad schema', handMade({ e: 'pv' }, { args: { context: [{ schema: 'x', data: {} }] } })],
  ])('that %s is refused as invalid in any mode: it would take its whole batch with it', (_what, event) => {
    for (const contracts of ['throw', 'log', 'off'] as const) {
      const { tracker, payloads } = capture({ contracts, subject: new Subject().setPageUrl('http://h/') });
      expect(tracker.track(event)).toBeUndefined();
      expect(payloads).toEqual([]);
      expect(tracker.stats().refused.invalid).toBe(1);
    }
  });

  it('keeps no identifier in its fields when it is anonymous', () => {
    const { tracker, last } = capture();
    tracker.track(handMade({ e: 'se', uid: 'u', ip: '1.2.3.4' }, { args: { anonymous: true } }));
    expect(Object.keys(last()).toSorted()).toEqual(['dtm', 'e', 'eid', 'p', 'tv']);
  });
});

it("a foreign subject adds only a subject's keys, in forms that the pipeline accepts", () => {
  const { tracker, last } = capture({ contracts: 'off' });
  const subject = { fields: { uid: 17, lang: 'et', e: 'tr', eid: 'x', foo: 'x', vp: { w: 1 }, sid: 'no-uuid', p: 'fridge' } }; // prettier-ignore
  tracker.trackStructEvent({ category: 'c', action: 'a', subject: subject as never });
  expect(faultsOf(last())).toEqual([]);
  expect(last()).toMatchObject({ e: 'se', uid: '17', lang: 'et', p: 'srv' });
  expect(Object.keys(last())).not.toContain('vp');
});

describe('numbers', () => {
  const CASES: [value: unknown, wire: string | undefined][] = [
    [0, '0'], [-0, '0'], [2, '2'], [-1.5, '-1.5'], [1e21, '1e+21'], [5e-7, '5e-7'], [NaN, undefined], [Infinity, undefined],
    [-Infinity, undefined], [Number('1e400'), undefined], ['7', '7'], ['seven', undefined], [' ', undefined], [10n, undefined],
    [true, undefined], [{}, undefined], [Symbol('s'), undefined],
  ]; // prettier-ignore
  it.each(CASES)('%s as a structured event’s value goes as %s', (value, wire) => {
    const { tracker, last } = capture({ contracts: 'off' });
    tracker.trackStructEvent({ category: 'c', action: 'a', value: value as number });
    expect(last()['se_va']).toBe(wire);
    expect(faultsOf(last())).toEqual([]);
  });

  const WHOLE: [value: unknown, wire: string | undefined][] = [
    [0, '0'], [-0.4, '0'], [1.5, '2'], [-7, '-7'], [2 ** 31 - 1, '2147483647'], [2 ** 31, undefined], [Number('1e400'), undefined], [NaN, undefined],
  ]; // prettier-ignore
  it.each(WHOLE)('%s as a quantity goes as %s', (quantity, wire) => {
    const { tracker, last } = capture({ contracts: 'off' });
    tracker.trackEcommerceTransactionItem({ orderId: 'T', sku: 's', price: 1, quantity: quantity as number });
    expect(last()['ti_qu']).toBe(wire);
    expect(faultsOf(last())).toEqual([]);
  });
});

describe('text', () => {
  it("is truncated to the pipeline's limit, in UTF-16 units and never through a surrogate pair", () => {
    const { tracker, last } = capture();
    const long = `${'x'.repeat(999)}🫖tea`;
    tracker.trackStructEvent({ category: long, action: 'ö'.repeat(1001), label: 'l'.repeat(5000), property: long });
    expect(last()).toMatchObject({ se_ca: 'x'.repeat(999), se_ac: 'ö'.repeat(1000), se_la: 'l'.repeat(4096), se_pr: 'x'.repeat(999) }); // prettier-ignore
  });

  it('leaves out order ids and article numbers that are too long', () => {
    const { tracker, payloads } = capture();
    const id = 'T'.repeat(256);
    tracker.trackEcommerceTransaction({ orderId: id, totalValue: 1, items: [{ sku: id, price: 1, quantity: 1 }] });
    for (const payload of payloads) expect(Object.values(payload).join()).not.toContain('TTT');
    expect(payloads.map((payload) => payload['e'])).toEqual(['tr', 'ti']);
  });

  it('with lone surrogates becomes well-formed, in every plain field', () => {
    const { tracker, last } = capture({ namespace: 'n\ud800', appId: 'a\udc00', subject: new Subject().setUserId('u\ud83d') }); // prettier-ignore
    tracker.trackPageView({ pageUrl: 'https://acme.com/\udfff', pageTitle: '\ud83d🫖' });
    expect(last()).toMatchObject({ tna: 'n\ufffd', aid: 'a\ufffd', uid: 'u\ufffd', url: 'https://acme.com/%EF%BF%BD', page: '\ufffd🫖' }); // prettier-ignore
  });

  it('keeps quotes, backslashes, control characters and line separators as they are', () => {
    const { tracker, last } = capture();
    const title = 'a"b\\c\u0000\u0007\n\r\t\u2028\u2029\u007f</script>é港🫖';
    tracker.trackPageView({ pageUrl: 'https://acme.com/', pageTitle: title });
    expect(last()['page']).toBe(title);
  });
});

describe('page and referrer URLs', () => {
  const path = (length: number): string => `/${'p'.repeat(length - 1)}`;
  const CASES: [what: string, given: string, sent: string | undefined][] = [
    ['an ordinary one stays', 'https://acme.com:8443/tea?a=1&b=%20#top', 'https://acme.com:8443/tea?a=1&b=%20#top'],
    ['text that is no URL stays: it names a screen', 'basket', 'basket'],
    ['a relative one stays', '/tea?page=2', '/tea?page=2'],
    ['letters of other alphabets stay', 'https://bücher.example/ä?q=ö#茶', 'https://bücher.example/ä?q=ö#茶'],
    ['what the parser refuses is percent-encoded', 'https://h/a b|"?q=<{^}>\u00a0#[`#]%zz%', 'https://h/a%20b%7C%22?q=%3C%7B%5E%7D%3E%C2%A0#[%60%23]%25zz%25'],
    ['so it is before the host', 'https://us er:[p]@h/', 'https://us%20er:%5Bp%5D@h/'],
    ['so is a colon that follows no scheme', '10.0.0.1:3000/tea', '10.0.0.1%3A3000/tea'],
    ['a name and a port stay: they read as a scheme', 'localhost:3000/tea', 'localhost:3000/tea'],
    ['an escape is not cut in two', `https://h/${'%20'.repeat(1200)}`, `https://h/${'%20'.repeat(999)}`],
    ['a host with what the parser refuses spoils it', 'https://a|b/', undefined],
    ['so does an address that is none', 'https://[1::2::3]/', undefined],
    ['so does a scheme alone', 'https://', undefined],
    ['an IPv6 host stays', 'https://[2001:db8::1]:8443/', 'https://[2001:db8::1]:8443/'],
    ['a path of 3,000 stays', `https://h${path(3000)}?q=1`, `https://h${path(3000)}?q=1`],
    ['a longer path is cut, with what follows', `https://h${path(3001)}?q=1#f`, `https://h${path(3000)}`],
    ['a query too long ends at a parameter', `https://h/?a=1&b=${'b'.repeat(6000)}`, 'https://h/?a=1'],
    ['a fragment too long goes', `https://h/#${'f'.repeat(3001)}`, 'https://h/'],
    ['one of nothing but a fragment too long is none', `#${'f'.repeat(3001)}`, undefined],
    ['a port that is no number spoils it', 'https://h:port/', undefined],
    ['a host with blanks spoils it', 'https://acme com/', undefined],
    ['a host too long spoils it', `https://${'h'.repeat(256)}/`, undefined],
    ['a scheme too long spoils it', `${'s'.repeat(17)}://h/`, undefined],
    ['a good cross-domain parameter stays', 'https://h/?_sp=6f1c.1700000000123&a=1', 'https://h/?_sp=6f1c.1700000000123&a=1'],
    ['a malformed one is taken out', 'https://h/?_sp=a.b&a=1', 'https://h/?&a=1'],
    ['a malformed one in escapes as well', 'https://h/?a=1&%5fs%70=a.b', 'https://h/?a=1&'],
    ['a parameter that only ends like it stays', 'https://h/?a_sp=a.b', 'https://h/?a_sp=a.b'],
  ]; // prettier-ignore
  it.each(CASES)('%s', (_what, pageUrl, sent) => {
    const { tracker, last } = capture();
    tracker.trackPageView({ pageUrl });
    expect(last()['url']).toBe(sent);
    expect(faultsOf(last())).toEqual([]);
  });

  it.each([
    ['its value', 'https://h/tea?_sp=6f1c.1700000000123&a=1#top', 'https://h/tea?a=1#top'],
    ['an escaped name', 'https://h/tea?a=1;%5Fsp=6f1c.1700000000123', 'https://h/tea?a=1'],
    ['nothing beside it', '/tea?_sp=6f1c.1700000000123', '/tea'],
    ['nothing but it', '?_sp=6f1c.1700000000123', undefined],
    ['a fragment like a query', 'https://h/#?_sp=6f1c', 'https://h/#'],
    ['a URL as a value', 'https://h/?next=%2Ftea%3F_sp%3D6f1c.1700000000123%26a%3D1', 'https://h/?next=%2Ftea%3Fa%3D1'],
    ['nothing but it and a scheme', 'https://?_sp=6f1c.1700000000123', undefined],
    ['a secret of the caller', 'https://h/?token=t&_sp=6f1c.1700000000123', 'https://h/?token=t'],
  ])('of an anonymous event have no cross-domain parameter: %s', (_what, given, sent) => {
    const { tracker, last } = capture();
    tracker.trackStructEvent({
      category: 'c',
      action: 'a',
      anonymous: true,
      subject: new Subject().setReferrer(given),
    });
    expect(last()['refr']).toBe(sent);
    tracker.trackPageView({ pageUrl: given, anonymous: true });
    expect(last()['url']).toBe(sent);
    expect(faultsOf(last())).toEqual([]);
  });

  it('a referrer’s path may be 6,000 long', () => {
    const { tracker, last } = capture();
    tracker.trackPageView({ pageUrl: 'http://h/', referrer: `https://h${path(6001)}` });
    expect(last()['refr']).toBe(`https://h${path(6000)}`);
  });
});

describe('data and entities', () => {
  const entity = { schema: THING, data: { weight: 4.25, name: 'Šķūneris ⚓ 港 ??>>~~' } };

  it('go in URL-safe base64 by default, as JSON with encodeBase64 false', () => {
    const encoded = capture();
    const plain = capture({ encodeBase64: false });
    for (const { tracker } of [encoded, plain]) tracker.trackSelfDescribingEvent({ event: entity, context: [entity] });
    expect(encoded.last()['ue_px']).toMatch(/^[\w-]+$/);
    expect(encoded.last()['cx']).toMatch(/^[\w-]+$/);
    for (const { last } of [encoded, plain]) {
      expect(eventOf(last())).toEqual(entity);
      expect(entitiesOf(last())).toEqual([entity]);
      expect(faultsOf(last())).toEqual([]);
    }
    expect(Object.keys(plain.last())).not.toContain('ue_px');
    expect(Object.keys(encoded.last())).not.toContain('ue_pr');
  });

  it('an empty list of entities counts as none', () => {
    const { tracker, last } = capture();
    tracker.trackPageView({ pageUrl: 'http://h/', context: [] });
    expect(last()).not.toHaveProperty('cx');
  });

  it('a SelfDescribingJson and a plain object are the same', () => {
    const { tracker, last } = capture();
    tracker.trackSelfDescribingEvent({ event: new SelfDescribingJson(THING, { n: 1 }), context: [new SelfDescribingJson(THING, { n: 2 })] }); // prettier-ignore
    expect(eventOf(last())).toEqual({ schema: THING, data: { n: 1 } });
    expect(entitiesOf(last())).toEqual([{ schema: THING, data: { n: 2 } }]);
  });

  it('other members of an entity than schema and data are not sent', () => {
    const { tracker, last } = capture();
    const wide = { ...entity, $schema: 'x', name: 'private' };
    tracker.trackSelfDescribingEvent({ event: wide, context: [wide] });
    expect(eventOf(last())).toEqual(entity);
    expect(entitiesOf(last())).toEqual([entity]);
  });
});

describe('times', () => {
  const NOW = expect.stringMatching(/^\d{13}$/) as string;
  const at = 1_650_000_000_999;
  const CASES: [what: string, timestamp: unknown, sent: { dtm: string; ttm?: string }][] = [
    ['none', undefined, { dtm: NOW }],
    ['a number', at, { dtm: NOW, ttm: `${at}` }],
    ['a number with decimals', at + 0.87, { dtm: NOW, ttm: `${at}` }],
    ['zero', 0, { dtm: NOW, ttm: '0' }],
    ['a Date', new Date(at), { dtm: NOW, ttm: `${at}` }],
    ['a true timestamp by name', { type: 'ttm', value: at }, { dtm: NOW, ttm: `${at}` }],
    ['a creation time by name', { type: 'dtm', value: new Date(at) }, { dtm: `${at}` }],
    ['text, with contracts off', `${at}`, { dtm: NOW }],
    ['microseconds, with contracts off', at * 1000, { dtm: NOW }],
    ['a negative one, with contracts off', -1, { dtm: NOW }],
    ['one of another key’s name, with contracts off', { type: 'se_va', value: at }, { dtm: NOW }],
    ['a symbol, with contracts off', Symbol('now'), { dtm: NOW }],
  ];
  it.each(CASES)('%s', (what, timestamp, sent) => {
    const { tracker, last } = capture({ contracts: what.includes('off') ? 'off' : 'throw' });
    const before = Date.now();
    tracker.trackPageView({ pageUrl: 'http://h/', timestamp: timestamp as number });
    const { dtm, ttm } = last();
    expect({ dtm, ...(ttm !== undefined && { ttm }) }).toEqual(sent);
    if (sent.dtm === NOW) expect(Number(dtm)).toBeGreaterThanOrEqual(before);
    expect(Object.keys(last())).not.toContain('stm');
  });
});

it('an event tracked twice is two events', () => {
  const { tracker, payloads } = capture();
  const event = pageView({ pageUrl: 'http://h/', subject: new Subject().setUserId('alice') });
  const other = structEvent({ category: 'c', action: 'a' });
  const ids = [tracker.track(event), tracker.track(event), tracker.track(other)];
  expect(new Set(ids).size).toBe(3);
  expect(payloads.map((payload) => payload['eid'])).toEqual(ids);
  expect(payloads[2]).not.toHaveProperty('uid');
});
