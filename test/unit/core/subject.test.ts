import { afterEach, describe, expect, it } from 'vitest';
import { disableContracts, enableContracts, Subject } from 'snowplow-middleware';
import { capture } from '../../support/capture';

afterEach(enableContracts);

const SID = 'b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22';
const SETTERS: [setter: keyof Subject, args: unknown[], key: string, value: string][] = [
  ['setPlatform', ['mob'], 'p', 'mob'],
  ['setUserId', ['u-17'], 'uid', 'u-17'],
  ['setUserId', [4711], 'uid', '4711'],
  ['setUserId', [9_007_199_254_740_993n], 'uid', '9007199254740993'],
  ['setScreenResolution', [1728, 1117], 'res', '1728x1117'],
  ['setViewport', [1440, 820], 'vp', '1440x820'],
  ['setColorDepth', [30], 'cd', '30'],
  ['setTimezone', ['Europe/Tallinn'], 'tz', 'Europe/Tallinn'],
  ['setLang', ['et-EE'], 'lang', 'et-EE'],
  ['setIpAddress', ['203.0.113.77'], 'ip', '203.0.113.77'],
  ['setUseragent', ['HarbourBot/2.1'], 'ua', 'HarbourBot/2.1'],
  ['setDomainUserId', ['6f1c2b7e'], 'duid', '6f1c2b7e'],
  ['setDomainSessionId', [SID], 'sid', SID],
  ['setDomainSessionIndex', [12], 'vid', '12'],
  ['setNetworkUserId', ['0c9d8e7f'], 'tnuid', '0c9d8e7f'],
  ['setPageUrl', ['https://acme.com/tea'], 'url', 'https://acme.com/tea'],
  ['setReferrer', ['https://search.test/'], 'refr', 'https://search.test/'],
];

const call = (subject: Subject, setter: keyof Subject, args: unknown[]): Subject =>
  (subject[setter] as (...args: unknown[]) => Subject).apply(subject, args);

it('a new subject is empty', () => {
  expect(new Subject().fields).toEqual({});
});

describe.each(SETTERS)('%s', (setter, args, key, value) => {
  it(`sets ${key} and returns the subject`, () => {
    const subject = new Subject();
    expect(call(subject, setter, args)).toBe(subject);
    expect(subject.fields).toEqual({ [key]: value });
  });

  it('removes it again with undefined, null or an empty text', () => {
    for (const absent of [undefined, null, '']) {
      const subject = call(new Subject(), setter, args);
      call(subject, setter, args.map(() => absent)); // prettier-ignore
      expect(subject.fields).toEqual({});
    }
  });

  it('refuses what no pipeline takes, and keeps what was there', () => {
    for (const wrong of [{}, [], Symbol('s'), () => {}, true, NaN]) {
      const subject = call(new Subject(), setter, args);
      expect(() => call(subject, setter, args.map(() => wrong))).toThrow(`Subject.${setter}: `); // prettier-ignore
      expect(subject.fields).toEqual({ [key]: value });
    }
  });

  it('with contracts off, leaves out what no pipeline takes and never throws', () => {
    disableContracts();
    const hostile = { toString: () => { throw new Error('never asked'); } }; // prettier-ignore
    for (const wrong of [{}, [], Symbol('s'), () => {}, true, NaN, hostile])
      expect(call(call(new Subject(), setter, args), setter, args.map(() => wrong)).fields).toEqual({}); // prettier-ignore
  });
});

const WRONG: [wording: string, run: (subject: Subject) => unknown][] = [
  ['Subject.setPlatform: `platform` must be one of web, iot, app, mob, pc, cnsl, tv, srv, headset, got "fridge"', (s) => s.setPlatform('fridge' as 'web')],
  ['Subject.setViewport: `height` must be a positive integer, got -1', (s) => s.setViewport(10, -1)],
  ['Subject.setScreenResolution: `width` must be a positive integer, got 0', (s) => s.setScreenResolution(0, 5)],
  ['Subject.setScreenResolution: `height` must be a positive integer, got undefined', (s) => s.setScreenResolution(5, undefined)],
  ['Subject.setColorDepth: `depth` must be a positive integer, got "walrus"', (s) => s.setColorDepth('walrus' as never)],
  ['Subject.setDomainSessionIndex: `index` must be an integer from 0 to 2147483647, got 1.5', (s) => s.setDomainSessionIndex(1.5)],
  ['Subject.setDomainSessionId: `sessionId` must be a UUID, got "s8091074-1"', (s) => s.setDomainSessionId('s8091074-1')],
  ['Subject.setIpAddress: `ip` must be an IPv4 or IPv6 address, got ","', (s) => s.setIpAddress(',')],
  ['Subject.setIpAddress: `ip` must be an IPv4 or IPv6 address, got "203.0.113.7, 10.0.0.1"', (s) => s.setIpAddress('203.0.113.7, 10.0.0.1')],
  ['Subject.setUserId: `userId` must be a non-empty string, a safe integer or a bigint, got 1.5', (s) => s.setUserId(1.5)],
  ['Subject.setUserId: `userId` must be a non-empty string, a safe integer or a bigint, got 9007199254740992', (s) => s.setUserId(2 ** 53)],
  ['Subject.setUserId: `userId` must be a non-empty string, a safe integer or a bigint, got an object', (s) => s.setUserId({ toString: () => 'x' } as never)],
]; // prettier-ignore
it.each(WRONG)('says what is wrong: %s', (wording, run) => {
  expect(() => run(new Subject())).toThrow(wording);
});

