// What one request's strings become: rows of known threats, and properties that hold for any text a visitor may send.
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clientSession,
  privacyDecision,
  type RequestFacts,
  requestFields,
  type RequestRules,
} from '../../src/core/request';

const DUID = '8e1f0a6e-6a0c-4f5e-9d0e-2b7c3c1d4e5f';
const SID = '1c9b7d34-2f11-4a57-8a86-0b1e2d3c4f5a';
const NETWORK = 'a1b2c3d4-e5f6-4789-8abc-def012345678';
const COOKIE = `_sp_id.1fff=${DUID}.1700000000.7.1700000900..${SID}; _sp_ses.1fff=*; sp=${NETWORK}`;
const WEB_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';

const FACTS: RequestFacts = {
  ip: '203.0.113.9',
  method: 'GET',
  protocol: 'https',
  host: 'shop.acme.com',
  originalUrl: '/tea',
  userAgent: 'Mozilla/5.0',
  acceptLanguage: 'et-EE,et;q=0.9,en;q=0.8',
  cookie: COOKIE,
  referrer: 'https://www.example.org/search?q=tea',
  dnt: undefined,
  gpc: undefined,
};
const RULES: RequestRules = {
  cookieName: '_sp_',
  cookieDomain: undefined,
  cookiePath: undefined,
  origin: undefined,
  maskIp: false,
  redactQuery: [],
  redactUrl: undefined,
  respectPrivacySignals: 'off',
};
const noHookError = (hook: string): never => {
  throw new Error(`unexpected report of ${hook}`);
};
const fields = (facts: Partial<RequestFacts>, rules: Partial<RequestRules> = {}, anonymous = false) =>
  requestFields({ ...FACTS, ...facts }, { ...RULES, ...rules }, anonymous, noHookError);
const urlOf = (originalUrl: string, rules: Partial<RequestRules> = {}) => fields({ originalUrl }, rules).url;
const refrOf = (referrer: string) => fields({ referrer }).refr;

describe('requestFields', () => {
  it('turns the strings of a request into the wire fields of a subject', () => {
    expect(fields({})).toEqual({
      ip: '203.0.113.9',
      ua: 'Mozilla/5.0',
      lang: 'et-EE',
      duid: DUID,
      sid: SID,
      vid: '7',
      tnuid: NETWORK,
      url: 'https://shop.acme.com/tea',
      refr: 'https://www.example.org/search?q=tea',
    });
  });

  it('leaves out whatever the request did not bring', () => {
    const bare = { ip: undefined, host: undefined, userAgent: '', acceptLanguage: undefined, cookie: undefined };
    expect(fields({ ...bare, referrer: undefined })).toEqual({});
  });

  it('sends nothing that tells who an anonymous visitor is, not even the id in a cross-domain link', () => {
    const linked = `/tea?_sp=${DUID}.1700000000000&page=2`;
    const sent = fields({ originalUrl: linked, referrer: `https://acme.com${linked}` }, {}, true);
    expect(sent).toEqual({
      ua: 'Mozilla/5.0',
      lang: 'et-EE',
      url: 'https://shop.acme.com/tea?page=2',
      refr: 'https://acme.com/tea?page=2',
    });
  });

  it('chooses among several id cookies by the public host name where one is configured', () => {
    const other = COOKIE.replace('1fff', '0000').replaceAll('1fff', '0000').replace(DUID, NETWORK);
    // 1fff is the hash of localhost.
    expect(fields({ cookie: `${other}; ${COOKIE}` }, { origin: 'http://localhost:8080' }).duid).toBe(DUID);
  });
});

