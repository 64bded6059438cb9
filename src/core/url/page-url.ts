// Makes URLs that the pipeline's parser accepts: percent-encoding, hosts, lengths. Accepts any input. Also a cache for texts of requests.
import { isUtf8 } from 'node:buffer';
import { truncate } from '../truncate';

/** The characters that java.net.URI allows in one part of a URI. It is stricter than the parsers of browsers. */
interface Alphabet {
  readonly illegal: RegExp;
  /** The same with letters beyond ASCII allowed; controls, blanks and half a surrogate pair are not. */
  readonly refused: RegExp;
  readonly legal: readonly boolean[];
}
const alphabet = (characters: string): Alphabet => ({
  illegal: new RegExp(`[^%${characters}]|%(?![\\da-fA-F]{2})`),
  refused: new RegExp(`[^%\\u00a1-\\ud7ff\\ue000-\\u{10ffff}${characters}]|[\\p{Z}\\u180e]|%(?![\\da-fA-F]{2})`, 'gu'),
  legal: Array.from({ length: 256 }, (_, byte) => new RegExp(`[${characters}]`).test(String.fromCharCode(byte))),
});
const PATH = alphabet("\\w!.~'()*,;:$&+=/@-");
const QUERY = alphabet("\\w!.~'()*,;:$&+=/@?[\\]-");
const USERINFO = alphabet("\\w!.~'()*,;:$&+=-");
const HOST = alphabet("\\w!.~'()*,;$&+=@-");

const ESCAPES = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);
const PERCENT = 0x25;
const HEX = alphabet('\\da-fA-F').legal;

const escaped = (text: string): string =>
  Array.from(Buffer.from(text.toWellFormed()), (byte) => ESCAPES[byte]).join('');
const escaping =
  ({ refused }: Alphabet) =>
  (text: string): string =>
    text.replace(refused, escaped);
/**
 * Percent-encodes what java.net.URI refuses in a path that an app passed. Letters beyond ASCII stay as they are.
 *
 * @example
 * escapePath('/õhtu|'); // '/õhtu%7C'
 */
export const escapePath = escaping(PATH);
/** The same for a query, a fragment, or the rest of a URL such as `mailto:`. */
export const escapeQuery = escaping(QUERY);
/** The same for user name and password. */
export const escapeUserinfo = escaping(USERINFO);
/** Whether java.net.URI accepts a text as a host name, of the DNS or of another registry. */
export const isHostName = (host: string): boolean => host.search(HOST.refused) < 0;

/**
 * Decodes the escapes in `text` as UTF-8. A malformed escape stays as it is and does not affect others. Cannot throw.
 *
 * @example
 * decode('to%6ben%'); // 'token%'
 */
export function decode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text.replace(/%[\da-f]{2}/gi, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

// Repeated encoding escapes the percent sign. No usual encoder escapes the digits of an escape.
const MOST_ROUNDS = 6;
const ESCAPE = /%[\da-f]{2}/i;

/**
 * Decodes `text` until no escape is left, however often it was encoded; undefined if escapes are nested in a way that no encoder
 * produces. Cannot throw.
 *
 * @example
 * decodeFully('%252Ftea%253Fpage%253D2'); // '/tea?page=2'
 */
export function decodeFully(text: string): string | undefined {
  let decoded = text;
  for (let round = 0; ESCAPE.test(decoded); round++) {
    if (round === MOST_ROUNDS) return undefined;
    decoded = decode(decoded.replace(/%(?:25)+/g, '%'));
  }
  return decoded;
}

/**
 * Percent-encodes every character of `text` that its part of a URI must not hold, and a `%` that starts no escape.
 *
 * @example
 * encode('/a|b/100%/%20', PATH); // '/a%7Cb/100%25/%20'
 */
function encode(text: string, { illegal, legal }: Alphabet): string {
  if (!illegal.test(text)) return text;
  const bytes = bytesOf(text);
  let out = '';
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    const keep = legal[byte] || (byte === PERCENT && HEX[bytes[at + 1]!] && HEX[bytes[at + 2]!]);
    out += keep ? String.fromCharCode(byte) : ESCAPES[byte];
  }
  return out;
}

/** Node passes each byte of a header as one character. If the bytes are UTF-8, these are the intended ones. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) && bytes.toString('latin1') === text ? bytes : Buffer.from(text);
}

/** A URL without userinfo and fragment: `<origin><path>?<query>`. It holds only characters that a URI allows. */
export interface UrlParts {
  readonly origin: string;
  readonly path: string;
  readonly query: string | undefined;
}

// In UTF-16 units. The pipeline accepts URLs of 10,000, and refuses the event for a longer URL or a part that is too long.
const MAX_URL = 8192;
const MAX_QUERY = 6000;
const MAX_HOST = 255;
// Node's own limit for all headers of a request. A longer URL is left out, because a truncated one could end in half a credential.
const LONGEST_INPUT = 16_384;

