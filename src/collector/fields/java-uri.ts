// Parses a text like java.net.URI, with which the pipeline reads URLs.
import { isIPv4, isIPv6 } from 'node:net';
import { INT32_MAX } from '../../core/contracts';

/** The parts of a URI. `host` and `port` are null if the authority names no host: `http://my_host/`, `http://a.b:x/`. */
export interface JavaUri {
  readonly scheme: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly path: string | null;
  readonly query: string | null;
  readonly fragment: string | null;
}

// Finds what a part may not hold: in ASCII, anything except letters, digits, its marks and escapes; beyond ASCII, control characters
// and spaces of every kind.
const illegal = (marks: string): RegExp =>
  new RegExp(
    `[^A-Za-z0-9\\-_.!~*'()${marks}%\\u00a1-\\uffff]|[\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]|%(?![0-9A-Fa-f]{2})`,
  );

const SCHEME = /^[A-Za-z][A-Za-z0-9+\-.]*$/;
const NOT_PATH = illegal(':@&=+$,;/');
// For a query, a fragment, and the rest of `mailto:anna@shop.example`.
const NOT_ANY = illegal(';/?:@&=+$,[\\]');
const NOT_USER = illegal(';:&=+$,');
// For an authority that is a name of a registry and not a host.
const NOT_REGISTRY = illegal('$,;:@&=+');
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
// The last of several labels begins with a letter.
const HOST = new RegExp(`^(?:${LABEL}|(?:${LABEL}\\.)+(?=[A-Za-z])${LABEL})\\.?$`);
const SERVER = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:@[\]]*)(?::(\d*))?$/;
const SCOPE = /^[A-Za-z0-9_.]+$/;

/** Splits a text; undefined if java.net.URI refuses it. */
export function javaUri(text: string): JavaUri | undefined {
  const [, beforeColon] = /^([^:/?#]*):/.exec(text) ?? [];
  const scheme = beforeColon ?? null;
  if (scheme !== null && !SCHEME.test(scheme)) return undefined;
  const [, hierarchy = '', , fragment = null] = /^([^#]*)(#(.*))?$/s.exec(
    scheme === null ? text : text.slice(scheme.length + 1),
  )!;
  if (fragment !== null && NOT_ANY.test(fragment)) return undefined;
  const rest = { scheme, fragment };
  if (scheme !== null && !hierarchy.startsWith('/'))
    return hierarchy !== '' && !NOT_ANY.test(hierarchy)
      ? { ...rest, host: null, port: null, path: null, query: null }
      : undefined;
  const [, , authority = null, path = '', , query = null] = /^(\/\/([^/?]*))?([^?]*)(\?(.*))?$/s.exec(hierarchy)!;
  const isBare = authority === '' && path === '' && query === null && fragment === null;
  if (isBare || NOT_PATH.test(path) || (query !== null && NOT_ANY.test(query))) return undefined;
  const place = authority === null || authority === '' ? { host: null, port: null } : placeOf(authority);
  return place && { ...rest, ...place, path, query };
}

type Place = Pick<JavaUri, 'host' | 'port'>;

function placeOf(authority: string): Place | undefined {
  const at = authority.search(NOT_REGISTRY);
  // A broken escape counts only in a possible name: the zone of an IPv6 address may hold a bare percent sign.
  if (authority[at] === '%') return undefined;
  return serverOf(authority) ?? (at < 0 ? { host: null, port: null } : undefined);
}

function serverOf(authority: string): Place | undefined {
  const [, user = '', host = '', port = ''] = SERVER.exec(authority) ?? [];
  if (host === '' || NOT_USER.test(user) || Number(port) > INT32_MAX) return undefined;
  return isHost(host) ? { host, port: port === '' ? null : Number(port) } : undefined;
}

function isHost(host: string): boolean {
  if (!host.startsWith('[')) return isIPv4(host) || HOST.test(host);
  const [address = '', ...scopes] = host.slice(1, -1).split('%');
  return isIPv6(address) && (scopes.length === 0 || SCOPE.test(scopes.join('%')));
}