describe('ip', () => {
  it.each([
    ['an IPv4 address', '203.0.113.9', '203.0.113.9', '203.0.113.0'],
    ['with a port', '203.0.113.9:51234', '203.0.113.9', '203.0.113.0'],
    ['IPv4 inside IPv6, as dual-stack sockets have it', '::ffff:203.0.113.9', '203.0.113.9', '203.0.113.0'],
    ['the same in upper case', '::FFFF:203.0.113.9', '203.0.113.9', '203.0.113.0'],
    ['an upper-case IPv6 address', '2001:DB8:AB:CD::1', '2001:db8:ab:cd::1', '2001:db8:ab::'],
    ['with brackets and port', '[2001:db8::1]:443', '2001:db8::1', '2001:db8:0::'],
    ['with brackets alone', '[::1]', '::1', '0:0:0::'],
    ['with a zone', 'fe80::1%eth0', 'fe80::1', 'fe80:0:0::'],
    ['with zone, brackets and port', '[fe80::1%25eth0]:80', 'fe80::1', 'fe80:0:0::'],
    ['seven groups behind the gap', '::2:3:4:5:6:7:8', '::2:3:4:5:6:7:8', '0:2:3::'],
    ['a dotted end', '64:ff9b::203.0.113.9', '64:ff9b::203.0.113.9', '64:ff9b:0::'],
    ['a dotted end behind six groups', '::2:3:4:5:6:1.2.3.4', '::2:3:4:5:6:1.2.3.4', '0:2:3::'],
  ])('brings the forms of an address to one, masked to its network on wish: %s', (_, ip, plain, masked) => {
    expect(fields({ ip }).ip).toBe(plain);
    expect(fields({ ip }, { maskIp: true }).ip).toBe(masked);
    expect(isIP(masked)).not.toBe(0);
  });

  it.each([
    '', 'unknown', '<script>alert(1)</script>', '203.0.113.256', '203.0.113.9, 6.6.6.6', '203.0.113.9:port', '203.0.113.9:',
    '[203.0.113.9]', '[::1', '[::1]x', '::1]', '203.0.113.9%eth0', '%', '[]', ':', 'localhost:80', '1::2::3', '127.1', `fe80::1%${'x'.repeat(16_000)}`,
  ])('takes no garbage for an address, though frameworks hand over a spoofed header unchecked: %s', (ip) => {
    expect(fields({ ip })).not.toHaveProperty('ip');
    expect(fields({ ip }, { maskIp: true })).not.toHaveProperty('ip');
  }); // prettier-ignore

  it('gives a valid address or none for any text, and masked never the full one', () => {
    const piece = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('[', ']', ':', '%', '.', '::', 'ffff'), fc.string());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
        const ip = pieces.join('');
        const plain = fields({ ip }).ip;
        const masked = fields({ ip }, { maskIp: true }).ip;
        expect(plain === undefined || isIP(plain) > 0).toBe(true);
        expect(masked === undefined).toBe(plain === undefined);
        expect(masked ?? '0.0.0.0').toMatch(/\.0$|^[\da-f]+:[\da-f]+:[\da-f]+::$/);
      }),
    );
  });
});

describe('ua and lang', () => {
  it('cuts a user agent of kilobytes at 1,000 units, never through a surrogate pair', () => {
    expect(fields({ userAgent: 'x'.repeat(15_000) }).ua).toHaveLength(1000);
    expect(fields({ userAgent: `${'x'.repeat(999)}😀` }).ua).toBe('x'.repeat(999));
    expect(fields({ userAgent: `${'x'.repeat(998)}😀!` }).ua).toBe(`${'x'.repeat(998)}😀`);
  });

  it('mends lone surrogates in a user agent', () => {
    expect(fields({ userAgent: 'a\ud800b' }).ua).toBe('a\ufffdb');
  });

  it.each([
    ['en', 'en'],
    ['en-GB;q=0.8, et', 'en-GB'],
    ['zh-Hant-TW', 'zh-Hant-TW'],
    [' es-419 ,en', 'es-419'],
    ['*', undefined],
    ['', undefined],
    [',en', undefined],
    ['e', undefined],
    ['en-', undefined],
    ['en--GB', undefined],
    ['<script>', undefined],
    ['en GB', undefined],
    [`en-${'a'.repeat(300)}`, undefined],
  ])('takes the first language of the header %j where it has the shape of a tag', (acceptLanguage, lang) => {
    expect(fields({ acceptLanguage }).lang).toBe(lang);
  });
});

