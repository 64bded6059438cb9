// The rules for `url` and `refr`: readable at all, parts within the lengths of their columns, `_sp` well formed.
import { checkLength } from './field-rules';
import { failing, type Failure } from './finding';
import { inCode } from './origins';
import { crossDomain, splitUri, type UriParts } from './uri';

type Part = Exclude<keyof UriParts, 'port'>;

const LIMITS: Readonly<Record<Part, number>> = { scheme: 16, host: 255, path: 3_000, query: 6_000, fragment: 3_000 };
const SOURCES = [
  { key: 'url', prefix: 'page_url', limits: LIMITS },
  { key: 'refr', prefix: 'refr_url', limits: { ...LIMITS, path: 6_000 } },
] as const;

const enrichment = failing('enrichment_failures');

/** Checks the columns that Enrich derives from the page's and the referrer's URL. */
export function checkUrls(payload: Readonly<Record<string, string>>): Failure[] {
  return SOURCES.flatMap(({ key, prefix, limits }) => {
    const url = payload[key];
    if (url === undefined || url === '') return [];
    const parts = splitUri(url);
    if (!parts) return [unreadable(key, url)];
    const tooLong = (Object.keys(limits) as Part[]).flatMap((part) =>
      checkLength(key, parts[part] ?? '', { column: prefix + part, kind: 'text', limit: limits[part] }),
    );
    return key === 'url' ? [...tooLong, ...checkCrossDomain(parts)] : tooLong;
  });
}

const unreadable = (field: string, url: string): Failure =>
  enrichment(
    field,
    'unreadable-url',
    url,
    'cannot be read as a URL',
    `Send an absolute http(s) URL whose port is a number and whose host has no blanks.${inCode(field)}`,
  );

// Enrich reads `_sp` from every page URL, also with the cross-domain enrichment off: any bot can send one.
function checkCrossDomain({ query }: UriParts): Failure[] {
  const { userId, time } = crossDomain(query);
  const failures = checkLength('url', userId, { column: 'refr_domain_userid', kind: 'text', limit: 128 });
  if (!/^(-?\d{1,15})?$/.test(time))
    failures.unshift(
      enrichment(
        'url',
        'malformed-cross-domain',
        `_sp=${userId}.${time}`,
        'carries a _sp parameter whose second part is no time in milliseconds',
        'Take _sp out of page URLs that come from requests; the middleware of snowplow-middleware does it by itself.',
      ),
    );
  return failures;
}
