// A page's or referrer's URL as a field: kept as it came where the pipeline can take it, else mended, else left out.
import { cut } from './cut';
import { isLinker } from './linker';
import { urlText } from './page-url';

// What the pipeline splits a URL into, in UTF-16 units; a longer part makes the whole event bad.
const MAX_URL = 8192;
const MAX_SCHEME = 16;
const MAX_HOST = 255;
const MAX_FRAGMENT = 3000;

// Most URLs need no look at their parts.
const PLAIN = /^https?:\/\/[\w.-]{1,255}(?::\d{1,5})?(?:[/?#]|$)/;
// A name that may be `_sp`, plain or escaped; and `_sp` with all that some reader may take for its value.
const LINKER_LIKELY = /(?:_|%5[fF])(?:s|%73)/;
// Searching for a character first is several times cheaper than the pattern, and mostly enough.
const mayHaveLinker = (url: string): boolean => url.includes('_s') || (url.includes('%') && LINKER_LIKELY.test(url));
const PARTS = /^([^:/?#]+:)?(\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/s;
const AUTHORITY = /^\/\/(?:[^@]*@)?(\[[\da-fA-F:.]+\]|[^:[\]\s]*)(?::\d{0,5})?$/;
const LINKER_PARAMETER = /(?<=[?&;])(?:_|%5[fF])(?:s|%73)(?:p|%70)=([^&]*)/g;

/**
 * The URL as the pipeline takes it: parts that are too long are cut, and the browser tracker's cross-domain parameter
 * `_sp` is taken out where it is malformed, because the pipeline parses it in every page URL and refuses the event when
 * it cannot. undefined when no reader would find host and port in it.
 *
 * @param maxPath In UTF-16 units; the pipeline takes 3,000 of a page and 6,000 of a referrer.
 * @example
 * fitUrl('https://acme.com/tea?_sp=forged.link&page=2', 3000); // 'https://acme.com/tea?&page=2'
 */
export function fitUrl(url: string, maxPath: number): string | undefined {
  if (url.length <= maxPath && PLAIN.test(url) && !mayHaveLinker(url)) return url;
  const [, scheme = '', authority = '', path = '', search = '', fragment = ''] = PARTS.exec(url) as string[];
  const host = authority === '' ? '' : AUTHORITY.exec(authority)?.[1];
  if (host === undefined || host.length > MAX_HOST || scheme.length > MAX_SCHEME + 1) return undefined;
  const origin = scheme + authority;
  if (origin.length > MAX_URL) return undefined;
  // What follows a path that is cut belonged to another page.
  if (path.length > maxPath) return origin + cut(path, Math.min(maxPath, MAX_URL - origin.length));
  const query = search.replace(LINKER_PARAMETER, (parameter, value: string) => (isLinker(value) ? parameter : ''));
  const page = urlText({ origin, path, query: query === '' ? undefined : query.slice(1) }, maxPath);
  const whole = fragment.length > MAX_FRAGMENT + 1 || page.length + fragment.length > MAX_URL ? page : page + fragment;
  return whole === '' ? undefined : whole;
}
