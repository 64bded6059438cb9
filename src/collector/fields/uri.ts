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

// Matches a URL that java.net.URI refuses. A user name may hold anything before the first `@`, and a password even slashes.
const LENIENT = new RegExp(
  '^(?:([A-Za-z][A-Za-z0-9+\\-.]*):|(?![A-Za-z][A-Za-z0-9+\\-.]*:))' +
    '(?:(//)(?:([^:/?[\\]@]*(?::[^@]*)?)@)?((?:\\[[0-9A-Fa-f:.]+\\]|[^:/?#]*)(?::\\d*)?)(?=[/?#]|$)|(?!//))' +
    '([^?#]*)(?:(\\?)([^#]*))?(?:(#)(.*))?$',
  's',
);
// Characters that java.net.URI refuses in every part that is read leniently.
const UNSAFE = /%(?![0-9A-Fa-f]{2})|[\0- "#<>[\\\]^`{|}\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g;

/**
 * The URL as the pipeline reads it: with spaces escaped or, if java.net.URI still refuses it, with everything escaped that it refuses
 * outside the host. Undefined if that fails too.
 */
function read(url: string): (JavaUri & { readonly text: string }) | undefined {
  const plain = url.replaceAll(' ', '%20');
  const uri = javaUri(plain);
  if (uri) return { ...uri, text: plain };
  const found = LENIENT.exec(url);
  if (!found) return undefined;
  const [, scheme, slashes = '', user, host = '', path = '', mark = '', query = '', hash = '', fragment = ''] = found;
  const authority = slashes + (user === undefined ? '' : `${escape(user)}@`) + host;
  // Without a scheme and a host, a colon in the path would end a scheme.
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

/** Splits a URL, and adds the text that is stored; undefined if the pipeline cannot read it. */
export function splitUri(url: string): (UriParts & { readonly text: string }) | undefined {
  const uri = read(url);
  return uri && { ...uri, port: uri.port ?? (uri.scheme === 'https' ? 443 : 80), path: uri.path || null };
}

/** The content of a cross-domain link: `?_sp=duid.ts`. */
interface CrossDomain {
  readonly userId: string;
  readonly time: string | undefined;
}

/**
 * Reads `_sp` of a query as the pipeline does: `&` and `;` separate parameters, and the last of several counts.
 * `'fatal'` if it consists of dots, at which Enrich throws.
 */
export function crossDomain(query: string | null): CrossDomain | 'fatal' | undefined {
  const value = new URLSearchParams((query ?? '').replaceAll(';', '&')).getAll('_sp').at(-1);
  if (!value) return undefined;
  const [userId = '', ...rest] = value.split('.');
  // Java's split drops empty parts at the end.
  const time = rest.some((part) => part !== '') ? rest[0] : undefined;
  return userId === '' && time === undefined ? 'fatal' : { userId, time };
}
