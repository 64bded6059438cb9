// java.net.URI as a model: the grammar of RFC 2396 as amended by RFC 2732, with letters beyond ASCII where escapes may stand.
import { isIPv6 } from 'node:net';

const ESCAPE = '%[\\da-fA-F]{2}';
// Neither ASCII nor a control nor a blank.
const OTHER = '(?![\\p{Cc}\\p{Z}\\u180e])[^\\0-\\x7f]';
const UNRESERVED = "\\w\\-.!~*'()";
const run = (characters: string): string => `(?:[${UNRESERVED}${characters}]|${ESCAPE}|${OTHER})*`;
const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`, 'su');

const SCHEME = /^[a-z][a-z\d+.-]*$/i;
const USERINFO = whole(run(';:&=+$,'));
const REGISTRY_NAME = whole(run('$,;:@&=+'));
const PATH = whole(run(':@&=+$,;/'));
const URIC = whole(run(';/?:@&=+$,[\\]'));

/** The parts of a URI as the parser tells them; undefined where it throws. */
export interface JavaUri {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

export function parseJavaUri(text: string): JavaUri | undefined {
  const [before, fragment] = halves(text, '#');
  const colon = /^[^:/?#]*:/.exec(before)?.[0];
  const scheme = colon === undefined ? '' : colon.slice(0, -1);
  if ((colon !== undefined && !SCHEME.test(scheme)) || !URIC.test(fragment)) return undefined;
  const rest = before.slice(colon?.length ?? 0);
  if (colon !== undefined && !rest.startsWith('/'))
    return rest !== '' && URIC.test(rest) ? { scheme, authority: '', path: '', query: '', fragment } : undefined;
  const [hierarchy, query] = halves(rest, '?');
  const authority = hierarchy.startsWith('//') ? (/^\/\/([^/]*)/.exec(hierarchy)?.[1] ?? '') : undefined;
  const path = authority === undefined ? hierarchy : hierarchy.slice(2 + authority.length);
  if (!PATH.test(path) || !URIC.test(query)) return undefined;
  // An empty authority needs something behind it.
  if (text.slice(colon?.length ?? 0) === '//') return undefined;
  if (authority && !isAuthority(authority)) return undefined;
  return { scheme, authority: authority ?? '', path, query, fragment };
}

function isAuthority(authority: string): boolean {
  if (REGISTRY_NAME.test(authority)) return true;
  const [, userinfo = '', address = ''] = /^(?:([^@]*)@)?\[([^[\]]*)\](?::\d{0,9})?$/.exec(authority) ?? [];
  return USERINFO.test(userinfo) && isIPv6(address);
}

function halves(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const LIMITS = { scheme: 16, authority: 255, query: 6_000, fragment: 3_000 } as const;

/** Whether the pipeline takes a URL of a page (`url`) or a referrer (`refr`): readable, its parts short enough, `_sp` well formed. */
export function isGoodUrl(key: 'url' | 'refr', url: string): boolean {
  const uri = parseJavaUri(url);
  if (uri === undefined || url.length > 10_000 || uri.path.length > (key === 'url' ? 3_000 : 6_000)) return false;
  for (const part of ['scheme', 'query', 'fragment'] as const) if (uri[part].length > LIMITS[part]) return false;
  if (uri.authority.replace(/^[^@]*@|:\d*$/g, '').length > LIMITS.authority) return false;
  if (key === 'refr') return true;
  return new URLSearchParams(uri.query.replaceAll(';', '&')).getAll('_sp').every((value) => {
    const [id = '', time = ''] = value.split('.');
    return id.length <= 128 && /^\d{0,15}$/.test(time);
  });
}
