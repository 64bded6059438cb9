// Request headers as entities: which names are refused, and what is left of a value.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerEntities, isHeaderAllowed } from '../../../src/core/request/header-entities';
import type { RequestRules } from '../../../src/core/request/request-fields';
import { DUID, FACTS, noHookError, RULES, WEB_TOKEN } from '../../support/request-fields';

const told = (name: string, value: string, rules: Partial<RequestRules> = {}, anonymous = false): unknown => {
  const [entity] = headerEntities([{ name, value }], FACTS, { ...RULES, ...rules }, anonymous, noHookError);
  return (entity?.data as { value: string } | undefined)?.value;
};

describe('names of headers', () => {
  it.each([
    'authorization', 'Proxy-Authorization', 'cookie', 'Set-Cookie', 'cookie2', 'x-api-key', 'X_API_KEY', 'x-goog-api-key', 'apikey',
    'x-jwt', 'x-amzn-oidc-data', 'x-amzn-oidc-accesstoken', 'cf-access-jwt-assertion', 'cf-access-client-secret', 'dpop', 'x-vault-token',
    'x-session-id', 'x-amz-security-token', 'x-goog-iap-jwt-assertion', 'x-serverless-authorization', 'x-ms-client-principal',
    'x-ms-token-aad-access-token', 'x-functions-key', 'ocp-apim-subscription-key', 'x-auth-key', 'x-auth', 'x-auth-token', 'x-csrf-token',
    'x-xsrf-token', 'x-forwarded-access-token', 'x-forwarded-client-cert', 'x-amzn-mtls-clientcert-leaf', 'client-cert', 'x-arr-clientcert',
    'ssl-client-cert', 'x-apigateway-api-userinfo', 'x-userinfo', 'x-pomerium-jwt-assertion', 'x-authentik-jwt', 'x-firebase-appcheck',
    'x-hub-signature-256', 'stripe-signature', 'signature', 'signature-input', 'x-shopify-hmac-sha256', 'x-wsse', 'x-hasura-admin-secret',
    'x-original-authorization', 'x-password', 'x-otp', 'x-code', 'x-verification-code', 'x-connect.sid', 'sec-websocket-key',
  ])('that hold credentials are refused: %s', (name) => expect(isHeaderAllowed(name)).toBe(false)); // prettier-ignore

  it.each([
    'referer', 'origin', 'user-agent', 'accept', 'accept-language', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip', 'forwarded',
    'cf-ipcountry', 'cf-ray', 'x-country-code', 'x-request-id', 'traceparent', 'sec-ch-ua', 'sec-ch-ua-platform', 'x-shop', 'x-user-id',
    'x-goog-authenticated-user-email', 'x-amzn-trace-id', 'x-client-version', 'x-keyboard', 'x-author', 'content-type', 'etag', 'dnt',
  ])('that hold none are taken: %s', (name) => expect(isHeaderAllowed(name)).toBe(true)); // prettier-ignore
});

