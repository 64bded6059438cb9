// Credentials in URLs, by the built-in names, by the user's, and by the user's hook.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestFields } from '../../../src/core/request/request-fields';
import { DUID, FACTS, RULES, WEB_TOKEN, fields, refrOf, urlOf } from '../../support/request-fields';

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
    ['a URL with a secret two deep', `next=${encodeURIComponent(`/a?next=${encodeURIComponent('/b?token=canary')}`)}&a=1`, 'next=redacted&a=1'],
    ['a URL with a secret, escaped four times', 'next=%25252Fcb%25253Fcode%25253Dcanary', 'next=redacted'],
    ['a URL with a secret, whose escapes are escaped by digits', 'next=%2Fcb%3Fcode%253%44canary', 'next=redacted'],
    ['a URL with a password before its host', 'next=https%3A%2F%2Fuser%3Acanary%40b.test%2F', 'next=redacted'],
    ['a query that is one URL', 'https%3A%2F%2Fb.test%2F%3Ftoken%3Dcanary', 'redacted'],
    ['a URL without a secret', 'next=%2Fcb%3Fpage%3D2%26a%3D%2540me', 'next=%2Fcb%3Fpage%3D2%26a%3D%2540me'],
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

  it('are masked in the path if they are recognisable: a web token, a Java session id', () => {
    expect(urlOf(`/verify/${WEB_TOKEN}/now`)).toBe('https://shop.acme.com/verify/redacted/now');
    expect(urlOf('/cart;jsessionid=canary;v=1/tea?a=1')).toBe(
      'https://shop.acme.com/cart;jsessionid=redacted;v=1/tea?a=1',
    );
  });

  it('are masked in a segment of the path that is a URL itself', () => {
    const inner = encodeURIComponent('https://b.test/?token=canary');
    expect(urlOf(`/go/${inner}/now`)).toBe('https://shop.acme.com/go/redacted/now');
    expect(urlOf('/go/https%3A%2F%2Fb.test%2F%3Fpage%3D2')).toBe('https://shop.acme.com/go/https%3A%2F%2Fb.test%2F%3Fpage%3D2'); // prettier-ignore
  });

  it("are masked under the user's names too, and only under those", () => {
    const redactQuery = ['E-Mail', 'q1', 'isikukood', 'tähis'];
    expect(
      urlOf('/tea?email=canary&e_mail=canary&q1=canary&t%C3%A4his=canary&token=canary', { redactQuery }),
    ).not.toContain('canary');
    expect(urlOf('/tea?q=canary', { redactQuery })).toContain('canary');
    expect(urlOf('/tea?q2=canary', { redactQuery })).toContain('canary');
  });

  it('are never sent, under any spelling of their names', () => {
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
  it('has the last word on page and referrer, and gets them already masked', () => {
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

  it('gets the whole path, so that truncation cannot hide a secret', () => {
    const redactUrl = (url: string) => url.replace(/canary-\d{9}/, 'redacted');
    expect(urlOf(`/${'a'.repeat(2990)}/canary-123456789`, { redactUrl })).not.toContain('canary');
  });

  it('cannot spoil an event: its result is cleaned and truncated again, or left out', () => {
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
