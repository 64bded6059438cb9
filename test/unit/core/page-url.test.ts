// The page and its referrer: hostile hosts, targets and lengths.
import { describe, expect, it } from 'vitest';
import { DUID, SID, fields, refrOf, urlOf } from '../../support/request-fields';

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

  it.each([
    ['the asterisk of OPTIONS', '*'],
    ['the host and port of CONNECT', 'evil.example:443'],
    ['nothing', ''],
    ['a query alone', '?page=2'],
    ['another scheme', 'ftp://user:canary@evil.example/'],
  ])('leaves the page out where the target names none: %s', (_, target) => {
    expect(urlOf(target)).toBeUndefined();
    expect(fields({ originalUrl: target }, { origin: 'https://www.acme.com' })).not.toHaveProperty('url');
  });

  it.each([
    ['acme.com:', 'acme.com'],
    ['[2001:db8::1]:', '[2001:db8::1]'],
  ])('takes %s, whose port is empty, for %s', (host, plain) => {
    expect(fields({ host, originalUrl: '/' }).url).toBe(`https://${plain}/`);
    expect(refrOf(`https://user:canary@${host}/tea`)).toBe(`https://${plain}/tea`);
  });

  it.each(['acme.com', 'ACME.com:8443', '[2001:db8::1]:80', '127.0.0.1:3000', 'localhost', 'a_b.acme.com'])(
    'takes %s for a host',
    (host) => expect(fields({ host, originalUrl: '/' }).url).toBe(`https://${host}/`),
  );

  it.each([
    'evil.example/path', 'user:canary@acme.com', 'acme.com?a', 'acme.com#a', 'acme.com\\a', 'a b', 'x"<y', '', ':80', ':', 'acme.com::', '[::1]::',
    'acme.com:99999', 'acme.com:port', '[::1', '::1', '[::', '1.2.3.4.5', '.', '%61', 'äöü', `${'a'.repeat(256)}`,
  ])('leaves the page out rather than trust a spoofed host: %s', (host) => {
    expect(fields({ host })).not.toHaveProperty('url');
  }); // prettier-ignore

  it('leaves the page out when a spoofed header turned the protocol into something else', () => {
    expect(fields({ protocol: 'javascript' })).not.toHaveProperty('url');
    expect(fields({ protocol: 'HTTPS' }).url).toBe('https://shop.acme.com/tea');
  });

  it('uses the configured origin, whatever the request claims', () => {
    const origin = 'https://www.acme.com';
    expect(fields({ protocol: 'x', host: '<', originalUrl: '/tea' }, { origin }).url).toBe('https://www.acme.com/tea');
  });

  it('truncates a long query after a parameter', () => {
    const url = urlOf(`/tea?${'page=2&'.repeat(2000)}`)!;
    expect(url.length).toBeGreaterThan(5900);
    expect(url).toMatch(/[?&]page=2$/);
    expect(new URL(url).search.length - 1).toBeLessThanOrEqual(6000);
    expect(urlOf(`/tea?a=1;b=${'x'.repeat(7000)}`)).toBe('https://shop.acme.com/tea?a=1');
    expect(urlOf(`/tea?a=${'x'.repeat(7000)}`)).toBe('https://shop.acme.com/tea');
  });

  it('truncates a long path between escapes and leaves its query out', () => {
    const url = urlOf(`/${'%C3%B5'.repeat(2000)}?page=2`)!;
    expect(url).toMatch(/^https:\/\/shop\.acme\.com\/(?:%C3|%B5)+$/);
    expect(new URL(url).pathname.length).toBeGreaterThan(2990);
    expect(new URL(url).pathname.length).toBeLessThanOrEqual(3000);
  });

  it('leaves out a target longer than any header, because truncation could split a secret', () => {
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

  it('is truncated like the page, to a longer path', () => {
    expect(refrOf(`https://example.org/${'a'.repeat(7000)}`)).toHaveLength('https://example.org'.length + 6000);
    expect(refrOf(`https://example.org/${'a'.repeat(4000)}?${'b=1&'.repeat(2000)}`)!.length).toBeLessThanOrEqual(8192);
  });
});