/**
 * The page's origin as the framework decides it; undefined if protocol or host are unusable. Both may come from a header.
 *
 * @example
 * requestOrigin('https', 'acme.com:8443'); // 'https://acme.com:8443'
 */
export function requestOrigin(protocol: string, host: string | undefined): string | undefined {
  const scheme = protocol.toLowerCase();
  const name = host === undefined || host.length > MAX_HOST ? '' : plainHost(host);
  return name !== '' && (scheme === 'https' || scheme === 'http') ? `${scheme}://${name}` : undefined;
}

/**
 * The URL of a raw request target on `origin`. A target in absolute form supplies only its path and query, never its host.
 * Undefined if it names no page: the `*` of OPTIONS, the `host:port` of CONNECT.
 *
 * @example
 * targetUrl('https://acme.com', '/tea?page=2#top'); // { origin: 'https://acme.com', path: '/tea', query: 'page=2' }
 */
export function targetUrl(origin: string, target: string): UrlParts | undefined {
  if (target.length > LONGEST_INPUT) return undefined;
  if (target.startsWith('/')) return partsOf(origin, target);
  const scheme = /^https?:\/\//i.exec(target)?.[0];
  if (scheme === undefined) return undefined;
  const { rest } = afterAuthority(target, scheme.length);
  return partsOf(origin, rest.startsWith('/') ? rest : `/${rest}`);
}

// An app that opens a page names itself with its own scheme. Other schemes, such as file: and about:, hold nothing useful.
const SCHEME = /^(?:https?|android-app|ios-app):\/\//i;

/**
 * The parts of an absolute URL; undefined if the text is not one.
 *
 * @example
 * absoluteUrl('https://user:pass@acme.com/a b'); // { origin: 'https://acme.com', path: '/a%20b', query: undefined }
 */
export function absoluteUrl(url: string): UrlParts | undefined {
  const scheme = url.length > LONGEST_INPUT ? undefined : SCHEME.exec(url)?.[0];
  if (scheme === undefined) return undefined;
  const { authority, rest } = afterAuthority(url, scheme.length);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const name = host.length > MAX_HOST ? '' : plainHost(host);
  return name === '' ? undefined : partsOf(scheme + name, rest);
}

/**
 * The URL as text, within the pipeline's lengths: a query that is too long is cut after a parameter, and a path that is too long is
 * truncated and loses its query, which belonged to another page.
 *
 * @param maxPath In UTF-16 units; the pipeline accepts 3,000 for a page and 6,000 for a referrer.
 * @example
 * urlText({ origin: 'https://acme.com', path: '/tea', query: 'page=2' }, 3000); // 'https://acme.com/tea?page=2'
 */
export function urlText({ origin, path, query }: UrlParts, maxPath: number): string {
  if (path.length > maxPath) return origin + wholeEscapes(truncate(path, maxPath));
  const url = origin + path;
  if (query === undefined) return url;
  const room = Math.min(MAX_QUERY, MAX_URL - url.length - 1);
  if (query.length <= room) return `${url}?${query}`;
  const end = Math.max(query.lastIndexOf('&', room), query.lastIndexOf(';', room));
  return end > 0 ? `${url}?${query.slice(0, end)}` : url;
}

const wholeEscapes = (text: string): string => {
  const escape = text.lastIndexOf('%');
  return escape >= 0 && escape > text.length - 3 ? text.slice(0, escape) : text;
};

function afterAuthority(url: string, start: number): { authority: string; rest: string } {
  const text = url.slice(start);
  const end = text.search(/[/?#]/);
  return end < 0 ? { authority: text, rest: '' } : { authority: text.slice(0, end), rest: text.slice(end) };
}

function partsOf(origin: string, pathAndMore: string): UrlParts {
  const hash = pathAndMore.indexOf('#');
  const text = hash < 0 ? pathAndMore : pathAndMore.slice(0, hash);
  const mark = text.indexOf('?');
  if (mark < 0) return { origin, path: encode(text, PATH), query: undefined };
  return { origin, path: encode(text.slice(0, mark), PATH), query: encode(text.slice(mark + 1), QUERY) };
}

const PLAIN_HOST = /^[\w[][\w.:[\]-]*$/;

/**
 * `compute`, called once for each key. More than `limit` keys empty the cache: keys may come from requests, and must not fill
 * the memory.
 *
 * @example
 * const hashOf = memoise(500, (domain) => sha1(domain));
 */
export function memoise<Value>(limit: number, compute: (key: string) => Value): (key: string) => Value {
  const known = new Map<string, Value>();
  return (key) => {
    const hit = known.get(key);
    if (hit !== undefined) return hit;
    if (known.size >= limit) known.clear();
    const value = compute(key);
    known.set(key, value);
    return value;
  };
}

/** A host name or a bracketed IPv6 address, with or without a port; '' for other texts. A port may be left empty. */
const plainHost = memoise(500, (text) => {
  const host = text.endsWith(':') ? text.slice(0, -1) : text;
  return PLAIN_HOST.test(host) && !host.endsWith(':') && URL.canParse(`http://${host}/`) ? host : '';
});
