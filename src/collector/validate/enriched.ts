// An event with its enriched names: every column of the canonical event, null if it has no value.
import { type Field, FIELDS, firstAddress, lookUp, stored } from '../fields/fields';
import { crossDomain, splitUri } from '../fields/uri';
import type { CollectedEvent } from '../log/event';
import { pageUrlOf } from './url-rules';

// In canonical order. Columns that only enrichments fill stay null, as with the enrichments turned off.
const COLUMNS = `app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker
v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid
geo_country geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain
ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium
refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action se_label
se_property se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country
ti_orderid ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max
useragent br_name br_family br_version br_type br_renderengine br_lang br_features_pdf br_features_flash
br_features_java br_features_director br_features_quicktime br_features_realplayer br_features_windowsmedia
br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family
os_manufacturer os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height
tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone mkt_clickid
mkt_network etl_tags dvce_sent_tstamp refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid
derived_tstamp event_vendor event_name event_format event_version event_fingerprint true_tstamp`.split(/\s+/);

/** Every enriched name. */
export const ENRICHED_NAMES: ReadonlySet<string> = new Set(COLUMNS);

export type Enriched = Record<string, unknown>;

const VERSION = 'snowplow-middleware';
const SCHEMAS: Readonly<Record<string, string>> = {
  page_view: 'com.snowplowanalytics.snowplow/page_view/jsonschema/1-0-0',
  page_ping: 'com.snowplowanalytics.snowplow/page_ping/jsonschema/1-0-0',
  transaction: 'com.snowplowanalytics.snowplow/transaction/jsonschema/1-0-0',
  transaction_item: 'com.snowplowanalytics.snowplow/transaction_item/jsonschema/1-0-0',
  struct: 'com.google.analytics/event/jsonschema/1-0-0',
};

/** Builds the enriched event. */
export function enrich(event: CollectedEvent): Enriched {
  const { payload, request, receivedAt, contexts, schema, data } = event;
  const enriched: Enriched = Object.fromEntries(COLUMNS.map((column) => [column, null]));
  Object.assign(enriched, {
    user_ipaddress: request.ip,
    useragent: orNull(request.headers['user-agent'] ?? ''),
    network_userid: request.networkUserId,
  });
  for (const [key, value] of Object.entries(payload)) {
    const field = lookUp(FIELDS, key);
    if (field) Object.assign(enriched, columnsOf(key, value, field));
  }
  if (payload['tnuid']) enriched['network_userid'] = orNull(payload['tnuid']);
  // A page view stays a page view, whatever self-describing data it carries.
  const [event_vendor, event_name, event_format, event_version] = (
    (event.event === 'unstruct' ? schema?.replace(/^iglu:/, '') : lookUp(SCHEMAS, event.event)) ?? ''
  ).split('/');
  return Object.assign(enriched, {
    event: event.event || null,
    event_id: event.id,
    etl_tstamp: receivedAt.toISOString(),
    collector_tstamp: receivedAt.toISOString(),
    derived_tstamp: derivedTime(payload, receivedAt),
    v_collector: VERSION,
    v_etl: VERSION,
    ...pageColumns(pageUrlOf(payload, request)),
    ...urlColumns('refr_url', stored(payload['refr'] ?? '')),
    contexts: contexts.length > 0 ? envelope('contexts/jsonschema/1-0-1', contexts) : {},
    derived_contexts: {},
    unstruct_event: schema === undefined ? null : envelope('unstruct_event/jsonschema/1-0-0', { schema, data }),
    event_vendor: event_vendor || null,
    event_name: event_name ?? null,
    event_format: event_format ?? null,
    event_version: event_version ?? null,
  });
}

const envelope = (schema: string, data: unknown) => ({ schema: `iglu:com.snowplowanalytics.snowplow/${schema}`, data });

function columnsOf(key: string, value: string, { column, kind }: Field): Enriched {
  if (kind === 'json' || kind === 'ignored') return {};
  if (kind === 'millis') return { [column]: isoTime(value) };
  if (kind === 'int32' || kind === 'decimal')
    return { [column]: value === 'null' || value === '' ? null : Number(value) };
  if (kind === 'flag') return { [column]: value === '1' };
  if (kind === 'size') {
    const [width, height] = value.split('x').map(Number);
    return { [`${column}width`]: width ?? null, [`${column}height`]: height ?? null };
  }
  return { [column]: orNull(key === 'ip' ? firstAddress(value) : value) };
}

const orNull = (text: string): string | null => stored(text) || null;

function isoTime(ms: string): string | null {
  const time = new Date(Number(ms));
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** `ttm`, else the collector's time minus the time that the event waited to be sent, else the collector's time. */
function derivedTime({ ttm, dtm, stm }: CollectedEvent['payload'], receivedAt: Date): string | null {
  if (ttm !== undefined) return isoTime(ttm);
  const waited = Number(stm) - Number(dtm);
  return isoTime(String(receivedAt.getTime() - (waited > 0 ? waited : 0)));
}

function urlColumns(prefix: string, url: string): Enriched {
  const parts = url === '' ? undefined : splitUri(url);
  if (!parts) return {};
  const { scheme, host, port, path, query, fragment } = parts;
  return Object.fromEntries(
    Object.entries({ scheme, host, port, path, query, fragment }).map(([part, value]) => [`${prefix}${part}`, value]),
  );
}

// The text of the page's URL is stored as it was read, with the ids of a visitor from another domain.
function pageColumns(url: string): Enriched {
  const parts = url === '' ? undefined : splitUri(url);
  const link = crossDomain(parts?.query ?? null);
  return {
    page_url: parts?.text ?? (url || null),
    ...urlColumns('page_url', url),
    ...(link &&
      link !== 'fatal' && {
        refr_domain_userid: orNull(link.userId),
        refr_dvce_tstamp: link.time === undefined ? null : isoTime(link.time),
      }),
  };
}