describe('url', () => {
  it.each([
    ['a path', '/tea?page=2', '/tea?page=2'],
    ['a bare question mark', '/tea?', '/tea?'],
    ['what a URI may hold', "/a-._~!$&'()*+,;=:@%41?a=[1]&b=/?:@", "/a-._~!$&'()*+,;=:@%41?a=[1]&b=/?:@"],
    ['a fragment', '/tea#token=canary', '/tea'],
    ['a fragment behind a query', '/tea?a=1#b?c', '/tea?a=1'],
    ['a target in absolute form, which names another host', 'http://evil.example/tea?page=2', '/tea?page=2'],
    ['an absolute form with credentials', 'HTTPS://user:canary@evil.example', '/'],
    ['an absolute form with a query alone', 'http://evil.example?page=2', '/?page=2'],
    ['a path that looks like a host', '//evil.example/tea', '//evil.example/tea'],
    ['the asterisk of OPTIONS', '*', '/'],
    ['the host and port of CONNECT', 'evil.example:443', '/'],
    ['nothing', '', '/'],
    ['another scheme', 'ftp://user:canary@evil.example/', '/'],
    ['characters no URI may hold', '/a|b "<>\\^`{}?c=|"', '/a%7Cb%20%22%3C%3E%5C%5E%60%7B%7D?c=%7C%22'],
    ['brackets in a path', '/a[1]?b[1]=2', '/a%5B1%5D?b[1]=2'],
    ['a percent sign that starts no escape', '/100%?a=%zz%4', '/100%25?a=%25zz%254'],
    ['control characters', '/a\tb\u0000\u007f', '/a%09b%00%7F'],
    ['text beyond ASCII', '/õhtu/茶/😀', '/%C3%B5htu/%E8%8C%B6/%F0%9F%98%80'],
    ['UTF-8 as Node hands it over, a character for each byte', '/Ãµhtu', '/%C3%B5htu'],
    ['Latin-1 that is not UTF-8', '/\u00f5htu', '/%C3%B5htu'],
    ['a lone surrogate', '/\ud800', '/%EF%BF%BD'],
  ])('keeps the page within its own host and to what the pipeline can parse: %s', (_, target, expected) => {
    expect(urlOf(target)).toBe(`https://shop.acme.com${expected}`);
  });

  it.each(['acme.com', 'ACME.com:8443', '[2001:db8::1]:80', '127.0.0.1:3000', 'localhost', 'a_b.acme.com'])(
    'takes %s for a host',
    (host) => expect(fields({ host, originalUrl: '/' }).url).toBe(`https://${host}/`),
  );

  it.each([
    'evil.example/path', 'user:canary@acme.com', 'acme.com?a', 'acme.com#a', 'acme.com\\a', 'a b', 'x"<y', '', ':80', 'acme.com:',
    'acme.com:99999', 'acme.com:port', '[::1', '::1', '1.2.3.4.5', '.', '%61', 'äöü', `${'a'.repeat(256)}`,
  ])('leaves the page out rather than trust a spoofed host: %s', (host) => {
    expect(fields({ host })).not.toHaveProperty('url');
  }); // prettier-ignore

  it('leaves the page out when a spoofed header turned the protocol into something else', () => {
    expect(fields({ protocol: 'javascript' })).not.toHaveProperty('url');
    expect(fields({ protocol: 'HTTPS' }).url).toBe('https://shop.acme.com/tea');
  });

  it('takes the configured origin, whatever the request claims', () => {
    const origin = 'https://www.acme.com';
    expect(fields({ protocol: 'x', host: '<', originalUrl: '/tea' }, { origin }).url).toBe('https://www.acme.com/tea');
  });

  it('ends a query that is too long where a parameter ends', () => {
    const url = urlOf(`/tea?${'page=2&'.repeat(2000)}`)!;
    expect(url.length).toBeGreaterThan(5900);
    expect(url).toMatch(/[?&]page=2$/);
    expect(new URL(url).search.length - 1).toBeLessThanOrEqual(6000);
    expect(urlOf(`/tea?a=1;b=${'x'.repeat(7000)}`)).toBe('https://shop.acme.com/tea?a=1');
    expect(urlOf(`/tea?a=${'x'.repeat(7000)}`)).toBe('https://shop.acme.com/tea');
  });

  it('cuts a path that is too long between escapes and leaves its query out', () => {
    const url = urlOf(`/${'%C3%B5'.repeat(2000)}?page=2`)!;
    expect(url).toMatch(/^https:\/\/shop\.acme\.com\/(?:%C3|%B5)+$/);
    expect(new URL(url).pathname.length).toBeGreaterThan(2990);
    expect(new URL(url).pathname.length).toBeLessThanOrEqual(3000);
  });

  it('leaves out a target longer than any header should be, as a cut could halve a secret out of sight', () => {
    expect(urlOf(`/${'a'.repeat(16_384)}`)).toBeUndefined();
    expect(refrOf(`https://example.org/${'a'.repeat(16_384)}`)).toBeUndefined();
  });

  it.each([
    [`_sp=${DUID}.1700000000000`, true],
    [`_sp=${DUID}.1700000000000.${SID}.dXNlcg.c2l0ZQ.web.`, true],
    [`_sp=${DUID}%2E1700000000000`, true],
    [`_sp=${DUID}.1%3700000000000`, true],
    ['_sp=a.b', false],
    ['_sp=a', false],
    ['_sp=', false],
    ['_sp', false],
    ['_sp=.', false],
    ['_sp=.1700000000000', false],
    ['_sp=a.1700000000000x', false],
    ['_sp=a.17e9', false],
    ['_sp=a.-1', false],
    ['_sp=a.999999999999999999', false],
    ['%5Fsp=a.b', false],
    ['_sp=a%2Eb', false],
  ])('lets no malformed cross-domain parameter of a bot make the event bad: %s', (parameter, kept) => {
    const page = 'https://shop.acme.com/tea';
    const own = kept ? parameter : undefined;
    expect(urlOf(`/tea?${parameter}`)).toBe(own ? `${page}?${own}` : page);
    expect(urlOf(`/tea?a=1&${parameter}`)).toBe(own ? `${page}?a=1&${own}` : `${page}?a=1`);
    expect(urlOf(`/tea?${parameter};b=2`)).toBe(own ? `${page}?${own};b=2` : `${page}?b=2`);
    expect(urlOf(`/tea?a=1&${parameter}&b=2`)).toBe(own ? `${page}?a=1&${own}&b=2` : `${page}?a=1&b=2`);
  });
});

