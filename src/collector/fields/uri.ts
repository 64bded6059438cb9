// Splits page and referrer URLs into the columns that Enrich derives from them.
import { javaUri, type JavaUri } from './java-uri';

/** The parts of a URL as Enrich stores them. */
export interface UriParts {
  readonly scheme: string | null;
  readonly host: string | null;
  /** 80, or 443 for https, when the URL names none. */
  readonly port: number;
  readonly path: string | null;
  readonly query: string | null;
  readonly fragment: string | null;
}

// What reads a URL that java.net.URI refuses. A user may hold anything before the first `@`, a password even slashes.
const LENIENT = new RegExp(
  '^(?:([A-Za-z][A-Za-z0-9+\\-.]*):|(?![A-Za-z][A-Za-z0-9+\\-.]*:))' +
    '(?:(//)(?:([^:/?[\\]@]*(?::[^@]*)?)@)?((?:\\[[0-9A-Fa-f:.]+\\]|[^:/?#]*)(?::\\d*)?)(?=[/?#]|$)|(?!//))' +
    '([^?#]*)(?:(\\?)([^#]*))?(?:(#)(.*))?$',
  's',
);
// What java.net.URI takes in no part that is read leniently.
const UNSAFE = /%(?![0-9A-Fa-f]{2})|[\0- "#<>[\\\]^`{|}\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g;

/**
 * The URL as the pipeline reads it: blanks escaped, and where java.net.URI refuses that still, all that it refuses
 * outside of the host. Undefined when even that is of no use.
 */
function read(url: string): (JavaUri & { readonly text: string }) | undefined {
  const plain = url.replaceAll(' ', '%20');
  const uri = javaUri(plain);
  if (uri) return { ...uri, text: plain };
  const found = LENIENT.exec(url);
  if (!found) return undefined;
  const [, scheme, slashes = '', user, host = '', path = '', mark = '', query = '', hash = '', fragment = ''] = found;
  const authority = slashes + (user === undefined ? '' : `${escape(user)}@`) + host;
  // In front of a path alone, a colon would end a scheme.
  const start = scheme !== undefined ? `${scheme}:${authority}` : authority;
  const lenient =
    start +
    (start === '' ? escape(path).replaceAll(':', '%3A') : escape(path)) +
    mark +
    escape(query) +
    hash +
    escape(fragment);
  const leniently = javaUri(lenient);
  return leniently && { ...leniently, text: lenient };
}

const escape = (part: string): string => part.replaceAll(UNSAFE, (found) => encodeURIComponent(found));

/** Splits a URL, and gives the text that is stored of it; undefined when the pipeline cannot read it. */
export function splitUri(url: string): (UriParts & { readonly text: string }) | undefined {
  const uri = read(url);
  return uri && { ...uri, port: uri.port ?? (uri.scheme === 'https' ? 443 : 80), path: uri.path || null };
}

/** What a cross-domain link hands over: `?_sp=duid.ts`. */
export interface CrossDomain {
  readonly userId: string;
  /** Undefined where there is none. */
  readonly time: string | undefined;
}

/**
 * Reads `_sp` of a query as the pipeline does: `&` and `;` stand between parameters, and the last of several holds.
 * `'fatal'` where it holds points and nothing else, at which Enrich throws.
 */
export function crossDomain(query: string | null): CrossDomain | 'fatal' | undefined {
  const value = new URLSearchParams((query ?? '').replaceAll(';', '&')).getAll('_sp').at(-1);
  if (!value) return undefined;
  const [userId = '', ...rest] = value.split('.');
  // As Java splits: empty parts at the end are none.
  const time = rest.some((part) => part !== '') ? rest[0] : undefined;
  return userId === '' && time === undefined ? 'fatal' : { userId, time };
}
