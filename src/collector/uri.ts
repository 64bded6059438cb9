// Splits page and referrer URLs into the columns that Enrich derives from them.

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

// The split of RFC 3986, appendix B: it takes any text, as the pipeline's lenient parser does.
const URI = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;
const AUTHORITY = /^(?:[^@]*@)?(\[[0-9a-fA-F:.]+\]|[^:[\]\s]*)(?::(\d{0,5}))?$/;

/** Splits a URL; undefined when even a lenient reader gives up: a port that is no number, a host with blanks. */
export function splitUri(url: string): UriParts | undefined {
  const [, scheme, authority, path, query, fragment] = URI.exec(url)!;
  const [, host, port] = (authority === undefined ? null : AUTHORITY.exec(authority)) ?? [];
  if (authority !== undefined && host === undefined) return undefined;
  return {
    scheme: scheme ?? null,
    host: host || null,
    port: port ? Number(port) : scheme?.toLowerCase() === 'https' ? 443 : 80,
    path: path || null,
    query: query ?? null,
    fragment: fragment ?? null,
  };
}

/** The visitor and the time that a cross-domain link hands over: `?_sp=duid.ts`. Empty parts are none. */
export function crossDomain(query: string | null): { userId: string; time: string } {
  const [userId = '', time = ''] = (new URLSearchParams(query ?? '').get('_sp') ?? '').split('.');
  return { userId, time };
}