describe('refr', () => {
  it.each([
    ['https://www.example.org', 'https://www.example.org'],
    ['HTTP://Example.org:8080/Tea?a=1', 'HTTP://Example.org:8080/Tea?a=1'],
    ['https://user:canary@example.org/a@b', 'https://example.org/a@b'],
    ['https://a@b:canary@example.org/', 'https://example.org/'],
    ['https://example.org/tea#canary', 'https://example.org/tea'],
    ['https://example.org?a=1#canary', 'https://example.org?a=1'],
    ['https://example.org/cb?code=canary&a=1', 'https://example.org/cb?code=redacted&a=1'],
    ['https://example.org/Ã¤|', 'https://example.org/%C3%A4%7C'],
    ['android-app://com.google.android.gm/', 'android-app://com.google.android.gm/'],
    ['about:blank', undefined],
    ['file:///home/canary', undefined],
    ['javascript:alert(1)', undefined],
    ['/tea', undefined],
    ['//example.org/tea', undefined],
    ['https:/example.org', undefined],
    ['https://', undefined],
    ['https:///tea', undefined],
    ['https://exa mple.org/', undefined],
    ['https://example.org:port/', undefined],
    ['', undefined],
    ['garbage', undefined],
  ])('is an absolute URL without credentials and fragment, or absent: %s', (referrer, expected) => {
    expect(refrOf(referrer)).toBe(expected);
  });

  it('is cut like the page, to a longer path', () => {
    expect(refrOf(`https://example.org/${'a'.repeat(7000)}`)).toHaveLength('https://example.org'.length + 6000);
    expect(refrOf(`https://example.org/${'a'.repeat(4000)}?${'b=1&'.repeat(2000)}`)!.length).toBeLessThanOrEqual(8192);
  });
});