it.each([
  ',',
  ' ',
  '|',
  '203.0.113.7, 10.0.0.1',
  'unknown',
  'localhost',
  '1.2.3',
  '1.2.3.4.5',
  `1.2.3.4${' '.repeat(200)}`,
])('leaves out an address that is none while contracts are off: %j', (ip) => {
  disableContracts();
  const { fields } = new Subject().setIpAddress('203.0.113.7').setIpAddress(ip);
  enableContracts();
  expect(fields).toEqual({});
});

it.each([
  ['203.0.113.7:8080', '203.0.113.7'],
  ['[2001:DB8::1]:443', '2001:db8::1'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
])('brings an address to its plain form: %s', (ip, plain) => {
  expect(new Subject().setIpAddress(ip).fields).toEqual({ ip: plain });
});

describe('limits', () => {
  const IDENTIFIERS: [setter: keyof Subject, key: string, limit: number][] = [
    ['setUserId', 'uid', 255],
    ['setDomainUserId', 'duid', 128],
    ['setNetworkUserId', 'tnuid', 128],
  ];
  it.each(IDENTIFIERS)('%s takes %s whole or leaves it out: cut, it would be another', (setter, key, limit) => {
    const fits = 'i'.repeat(limit);
    expect(call(new Subject(), setter, [fits]).fields).toEqual({ [key]: fits });
    expect(call(new Subject(), setter, [`${fits}i`]).fields).toEqual({});
  });

  const TEXTS: [setter: keyof Subject, key: string, limit: number][] = [
    ['setUseragent', 'ua', 1000],
    ['setLang', 'lang', 255],
    ['setTimezone', 'tz', 255],
  ];
  it.each(TEXTS)('%s cuts %s in UTF-16 units, and no surrogate pair in two', (setter, key, limit) => {
    expect(call(new Subject(), setter, ['ü'.repeat(limit + 1)]).fields).toEqual({ [key]: 'ü'.repeat(limit) });
    const kept = call(new Subject(), setter, [`${'a'.repeat(limit - 1)}🫖`]).fields[key];
    expect(kept).toBe('a'.repeat(limit - 1));
  });
});

describe('merge', () => {
  it('takes the fields of both, the nearer one where both have it, and changes neither', () => {
    const defaults = new Subject().setUserId('app').setLang('fi').setColorDepth(24);
    const own = new Subject().setUserId('visitor').setIpAddress('198.51.100.4');
    const merged = Subject.merge(defaults, own);
    expect(merged.fields).toEqual({ uid: 'visitor', lang: 'fi', cd: '24', ip: '198.51.100.4' });
    merged.setUserId('later');
    expect(defaults.fields['uid']).toBe('app');
    expect(own.fields['uid']).toBe('visitor');
  });

  it('gives no platform of its own to a subject that has none', () => {
    const merged = Subject.merge(new Subject().setPlatform('mob'), new Subject().setUserId('u9'));
    expect(merged.fields).toEqual({ p: 'mob', uid: 'u9' });
  });
});

it('what is written into its fields past the setters reaches no event', () => {
  const subject = new Subject().setUserId('u-17');
  Object.assign(subject.fields as Record<string, string>, { uid: 'other', url: '","e":"ue', unknown: 'x' });
  const { tracker, last } = capture();
  tracker.withSubject(subject).trackPageView({ pageUrl: 'http://h/' });
  expect(last()).toMatchObject({ uid: 'u-17', url: 'http://h/' });
  expect(last()).not.toHaveProperty('unknown');
  expect(subject.fields).toEqual({ uid: 'u-17' });
});
