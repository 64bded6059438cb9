// Request headers as `http_header` entities: which headers may be listed, and which values an event may hold.
import { clientIp } from '../protocol/fields';
import type { SelfDescribing } from '../protocol/self-describing-json';
import { truncate } from '../truncate';
import { withoutLinker } from '../url/linker';
import { decodeFully, requestOrigin, targetUrl } from '../url/page-url';
import { isSecretName, maskWebTokens, redactQuery } from '../url/redact';
import { foreignUrl, MAX_PAGE_PATH, redactedUrl, type RequestFacts, type RequestRules } from './request-fields';

/** A header as it arrived. */
export interface Header {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
}

const HTTP_HEADER = 'iglu:org.ietf/http_header/jsonschema/1-0-0';
const MAX_VALUE = 4096;

// Words of header names, between hyphens. Those with `$` match only at the end, where they name the value.
const words = (...names: string[]): RegExp => new RegExp(`(?:^|[-_.])(?:${names.join('|')})(?:$|[-_.])`, 'i');
const CREDENTIALS = words(
  'authori[sz]ation', 'assertion', 'bearer', 'dpop', 'hmac', 'cookies?2?', '(?:client)?cert(?:ificate)?s?', 'macaroons?',
  '(?:auth|key|sig|sid|pwd|otp|principal|userinfo|oidc-data|appcheck|wsse)$',
); // prettier-ignore
const ADDRESSES = words(
  '(?:client|real|remote|socket|source|src|peer|true|user|viewer|connecting|origin(?:al|ating)?)?ip(?:v?[46])?',
  '(?:client|remote|peer|user)?addr(?:ess)?', 'for', '^(?:x-)?forwarded$', '^x-coming-from$',
); // prettier-ignore
// A header that identifies only the request, such as `x-request-id`, does not identify the visitor.
const IDENTITIES = words(
  '(?<!(?:request|trace|span|correlation|amz-cf|vercel)-)ids?', '[ug]?uid',
  '(?:user|client|device|visitor|customer|account|member|person|profile|subscriber|install)id',
  'users?(?!-agent)', 'username', 'login', 'e?mail', 'identity', 'subject', 'sub', 'principal', 'dn', 'consumer', '^from$',
  'msisdn', 'im[es]i', 'subno', 'uidh', 'acr', 'idf[av]', 'gaid', 'aaid', 'adid', 'fingerprint', 'ja[34]',
); // prettier-ignore

/**
 * Whether a header may be sent, by its name: not if it is known to hold a credential, or if a query parameter of that name would be
 * redacted.
 *
 * @example
 * isHeaderAllowed('x-vault-token'); // false
 */
export const isHeaderAllowed = (name: string): boolean =>
  !CREDENTIALS.test(name) && !isSecretName(name, NO_NAMES) && !isSecretName(name.replace(/^x-/i, ''), NO_NAMES);
const NO_NAMES: readonly string[] = [];

/**
 * The entities of the given headers. Headers with an address are left out if addresses are masked; anonymous events have no headers
 * with an address or an identity. URLs are redacted like those of page and referrer.
 *
 * @param onHookError Called if `redactUrl` threw or did not return a string; the header is then left out.
 */
export function headerEntities(
  headers: readonly Header[],
  facts: RequestFacts,
  rules: RequestRules,
  anonymous: boolean,
  onHookError: (hook: string) => void,
): SelfDescribing[] {
  return headers.flatMap(({ name, value }) => {
    if ((anonymous || rules.maskIp) && (ADDRESSES.test(name) || holdsAddress(value))) return [];
    if (anonymous && IDENTITIES.test(name)) return [];
    try {
      const told = redactedValue(value, facts, rules, anonymous);
      return told ? [{ schema: HTTP_HEADER, data: { name, value: truncate(told, MAX_VALUE) } }] : [];
    } catch {
      onHookError('redactUrl');
      return [];
    }
  });
}

// Lists, quotes, and the parameters of `Forwarded`.
const BETWEEN = /[\s,;|="'(){}<>]+/;

/** Whether a header's value holds an address that masking would change. */
function holdsAddress(value: string): boolean {
  if (!/[.:]/.test(value) && !value.includes('%')) return false;
  const parts = decodeFully(value)?.split(BETWEEN);
  return parts === undefined || parts.some((part) => clientIp(part, false) !== clientIp(part, true));
}

const ONE_URL = /^[a-z][a-z\d+.-]{0,30}:\/\/[^\s"'<>\\^`{|}]*$/i;
// A comma at the end belongs to the list.
const URLS = /[a-z][a-z\d+.-]{0,30}:\/\/[^\s"'<>\\^`{|}]*[^\s"'<>\\^`{|},]/gi;
const SCHEME_AND_CREDENTIALS = /^(basic|bearer|digest|dpop|hawk|negotiate|ntlm)\s+\S.*$/is;

/** @throws what the `redactUrl` hook throws. */
function redactedValue(
  value: string,
  facts: RequestFacts,
  rules: RequestRules,
  anonymous: boolean,
): string | undefined {
  if (ONE_URL.test(value)) return foreignUrl(value, rules, anonymous);
  if (value.startsWith('//')) return foreignUrl(`https:${value}`, rules, anonymous)?.slice('https:'.length);
  if (value.startsWith('/')) {
    const origin = rules.origin ?? requestOrigin(facts.protocol, facts.host);
    const page = origin === undefined ? undefined : targetUrl(origin, value);
    const url = page && redactedUrl(page, MAX_PAGE_PATH, rules, anonymous);
    return page && url?.startsWith(page.origin) ? url.slice(page.origin.length) : url;
  }
  const text = maskWebTokens(value)
    .replace(SCHEME_AND_CREDENTIALS, '$1 redacted')
    .replace(URLS, (url) => foreignUrl(url, rules, anonymous) ?? 'redacted')
    .replace(/[^\s,"'<>]+/g, (part) => redactQuery(part, rules.redactQuery));
  return anonymous ? withoutLinker(text) : text;
}