describe('credentials in URLs', () => {
  it.each([
    ['a token', 'token=canary', 'token=redacted'],
    ['a neighbour stays as it is', 'a=%20+b&token=canary&c=[1]', 'a=%20+b&token=redacted&c=[1]'],
    ['upper case and separators', 'Access-Token=canary&accessToken=canary', 'Access-Token=redacted&accessToken=redacted'],
    ['an escaped name', 'to%6ben=canary', 'to%6ben=redacted'],
    ['an escaped name with a broken escape beside it', '%ff%6bey%=canary', '%ff%6bey%25=redacted'],
    ['a repeated name', 'key=canary&key=canary', 'key=redacted&key=redacted'],
    ['semicolons', 'a=1;token=canary;b=2', 'a=1;token=redacted;b=2'],
    ['a second question mark', 'next=/cb?code=canary', 'next=/cb?code=redacted'],
    ['a form name in brackets', 'user[password]=canary&login%5Bpin%5D=canary', 'user[password]=redacted&login%5Bpin%5D=redacted'],
    ['a dotted name', 'connect.sid=canary&user.pin=canary', 'connect.sid=redacted&user.pin=redacted'],
    ['a numbered name', 'password2=canary&pin1=canary', 'password2=redacted&pin1=redacted'],
    ['a value with equal signs', 'sig=canary==&a=1', 'sig=redacted&a=1'],
    ['a cloud signature', 'X-Amz-Credential=canary&X-Amz-Signature=canary', 'X-Amz-Credential=redacted&X-Amz-Signature=redacted'],
    ['a URL with a secret as a value', 'next=https%3A%2F%2Facme.com%2Fcb%3Fcode%3Dcanary&a=1', 'next=redacted&a=1'],
    ['a URL with a secret fragment as a value', 'next=%2Fcb%23access_token%3Dcanary', 'next=redacted'],
    ['a web token under a harmless name', `q=${WEB_TOKEN}`, 'q=redacted'],
    ['a web token alone', WEB_TOKEN, 'redacted'],
    ['a web token inside a value', `h=Bearer%20${WEB_TOKEN}&a=1`, 'h=Bearer%20redacted&a=1'],
    ['an empty value', 'token=&code', 'token=&code'],
  ])('are masked in a query, byte for byte nothing else: %s', (_, query, expected) => {
    expect(urlOf(`/tea?${query}`)).toBe(`https://shop.acme.com/tea?${expected}`);
    expect(refrOf(`https://example.org/tea?${query}`)).toBe(`https://example.org/tea?${expected}`);
  }); // prettier-ignore

  it.each([
    'utm_source',
    'page',
    'q',
    'keyword',
    'zip_code',
    'promo_code',
    'author',
    'passenger',
    'signup',
    'side',
    'gclid',
    '1',
  ])('are not seen where there are none: %s', (name) => expect(urlOf(`/tea?${name}=canary`)).toContain('canary'));

  it('are masked in the path where they can be told: a web token, a Java session id', () => {
    expect(urlOf(`/verify/${WEB_TOKEN}/now`)).toBe('https://shop.acme.com/verify/redacted/now');
    expect(urlOf('/cart;jsessionid=canary;v=1/tea?a=1')).toBe(
      'https://shop.acme.com/cart;jsessionid=redacted;v=1/tea?a=1',
    );
  });

  it('are masked under the names of the user too, exactly those', () => {
    const redactQuery = ['E-Mail', 'q1', 'isikukood', 'tähis'];
    expect(
      urlOf('/tea?email=canary&e_mail=canary&q1=canary&t%C3%A4his=canary&token=canary', { redactQuery }),
    ).not.toContain('canary');
    expect(urlOf('/tea?q=canary', { redactQuery })).toContain('canary');
    expect(urlOf('/tea?q2=canary', { redactQuery })).toContain('canary');
  });

  it('are never sent, under any spelling of a name that tells them', () => {
    const names = [
      'token', 'key', 'secret', 'code', 'password', 'session', 'sig', 'jwt', 'auth', 'access_token', 'refresh_token', 'id_token',
      'api_key', 'apikey', 'client_secret', 'passwd', 'pwd', 'PHPSESSID', 'JSESSIONID', 'session_id', 'sid', 'signature', 'otp',
      'authorization', 'reset_password_token', 'csrf_token', 'SAMLResponse', 'ticket', 'oobCode', 'AWSAccessKeyId', 'X-Amz-Security-Token',
    ]; // prettier-ignore
    const spelling = (name: string) =>
      fc.array(fc.nat(3), { minLength: name.length, maxLength: name.length }).map((how) =>
        Array.from(name, (letter, at) => [letter, letter.toUpperCase(), `%${letter.charCodeAt(0).toString(16)}`, letter][how[at]!]).join(''),
      ); // prettier-ignore
    const parameter = fc.oneof(
      fc.constantFrom(...names).chain(spelling).map((name) => `${name}=c4n4ry`),
      fc.string({ maxLength: 6 }).map((text) => text.replaceAll('#', '')),
    ); // prettier-ignore
    fc.assert(
      fc.property(fc.array(fc.tuple(parameter, fc.constantFrom('&', ';')), { maxLength: 8 }), (parameters) => {
        const query = parameters.flat().join('');
        const sent = fields({
          originalUrl: `/?${query}`,
          referrer: `https://user:c4n4ry@example.org/?${query}#c4n4ry`,
        });
        expect(sent.url).not.toContain('c4n4ry');
        expect(sent.refr).not.toContain('c4n4ry');
      }),
    );
  });
});

