// The keys of the tracker protocol: the column of each, its kind, and the length that Enrich accepts.
// Source: payload_data/1-0-4 and atomic/1-0-0 of Iglu Central, limits of Enrich 6.

export type FieldKind =
  'text' | 'int32' | 'decimal' | 'uuid' | 'millis' | 'size' | 'flag' | 'event' | 'platform' | 'json' | 'ignored';

export interface Field {
  /** The column of the enriched event; a size fills two: `dvce_screen` stands for `dvce_screenwidth` and `…height`. */
  readonly column: string;
  readonly kind: FieldKind;
  /** The most UTF-16 units that Enrich accepts. It never truncates: an event with a longer text is bad. */
  readonly limit?: number;
  /** Another key whose value replaces this one's. */
  readonly overriddenBy?: string;
}

const text = (column: string, limit: number): Field => ({ column, kind: 'text', limit });
const of =
  (kind: FieldKind) =>
  (column: string): Field => ({ column, kind });
const int32 = of('int32');
const decimal = of('decimal');
const uuid = of('uuid');
const millis = of('millis');
const size = of('size');
const flag = of('flag');
const json = of('json');
const ignored: Field = { column: '', kind: 'ignored' };

/** Every key that `payload_data` allows. A POST with any other key loses all its events. */
export const FIELDS: Readonly<Record<string, Field>> = {
  e: { column: 'event', kind: 'event' },
  p: { column: 'platform', kind: 'platform' },
  tv: text('v_tracker', 100),
  tna: text('name_tracker', 128),
  aid: text('app_id', 255),
  eid: uuid('event_id'),
  tid: int32('txn_id'),
  dtm: millis('dvce_created_tstamp'),
  stm: millis('dvce_sent_tstamp'),
  ttm: millis('true_tstamp'),
  tz: text('os_timezone', 255),
  uid: text('user_id', 255),
  duid: text('domain_userid', 128),
  nuid: { ...text('network_userid', 128), overriddenBy: 'tnuid' },
  tnuid: text('network_userid', 128),
  sid: uuid('domain_sessionid'),
  vid: int32('domain_sessionidx'),
  ip: text('user_ipaddress', 128),
  ua: text('useragent', 1_000),
  fp: text('user_fingerprint', 128),
  url: text('page_url', 10_000),
  refr: text('page_referrer', 10_000),
  page: text('page_title', 2_000),
  lang: text('br_lang', 255),
  cs: text('doc_charset', 128),
  cd: text('br_colordepth', 12),
  res: size('dvce_screen'),
  vp: size('br_view'),
  ds: size('doc_'),
  cookie: flag('br_cookies'),
  f_pdf: flag('br_features_pdf'),
  f_qt: flag('br_features_quicktime'),
  f_realp: flag('br_features_realplayer'),
  f_wma: flag('br_features_windowsmedia'),
  f_dir: flag('br_features_director'),
  f_fla: flag('br_features_flash'),
  f_java: flag('br_features_java'),
  f_gears: flag('br_features_gears'),
  f_ag: flag('br_features_silverlight'),
  ue_pr: json('unstruct_event'),
  ue_px: json('unstruct_event'),
  co: json('contexts'),
  cx: json('contexts'),
  se_ca: text('se_category', 1_000),
  se_ac: text('se_action', 1_000),
  se_la: text('se_label', 4_096),
  se_pr: text('se_property', 1_000),
  se_va: decimal('se_value'),
  pp_mix: int32('pp_xoffset_min'),
  pp_max: int32('pp_xoffset_max'),
  pp_miy: int32('pp_yoffset_min'),
  pp_may: int32('pp_yoffset_max'),
  tr_id: text('tr_orderid', 255),
  tr_af: text('tr_affiliation', 255),
  tr_tt: decimal('tr_total'),
  tr_tx: decimal('tr_tax'),
  tr_sh: decimal('tr_shipping'),
  tr_ci: text('tr_city', 255),
  tr_st: text('tr_state', 255),
  tr_co: text('tr_country', 255),
  tr_cu: text('tr_currency', 3),
  ti_id: text('ti_orderid', 255),
  ti_sk: text('ti_sku', 255),
  ti_nm: text('ti_name', 255),
  ti_na: text('ti_name', 255),
  ti_ca: text('ti_category', 255),
  ti_pr: decimal('ti_price'),
  ti_qu: int32('ti_quantity'),
  ti_cu: text('ti_currency', 3),
  ad_ba: ignored,
  ad_ca: ignored,
  ad_ad: ignored,
  ad_uid: ignored,
  ctype: ignored,
  mac: ignored,
  sa: ignored,
  sn: ignored,
  st: ignored,
  sp: ignored,
  ue_na: ignored,
};

/** The values of `e` on the wire and after enrichment. The parser accepts `ad`, but it always fails afterwards. */
export const EVENT_NAMES: Readonly<Record<string, string>> = {
  pv: 'page_view',
  pp: 'page_ping',
  se: 'struct',
  ev: 'struct',
  ue: 'unstruct',
  tr: 'transaction',
  ti: 'transaction_item',
  ad: 'ad_impression',
};

/** Reads only an own property, so that a key such as `constructor` finds nothing. */
export function lookUp<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** The part of `ip` that Enrich keeps: the first address of a list. */
export const firstAddress = (ip: string): string => ip.split(/[,| ]/, 1)[0]!;

/** A text as Enrich stores it in tab-separated lines: spaces for tabs, and no other control characters. */
export const stored = (text: string): string =>
  /\p{Cc}/u.test(text) ? text.replaceAll('\t', '    ').replaceAll(/\p{Cc}/gu, '') : text;
