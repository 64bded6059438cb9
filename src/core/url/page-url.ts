// URLs that the pipeline's parser takes: host checked, illegal characters percent-encoded, credentials and fragment removed, lengths kept.
import { truncate } from '../truncate';
import { memoise } from '../memoise';
import { encode, PATH, QUERY } from './percent-encoding';

/** A URL without userinfo and fragment: `<origin><path>?<query>`; only characters that a URI may hold. */
export interface UrlParts {
  readonly origin: string;
  readonly path: string;
  readonly query: string | undefined;
}

// In UTF-16 units. The pipeline takes URLs of 10,000, and refuses the event for a longer one or a longer part.
const MAX_URL = 8192;
const MAX_QUERY = 6000;
const MAX_HOST = 255;
// Node's own bound for all headers of a request. A longer one is left out, because its beginning could end in half a credential.
const LONGEST_INPUT = 16_384;

/**
 * The page's origin by the framework's word, undefined when protocol or host are unusable: both may be a header's text.
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
 * The URL of a raw request target on `origin`; a target in absolute form gives its path and query only, never its host.
 * Undefined when it names no page: the `*` of OPTIONS, the `host:port` of CONNECT.
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

// Apps that open a page name themselves with a scheme of their own; file:, about: and the like tell nothing fit to keep.
const SCHEME = /^(?:https?|android-app|ios-app):\/\//i;

/**
 * The parts of an absolute URL, undefined when it is none.
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
 * The URL as text, within the pipeline's lengths: a query too long ends at a parameter's end, a path too long is truncated and
 * loses its query, which belonged to another page.
 *
 * @param maxPath In UTF-16 units; the pipeline takes 3,000 of a page and 6,000 of a referrer.
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

const HOST = /^[\w[][\w.:[\]-]*$/;

/** A host name or a bracketed IPv6 address, with or without a port; '' where it is none. A port may be left empty. */
const plainHost = memoise(500, (text) => {
  const host = text.endsWith(':') ? text.slice(0, -1) : text;
  return HOST.test(host) && !host.endsWith(':') && URL.canParse(`http://${host}/`) ? host : '';
});