describe('redactUrl', () => {
  it('has the last word on page and referrer, and sees them without what is masked anyway', () => {
    const seen: string[] = [];
    const redactUrl = (url: string) => {
      seen.push(url);
      return url.replace(/\/reset\/[^/?]+/, '/reset/redacted');
    };
    const page = { originalUrl: '/reset/canary?token=canary', referrer: 'https://example.org/reset/canary#canary' };
    expect(fields(page, { redactUrl })).toMatchObject({
      url: 'https://shop.acme.com/reset/redacted?token=redacted',
      refr: 'https://example.org/reset/redacted',
    });
    expect(seen).toEqual(['https://shop.acme.com/reset/canary?token=redacted', 'https://example.org/reset/canary']);
  });

  it('sees the whole path, so that a secret at the cut cannot slip by', () => {
    const redactUrl = (url: string) => url.replace(/canary-\d{9}/, 'redacted');
    expect(urlOf(`/${'a'.repeat(2990)}/canary-123456789`, { redactUrl })).not.toContain('canary');
  });

  it('cannot spoil an event: what it gives is cleaned and cut again, or left out', () => {
    expect(urlOf('/tea', { redactUrl: (url) => `${url} |#x` })).toBe('https://shop.acme.com/tea%20%7C');
    expect(urlOf('/tea', { redactUrl: (url) => url + 'x'.repeat(5000) })!.length).toBeLessThan(3100);
    expect(fields({}, { redactUrl: () => 'secret' })).not.toHaveProperty('url');
    expect(fields({}, { redactUrl: () => '' })).not.toHaveProperty('url');
  });

  it.each([
    ['throws', () => { throw new Error('canary'); }],
    ['throws at the referrer only', (url: string) => { if (url.includes('example.org')) throw new Error('canary'); return url; }],
    ['gives nothing', () => undefined],
    ['is async by mistake', (url: string) => Promise.resolve(url)],
    ['is async and rejects', () => Promise.reject(new Error('canary'))],
  ])('leaves page and referrer out and is reported once when it %s', async (_, hook) => {
    const reported: string[] = [];
    const rules = { ...RULES, redactUrl: hook as (url: string) => string };
    const sent = requestFields(FACTS, rules, false, (name) => reported.push(name));
    expect(sent).not.toHaveProperty('url');
    expect(sent).not.toHaveProperty('refr');
    expect(sent.duid).toBe(DUID);
    expect(reported).toEqual(['redactUrl']);
    // An unhandled rejection would show within a turn of the event loop, and fail the run.
    await new Promise((resolve) => setImmediate(resolve));
  }); // prettier-ignore
});

describe('privacyDecision', () => {
  it.each([
    [{ dnt: '1' }, true],
    [{ gpc: '1' }, true],
    [{ dnt: '0', gpc: '1' }, true],
    [{}, false],
    [{ dnt: '0' }, false],
    [{ dnt: 'unspecified', gpc: 'true' }, false],
    [{ gpc: '1, 1' }, false],
    [{ gpc: '' }, false],
  ])('takes the signals %j as a wish for privacy: %s, and answers it as configured', (signals, asked) => {
    for (const respectPrivacySignals of ['anonymous', 'skip'] as const)
      expect(privacyDecision({ ...FACTS, ...signals }, { ...RULES, respectPrivacySignals })).toBe(
        asked ? respectPrivacySignals : 'none',
      );
    expect(privacyDecision({ ...FACTS, ...signals }, RULES)).toBe('none');
  });
});

describe('clientSession', () => {
  it('is the entity of the browser session in the cookie, and absent without one', () => {
    expect(clientSession(FACTS, RULES)).toMatchObject({ data: { userId: DUID, sessionId: SID, sessionIndex: 7 } });
    expect(clientSession({ ...FACTS, cookie: undefined }, RULES)).toBeUndefined();
  });
});

