// Fits the URL of a page or referrer to its field: unchanged if the pipeline accepts it, else escaped, else left out.
import { isIPv6 } from 'node:net';
import { isLinker } from './linker';
import { escapePath, escapeQuery, escapeUserinfo, isHostName, urlText } from './page-url';

// The pipeline's limits for a URL and its parts, in UTF-16 units; a longer part makes the whole event bad.
const MAX_URL = 8192;
const MAX_HOST = 255;
const MAX_FRAGMENT = 3000;

// Most URLs need no check of their parts. Unrolled, and only for lower case: alternatives and the flag `i` take twice as long.
const PLAIN = plainPattern("\\w!.~'()*,;:$&+=/@-", '%[\\da-fA-F]{2}');
// Without `_` and `%` there are no escapes and no linker, so that one simpler pattern is the whole check.
const PLAINEST = plainPattern("A-Za-z0-9!.~'()*,;:$&+=/@-");
// A name that may be `_sp`, plain or escaped.
const LINKER_LIKELY = /(?:_|%5[fF])(?:s|%73)/;
// Searching for a character first is several times cheaper than the pattern, and usually enough.
const mayHaveLinker = (url: string): boolean => url.includes('_s') || (url.includes('%') && LINKER_LIKELY.test(url));
const BEFORE_COLON = /^[^:/?#]*(?=:)/;
const SCHEME = /^[a-z][a-z\d+.-]{0,15}$/i;
const PARTS = /^([^:/?#]+:)?(\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/s;
const AUTHORITY = /^\/\/(?:([^@]*)@)?(?:\[([\da-fA-F:.]+)\]|([^:[\]]*))((?::\d{0,5})?)$/;
const LINKER_PARAMETER = /(?<=^|[?&;])(?:_|%5[fF])(?:s|%73)(?:p|%70)=([^&]*)/g;
// A scheme, or the slashes before a host, with nothing else.
const NOTHING = /^[^:/?#]+:(?:#|$)|^(?:[^:/?#]+:)?\/\/$|^$/;

function plainPattern(characters: string, escape?: string): RegExp {
  const [path, query] = [characters, `?${characters}`].map((each) =>
    escape === undefined ? `[${each}]*` : `[${each}]*(?:${escape}[${each}]*)*`,
  );
  return new RegExp(`^https?://[\\w.-]{1,255}(?::\\d{1,5})?(?:/${path})?(?:\\?${query})?$`);
}

/**
 * The URL in a form that the pipeline accepts. Percent-encodes what its parser, java.net.URI, refuses, truncates parts that are too
 * long, and removes a malformed `_sp`, the browser tracker's cross-domain parameter, because the pipeline parses it in every page URL
 * and refuses the event if it cannot. Undefined if host and port cannot be read.
 *
 * @param maxPath In UTF-16 units; the pipeline accepts 3,000 for a page and 6,000 for a referrer.
 * @example
 * fitUrl('https://acme.com/a|b?_sp=forged.link&page=2', 3000); // 'https://acme.com/a%7Cb?&page=2'
 */
export function fitUrl(url: string, maxPath: number): string | undefined {
  if (url.length <= maxPath && (PLAINEST.test(url) || (PLAIN.test(url) && !mayHaveLinker(url)))) return url;
  const readable = withScheme(url);
  if (readable === undefined) return undefined;
  const [, scheme = '', slashes = '', rest = '', search = '', hash = ''] = PARTS.exec(readable) as string[];
  const authority = slashes === '' ? '' : escapedAuthority(slashes);
  if (authority === undefined || authority.length > MAX_URL - MAX_FRAGMENT) return undefined;
  const origin = scheme + authority;
  const room = Math.min(maxPath, MAX_URL - origin.length);
  const isOpaque = scheme !== '' && authority === '' && !rest.startsWith('/');
  const path = isOpaque ? escapeQuery(rest) : escapePath(rest);
  const query = escapeQuery(search.slice(1)).replace(LINKER_PARAMETER, (parameter, value: string) =>
    isLinker(value) ? parameter : '',
  );
  const page = urlText({ origin, path, query: query === '' ? undefined : query }, room);
  const fragment = hash === '' ? '' : `#${escapeQuery(hash.slice(1))}`;
  // The rest after a truncated path belonged to another page.
  const fits = path.length <= room && fragment.length <= MAX_FRAGMENT + 1 && page.length + fragment.length <= MAX_URL;
  const whole = fits ? page + fragment : page;
  return NOTHING.test(whole) ? undefined : whole;
}

/** Escapes the colon after a text that is not a scheme, so that it starts a path; undefined if the text is too long. */
function withScheme(url: string): string | undefined {
  const [scheme] = BEFORE_COLON.exec(url) ?? [];
  if (scheme === undefined || SCHEME.test(scheme)) return url;
  if (scheme.length > 16) return undefined;
  return url.replace(/^[^/?#]*/, (start) => start.replaceAll(':', '%3A'));
}

function escapedAuthority(slashes: string): string | undefined {
  const [whole, userinfo, v6, name = '', port = ''] = AUTHORITY.exec(slashes) ?? [];
  if (whole === undefined || !(v6 === undefined ? isHostName(name) : isIPv6(v6))) return undefined;
  const host = v6 === undefined ? name : `[${v6}]`;
  if (host.length > MAX_HOST) return undefined;
  return `//${userinfo === undefined ? '' : `${escapeUserinfo(userinfo)}@`}${host}${port}`;
}