describe('values of headers', () => {
  it.each([
    ['a URL', 'referer', `https://user:canary@example.org/cb?code=canary&a=1#canary`, 'https://example.org/cb?code=redacted&a=1'],
    ['an origin', 'origin', 'https://user:canary@example.org', 'https://example.org'],
    ['a target', 'x-original-url', '/reset?token=canary&a=1#canary', '/reset?token=redacted&a=1'],
    ['a target with a session in its path', 'x-forwarded-uri', '/cart;jsessionid=canary', '/cart;jsessionid=redacted'],
    ['a URL without a scheme', 'x-rewrite-url', '//user:canary@example.org/?key=canary', '//example.org/?key=redacted'],
    ['an escaped URL', 'x-back', encodeURIComponent('https://example.org/?token=canary'), 'redacted'],
    ['a URL inside of a URL', 'referer', `https://a.test/?next=${encodeURIComponent('https://b.test/?pwd=canary')}`, 'https://a.test/?next=redacted'],
    ['a link', 'link', '<https://user:canary@a.test/?token=canary>; rel="next"', '<https://a.test/?token=redacted>; rel="next"'],
    ['a list of URLs', 'x-seen', 'https://a.test/?token=canary, https://b.test/?a=1', 'https://a.test/?token=redacted, https://b.test/?a=1'],
    ['a request line', 'x-request-line', 'GET /reset?token=canary HTTP/1.1', 'GET /reset?token=redacted HTTP/1.1'],
    ['a query', 'x-query', 'a=1&access_token=canary', 'a=1&access_token=redacted'],
    ['a list of pairs', 'baggage', 'tenant=7,token=canary', 'tenant=7,token=redacted'],
    ['a web token', 'x-shop', `a ${WEB_TOKEN} b`, 'a redacted b'],
    ['credentials after their scheme', 'x-upstream', 'Bearer canary', 'Bearer redacted'],
    ['a URL of another scheme', 'x-socket', 'wss://user:canary@a.test/', undefined],
    ['one among other words', 'x-socket', 'to wss://user:canary@a.test/', 'to redacted'],
    ['a URL without a host', 'referer', 'https://', undefined],
    ['plain text', 'x-shop', 'Tallinn, Viru 7; a=b', 'Tallinn, Viru 7; a=b'],
    ['what a browser accepts', 'accept', 'text/html;q=0.9,*/*;q=0.8', 'text/html;q=0.9,*/*;q=0.8'],
    ['a user agent', 'user-agent', 'Mozilla/5.0 (compatible; Bot/2.1; +http://bot.test/b.html) Chrome/120.0.1.2', 'Mozilla/5.0 (compatible; Bot/2.1; +http://bot.test/b.html) Chrome/120.0.1.2'],
    ['an address', 'x-forwarded-for', '203.0.113.77, 10.0.0.5', '203.0.113.77, 10.0.0.5'],
    ['nothing', 'x-shop', '', undefined],
  ])('tell no secret, and everything else byte for byte: %s', (_what, name, value, expected) => {
    expect(told(name, value)).toBe(expected);
  }); // prettier-ignore

  it('are truncated after redaction, so that no half of a secret is left', () => {
    expect(told('x-shop', 'a'.repeat(5000))).toHaveLength(4096);
    expect(told('referer', `https://a.test/?a=${'x'.repeat(4060)}&token=${'canary'.repeat(20)}`)).not.toContain('canary');
  }); // prettier-ignore

  it("obey the app's own names and its hook, which gets their URLs like those of the page", () => {
    const rules = { redactQuery: ['voucher'], redactUrl: (url: string) => url.replace('canary', 'redacted') };
    expect(told('referer', 'https://a.test/canary?voucher=canary', rules)).toBe('https://a.test/redacted?voucher=redacted'); // prettier-ignore
    expect(told('x-original-uri', '/canary?voucher=canary', rules)).toBe('/redacted?voucher=redacted');
  });

  it('are left out and reported if the hook fails', () => {
    const reported: string[] = [];
    const redactUrl = (): never => {
      throw new Error('canary');
    };
    const headers = [
      { name: 'referer', value: 'https://a.test/' },
      { name: 'x-shop', value: 'tallinn' },
    ];
    const entities = headerEntities(headers, FACTS, { ...RULES, redactUrl }, false, (hook) => reported.push(hook));
    expect(entities.map(({ data }) => data)).toEqual([headers[1]]);
    expect(reported).toEqual(['redactUrl']);
  });
});

const ADDRESSES = [
  ['x-forwarded-for', '203.0.113.77, 10.0.0.5'], ['forwarded', 'for="[2001:db8::77]:443";proto=https'], ['x-real-ip', '203.0.113.77'],
  ['cf-connecting-ip', '203.0.113.77'], ['cf-connecting-ipv6', '2001:db8::77'], ['true-client-ip', '203.0.113.77'], ['x-client-ip', '203.0.113.77'],
  ['fastly-client-ip', '203.0.113.77'], ['fly-client-ip', '203.0.113.77'], ['x-azure-clientip', '203.0.113.77'], ['x-appengine-user-ip', '203.0.113.77'],
  ['x-nf-client-connection-ip', '203.0.113.77'], ['do-connecting-ip', '203.0.113.77'], ['cloudfront-viewer-address', '203.0.113.77:46532'],
  ['x-envoy-external-address', '203.0.113.77'], ['x-vercel-forwarded-for', '203.0.113.77'], ['x-original-forwarded-for', '203.0.113.77'],
  ['x-cluster-client-ip', '203.0.113.77'], ['wl-proxy-client-ip', '203.0.113.77'], ['x-remote-addr', '203.0.113.77'], ['x-client-ip', '3405803853'],
  ['x-forwarded-for', 'unknown'], ['x-shop', '203.0.113.77'], ['x-shop', 'from 203.0.113.77:8080 on'], ['x-shop', '{"at":"203.0.113.77"}'],
  ['x-shop', '203%2E0%2E113%2E77'], ['x-shop', 'via=2001:DB8::77'], ['x-shop', '::ffff:203.0.113.77'],
] as const; // prettier-ignore