describe('any request', () => {
  // What java.net.URI takes, which the pipeline parses with.
  const URI =
    /^[a-z-]+:\/\/[\w.:[\]-]+(?:[\w!.~'()*,;:$&+=/@-]|%[\da-f]{2})*(?:\?(?:[\w!.~'()*,;:$&+=/@?[\]-]|%[\da-f]{2})*)?$/i;
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom('http://', 'https://', '//', '/', '?', '#', '@', ':', ';', '&', '=', '%', '%2', '%41', '[', ']', '::1', '*', ','),
    fc.constantFrom('_sp=', 'token=', 'a.b', 'en', '\ud800', '😀', 'Ã¤', '_sp_id.1fff=', DUID, COOKIE, WEB_TOKEN, '1.2.3.4'),
    fc.constantFrom('x'.repeat(2999), '&a=%20'.repeat(1000)),
  ); // prettier-ignore
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const anyFacts = fc.record({
    ip: text,
    method: text,
    protocol: fc.oneof(text, fc.constant('https')),
    host: fc.oneof(text, fc.constant('acme.com')),
    originalUrl: fc.oneof(text, text.map((rest) => `/${rest}`)),
    userAgent: text,
    acceptLanguage: text,
    cookie: text,
    referrer: fc.oneof(text, text.map((rest) => `https://example.org/${rest}`)),
    dnt: text,
    gpc: text,
  }); // prettier-ignore

  function expectUsable(url: string, maxPath: number): void {
    expect(url).toMatch(URI);
    expect(url.length).toBeLessThanOrEqual(8192);
    const { host, username, password, hash } = new URL(url);
    expect([username, password, hash]).toEqual(['', '', '']);
    expect(host.length).toBeLessThanOrEqual(255);
    const [path = '', query = ''] = url.slice(url.indexOf('/', 8)).split(/\?(.*)/s, 2);
    expect(path.length).toBeLessThanOrEqual(maxPath);
    expect(query.length).toBeLessThanOrEqual(6000);
  }

  it('gives fields the pipeline accepts, and never throws', () => {
    let urls = 0;
    fc.assert(
      fc.property(anyFacts, fc.boolean(), (facts, anonymous) => {
        const sent = requestFields(facts, RULES, anonymous, noHookError);
        privacyDecision(facts, RULES);
        clientSession(facts, RULES);
        const { url, refr, ip, ua, lang, duid, sid, vid, tnuid, ...rest } = sent;
        expect(rest).toEqual({});
        if (anonymous) expect([ip, duid, sid, vid, tnuid]).toEqual(Array(5).fill(undefined));
        expect(ip === undefined || isIP(ip) > 0).toBe(true);
        expect((ua ?? 'x').isWellFormed()).toBe(true);
        expect((ua ?? 'x').length).toBeLessThanOrEqual(1000);
        expect(lang ?? 'en').toMatch(/^[a-z][a-z\d-]{1,254}$/i);
        for (const id of [duid, sid, tnuid]) expect(id ?? DUID).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i);
        expect(vid ?? '0').toMatch(/^\d{1,10}$/);
        if (url !== undefined) expectUsable(url, 3000);
        if (refr !== undefined) expectUsable(refr, 6000);
        if (url !== undefined && refr !== undefined) urls++;
      }),
      { numRuns: 500 },
    );
    expect(urls).toBeGreaterThan(10);
  });

  it('of a real client gives its page and its referrer, whose UTF-8 Node hands over a byte at a time', async () => {
    const sent = new Promise<Record<string, string>>((resolve, reject) => {
      const server = createServer((request, response) => {
        const { host, referer } = request.headers;
        resolve(fields({ protocol: 'http', host, originalUrl: request.url!, referrer: referer }));
        response.end();
        server.close();
      }).listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        const referer = Buffer.from('http://example.org/õhtu').toString('latin1');
        httpRequest({ port, host: '127.0.0.1', path: '/a|b?c="d"', headers: { referer } }).on('error', reject).end();
      });
    });
    const { url, refr } = await sent;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/a%7Cb\?c=%22d%22$/);
    expect(refr).toBe('http://example.org/%C3%B5htu');
  });
});
