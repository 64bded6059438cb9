// Turns the strings of an HTTP request into a subject's wire fields.
// All input comes from the network: unusable text is left out, nothing throws. Next: id-cookie.ts, page-url.ts, redact.ts.
import { clean, clientIp } from '../protocol/fields';
import type { PrivacySignals } from '../tracker/privacy';
import { fitUrl } from '../url/fit-url';
import { withoutLinker } from '../url/linker';
import { absoluteUrl, memoise, requestOrigin, targetUrl, type UrlParts, urlText } from '../url/page-url';
import { MAY_HOLD_SECRET, redactPath, redactQuery } from '../url/redact';
import { type IdCookieRules, readClientSession, readVisitor } from './id-cookie';

/** The strings that an adapter copies from its framework's request. Nothing else, so that nothing keeps the request alive. */
export interface RequestFacts extends PrivacySignals {
  /** The framework's own decision (`req.ip`, `ctx.ip`), unchecked. */
  readonly ip: string | undefined;
  readonly method: string;
  /** The framework's decision: `http` or `https`. */
  readonly protocol: string;
  /** The framework's decision, with port, unchecked. */
  readonly host: string | undefined;
  /** The raw request target. */
  readonly originalUrl: string;
  readonly userAgent: string | undefined;
  readonly acceptLanguage: string | undefined;
  readonly cookie: string | undefined;
  readonly referrer: string | undefined;
}

/** The middleware's resolved options that decide what is read from a request. */
export interface RequestRules extends IdCookieRules {
  /** Scheme, host and port: `https://shop.acme.com`. */
  readonly origin: string | undefined;
  readonly maskIp: boolean;
  readonly redactQuery: readonly string[];
  readonly redactUrl: ((url: string) => string) | undefined;
}

type RequestField = 'ip' | 'duid' | 'sid' | 'vid' | 'tnuid' | 'ua' | 'lang' | 'url' | 'refr';

/**
 * The usable wire fields of the request's subject: `ip`, `ua`, `lang`, `duid`, `sid`, `vid`, `tnuid`, `url`, `refr`. Never throws.
 *
 * @param anonymous Leaves out what identifies the visitor: address, cookie ids, and the id in a cross-domain `_sp`.
 * @param onHookError Called if `redactUrl` threw or did not return a string; `url` and `refr` are then left out.
 * @example
 * requestFields(facts, rules, false, () => {}); // { ip: '203.0.113.9', lang: 'et-EE', url: 'https://acme.com/tea', … }
 */
export function requestFields(
  facts: RequestFacts,
  rules: RequestRules,
  anonymous: boolean,
  onHookError: (hook: string) => void,
): Record<string, string> {
  const fields: { [Key in RequestField]?: string } = {};
  const { acceptLanguage = '' } = facts;
  if (!anonymous) {
    const ip = clientIp(facts.ip, rules.maskIp);
    if (ip !== undefined) fields.ip = ip;
    const { duid, sid, vid, tnuid } = readVisitor(facts.cookie, rules.origin ?? facts.host, rules);
    if (duid !== undefined) fields.duid = duid;
    if (sid !== undefined) fields.sid = sid;
    if (vid !== undefined) fields.vid = vid;
    if (tnuid !== undefined) fields.tnuid = tnuid;
  }
  const ua = clean('ua', facts.userAgent?.toWellFormed());
  if (ua !== undefined) fields.ua = ua;
  const lang =
    acceptLanguage.length > MAX_LANGUAGE
      ? firstLanguage(acceptLanguage.slice(0, MAX_LANGUAGE + 1))
      : knownLanguage(acceptLanguage);
  if (lang !== '') fields.lang = lang;
  try {
    const origin = rules.origin ?? requestOrigin(facts.protocol, facts.host);
    const page = origin === undefined ? undefined : targetUrl(origin, facts.originalUrl);
    const url = page && redactedUrl(page, MAX_PAGE_PATH, rules, anonymous);
    const refr = facts.referrer === undefined ? undefined : foreignUrl(facts.referrer, rules, anonymous);
    if (url !== undefined) fields.url = url;
    if (refr !== undefined) fields.refr = refr;
  } catch {
    onHookError('redactUrl');
  }
  return fields;
}

/**
 * The `client_session` entity of the visitor's live browser session; undefined without one. Not for anonymous events.
 *
 * @example
 * clientSession(facts, rules)?.data; // { userId, sessionId, sessionIndex: 3, storageMechanism: 'COOKIE_1', … }
 */
export function clientSession(facts: RequestFacts, rules: RequestRules): { schema: string; data: object } | undefined {
  return readClientSession(facts.cookie, rules.origin ?? facts.host, rules);
}

const MAX_LANGUAGE = 255;
const LANGUAGE_TAG = /^[a-z]{2,8}\b[a-z\d-]*\b$/i;

const firstLanguage = (header: string): string => {
  const first = (header.split(/[,;]/, 1)[0] as string).trim();
  return first.length <= MAX_LANGUAGE && LANGUAGE_TAG.test(first) && !first.includes('--') ? first : '';
};
// Browsers send few different values. Longer ones are unusual and not worth the memory.
const knownLanguage = memoise(500, firstLanguage);

// Limits of the path that the pipeline extracts, in UTF-16 units.
export const MAX_PAGE_PATH = 3000;
const MAX_REFERRER_PATH = 6000;

/**
 * An absolute URL from a request, redacted like its referrer; undefined if the text is not one.
 *
 * @throws what the `redactUrl` hook throws, and a TypeError if it does not return a string.
 */
export function foreignUrl(text: string, rules: RequestRules, anonymous: boolean): string | undefined {
  const url = absoluteUrl(text);
  return url && redactedUrl(url, MAX_REFERRER_PATH, rules, anonymous);
}

/**
 * Redacts a URL; undefined if the `redactUrl` hook returns something else than a URL.
 *
 * @throws what the hook throws, and a TypeError if it does not return a string.
 */
export function redactedUrl(
  url: UrlParts,
  maxPath: number,
  rules: RequestRules,
  anonymous: boolean,
): string | undefined {
  const masked: UrlParts = {
    origin: url.origin,
    path: MAY_HOLD_SECRET.test(url.path) ? redactPath(url.path, rules.redactQuery) : url.path,
    query: url.query && (redactQuery(url.query, rules.redactQuery) || undefined),
  };
  const { redactUrl } = rules;
  // The hook gets the URL with its whole path, because truncation could split a secret. Its result is checked again.
  const text = urlText(masked, redactUrl ? Infinity : maxPath);
  const told = anonymous ? withoutLinker(text) : text;
  // A mask may be longer than the text that it replaces.
  if (redactUrl === undefined) return told === text ? text : fitUrl(told, maxPath);
  const given: unknown = redactUrl(told);
  if (typeof given === 'string') {
    const parts = absoluteUrl(given);
    return parts && fitUrl(urlText(parts, maxPath), maxPath);
  }
  // An async hook may reject later, and nobody would catch that.
  Promise.resolve(given).catch(() => {});
  throw new TypeError('redactUrl did not return a string');
}