describe('anonymous and masked events', () => {
  it.each(ADDRESSES)('have no header with an address: %s: %s', (name, value) => {
    expect(told(name, value)).toBe(value);
    expect(told(name, value, { maskIp: true })).toBeUndefined();
    expect(told(name, value, {}, true)).toBeUndefined();
  });

  it.each([
    'x-user-id', 'x-userid', 'x-visitor-id', 'x-device-id', 'x-forwarded-user', 'x-forwarded-email', 'remote-user', 'x-auth-request-email',
    'x-goog-authenticated-user-email', 'x-goog-authenticated-user-id', 'cf-access-authenticated-user-email', 'tailscale-user-login',
    'x-amzn-oidc-identity', 'x-ms-client-principal-id', 'x-ms-client-principal-name', 'x-authentik-username', 'x-consumer-username', 'from',
    'x-uidh', 'x-msisdn', 'x-ssl-client-s-dn', 'cloudfront-viewer-ja3-fingerprint', 'x-spiffe-id', 'x-uuid',
  ])('that are anonymous have no header that tells who the visitor is: %s', (name) => {
    expect(told(name, 'alice')).toBe('alice');
    expect(told(name, 'alice', {}, true)).toBeUndefined();
  }); // prettier-ignore

  it.each([
    ['user-agent', 'Mozilla/5.0 Chrome/120.0.1.2'], ['sec-ch-ua-full-version', '"120.0.0.0"'], ['x-request-id', 'a1'], ['traceparent', '00-1-2-01'],
    ['x-amzn-trace-id', 'Root=1'], ['x-shop', 'tallinn'], ['cf-ipcountry', 'EE'], ['x-started', '12:30:45'], ['x-zip', '10111'],
  ])('keep what tells neither: %s', (name, value) => {
    expect(told(name, value, { maskIp: true }, true)).toBe(value);
  }); // prettier-ignore

  it('that are anonymous have no cross-domain id in any header', () => {
    const linker = `_sp=${DUID}.1700000000000`;
    expect(told('referer', `https://a.test/?${linker}&a=1`, {}, true)).toBe('https://a.test/?a=1');
    expect(told('x-original-url', `/tea?a=1&${linker}`, {}, true)).toBe('/tea?a=1');
    expect(told('x-shop', `tea?${linker}`, {}, true)).toBe('tea');
    expect(told('referer', `https://a.test/?next=${encodeURIComponent(`/b?${linker}`)}`, {}, true)).toBe('https://a.test/?next=%2Fb'); // prettier-ignore
  });

  it('never hold either, whatever surrounds it, and never throw', () => {
    const piece = fc.oneof(
      fc.constantFrom('203.0.113.77', '2001:db8::77', `?_sp=${DUID}.1700000000000`, 'token=canary', 'https://u:canary@a.test/?key=canary'),
      fc.constantFrom(', ', '; ', ' ', '&', '?', '/', '"', '%', '%25', '://', 'for=', '#'),
      fc.string({ unit: 'binary-ascii', maxLength: 4 }),
    ); // prettier-ignore
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const value = pieces.join('');
        expect(String(told('x-shop', value, {}, true))).not.toContain(DUID);
        for (const spaced of [pieces.join(' '), pieces.join(', ')]) {
          const anonymous = String(told('x-shop', spaced, {}, true));
          expect(anonymous).not.toMatch(/203\.0\.113\.77|2001:db8::77/);
        }
      }),
    );
  });
});
