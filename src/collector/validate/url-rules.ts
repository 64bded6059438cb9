// The rules for `url` and `refr`: readable, parts within the lengths of their columns, `_sp` well formed.
import { stored } from '../fields/fields';
import { crossDomain, splitUri, type UriParts } from '../fields/uri';
import { failing, type Failure } from '../hints/finding';
import { inCode } from '../hints/origins';
import type { CollectedRequest } from '../log/event';
import { checkLength, isMillis } from './field-rules';

type Part = Exclude<keyof UriParts, 'port'>;

const LIMITS: Readonly<Record<Part, number>> = { scheme: 16, host: 255, path: 3_000, query: 6_000, fragment: 3_000 };
const REFERRER_LIMITS = { ...LIMITS, path: 6_000 };
const LINK_HELP =
  'Remove _sp from page URLs that come from requests; the middleware of snowplow-middleware does this automatically.';

type Payload = Readonly<Record<string, string>>;

/** The URL of the page, as text: `url`, else the Referer of the request to the collector; empty without both. */
export function pageUrlOf(payload: Payload, { headers }: Pick<CollectedRequest, 'headers'>): string {
  return stored(payload['url'] ?? '') || stored(headers['referer'] ?? '');
}

/** Checks the columns that Enrich derives from the page's and the referrer's URL. */
export function checkUrls(payload: Payload, request: Pick<CollectedRequest, 'headers'>): Failure[] {
  return [
    ...checkUrl('url', 'page_url', pageUrlOf(payload, request), LIMITS),
    ...checkUrl('refr', 'refr_url', stored(payload['refr'] ?? ''), REFERRER_LIMITS),
  ];
}

function checkUrl(key: 'url' | 'refr', prefix: string, url: string, limits: typeof LIMITS): Failure[] {
  if (url === '') return [];
  const parts = splitUri(url);
  if (!parts) return [unreadable(key, url)];
  const tooLong = (Object.keys(limits) as Part[]).flatMap((part) =>
    checkLength(key, parts[part] ?? '', { column: prefix + part, kind: 'text', limit: limits[part] }),
  );
  return key === 'url' ? [...checkCrossDomain(parts), ...tooLong] : tooLong;
}

const unreadable = (field: string, url: string): Failure =>
  failing('enrichment_failures')(
    field,
    'unreadable-url',
    url,
    'cannot be read as a URL',
    `Send an absolute http(s) URL with a host, and escape every character that a URL may not hold.${inCode(field)}`,
  );

// Enrich reads `_sp` from every page URL, even with the cross-domain enrichment off, and any bot can send one.
function checkCrossDomain({ query }: UriParts): Failure[] {
  const link = crossDomain(query);
  if (!link) return [];
  if (link === 'fatal')
    return [
      failing('generic_error')(
        'url',
        'fatal-cross-domain',
        `?${query}`,
        'carries a _sp parameter that consists of dots, so Enrich throws, and every event of the request is lost',
        LINK_HELP,
      ),
    ];
  const { userId, time } = link;
  const tooLong = checkLength('url', userId, { column: 'refr_domain_userid', kind: 'text', limit: 128 });
  if (time === undefined || isMillis(time)) return tooLong;
  const malformed = failing('enrichment_failures')(
    'url',
    'malformed-cross-domain',
    `_sp=${userId}.${time}`,
    'carries a _sp parameter whose second part is not a time in milliseconds',
    LINK_HELP,
  );
  return [malformed, ...tooLong];
}
