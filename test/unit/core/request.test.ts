// The fields of a request: known threats, and properties that hold for any text from a visitor.
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Log } from '../../../src/core/logger';
import { clientSession, requestFields } from '../../../src/core/request/request-fields';
import { decidePrivacy } from '../../../src/core/tracker/privacy';
import { COOKIE, DUID, FACTS, NETWORK, RULES, SID, WEB_TOKEN, fields, noHookError } from '../../support/request-fields';

const PRIVACY = { respectPrivacySignals: 'off', skip: undefined, anonymous: undefined } as const;
const log = new Log(false);

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

  it('leaves out what the request does not have', () => {
    const bare = { ip: undefined, host: undefined, userAgent: '', acceptLanguage: undefined, cookie: undefined };
    expect(fields({ ...bare, referrer: undefined })).toEqual({});
  });

  it('sends nothing that identifies an anonymous visitor, not even the id in a cross-domain link', () => {
    const linked = `/tea?_sp=${DUID}.1700000000000&page=2`;
    const sent = fields({ originalUrl: linked, referrer: `https://acme.com${linked}` }, {}, true);
    expect(sent).toEqual({
      ua: 'Mozilla/5.0',
      lang: 'et-EE',
      url: 'https://shop.acme.com/tea?page=2',
      refr: 'https://acme.com/tea?page=2',
    });
  });

  it('chooses among several id cookies by the public host name, if one is configured', () => {
    const other = COOKIE.replace('1fff', '0000').replaceAll('1fff', '0000').replace(DUID, NETWORK);
    // 1fff is the hash of localhost.
    expect(fields({ cookie: `${other}; ${COOKIE}` }, { origin: 'http://localhost:8080' }).duid).toBe(DUID);
  });
});

describe('ua and lang', () => {
  it('truncates a long user agent to 1,000 units, never through a surrogate pair', () => {
    expect(fields({ userAgent: 'x'.repeat(15_000) }).ua).toHaveLength(1000);
    expect(fields({ userAgent: `${'x'.repeat(999)}😀` }).ua).toBe('x'.repeat(999));
    expect(fields({ userAgent: `${'x'.repeat(998)}😀!` }).ua).toBe(`${'x'.repeat(998)}😀`);
  });

  it('repairs lone surrogates in a user agent', () => {
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

describe('decidePrivacy', () => {
  it.each([
    [{ dnt: '1' }, true],
    [{ gpc: '1' }, true],
    [{ dnt: '0', gpc: '1' }, true],
    [{}, false],
    [{ dnt: '0' }, false],
    [{ dnt: 'unspecified', gpc: 'true' }, false],
    [{ gpc: '1, 1' }, false],
    [{ gpc: '' }, false],
  ])('takes the signals %j as the visitor’s word for privacy: %s, and answers it as configured', (signals, asked) => {
    for (const respectPrivacySignals of ['anonymous', 'skip'] as const)
      expect(decidePrivacy({ ...PRIVACY, respectPrivacySignals }, { ...FACTS, ...signals }, {}, log)).toBe(
        asked ? respectPrivacySignals : 'none',
      );
    expect(decidePrivacy(PRIVACY, { ...FACTS, ...signals }, {}, log)).toBe('none');
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
        decidePrivacy({ ...PRIVACY, respectPrivacySignals: 'skip' }, facts, {}, log);
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

  it('of a real client gives its page and its referrer, whose UTF-8 Node passes as single bytes', async () => {
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
