// Maps each wire key to the code that sets it, so that a verdict can name what to change.
import { lookUp } from '../fields/fields';

const STRUCT = 'trackStructEvent';
const PING = 'trackPagePing';
const ORDER = 'trackEcommerceTransaction';
const ITEM = 'trackEcommerceTransactionItem';
const EVENT = 'trackSelfDescribingEvent({ event: { schema, data } })';
const CONTEXT = 'context: [{ schema, data }] in any trackXxx()';
const argument = (method: string, name: string): string => `${method}({ ${name} })`;

const ORIGINS: Readonly<Record<string, string>> = {
  e: 'the trackXxx() method that is called',
  p: 'createTracker({ platform }), subject.setPlatform()',
  tna: 'createTracker({ namespace })',
  aid: 'createTracker({ appId })',
  eid: 'eventId in any trackXxx()',
  dtm: "timestamp: { type: 'dtm', value } in any trackXxx()",
  ttm: 'timestamp in any trackXxx()',
  stm: 'nothing to set, an Emitter sets it at every attempt',
  uid: 'subject.setUserId()',
  duid: 'subject.setDomainUserId()',
  sid: 'subject.setDomainSessionId()',
  vid: 'subject.setDomainSessionIndex()',
  nuid: 'subject.setNetworkUserId(), which is sent as tnuid',
  tnuid: 'subject.setNetworkUserId()',
  ip: 'subject.setIpAddress()',
  ua: 'subject.setUseragent()',
  lang: 'subject.setLang()',
  tz: 'subject.setTimezone()',
  cd: 'subject.setColorDepth()',
  res: 'subject.setScreenResolution(width, height)',
  vp: 'subject.setViewport(width, height)',
  url: 'trackPageView({ pageUrl }), subject.setPageUrl()',
  refr: 'trackPageView({ referrer }), subject.setReferrer()',
  page: 'trackPageView({ pageTitle })',
  se_ca: argument(STRUCT, 'category'),
  se_ac: argument(STRUCT, 'action'),
  se_la: argument(STRUCT, 'label'),
  se_pr: argument(STRUCT, 'property'),
  se_va: argument(STRUCT, 'value'),
  pp_mix: argument(PING, 'minX'),
  pp_max: argument(PING, 'maxX'),
  pp_miy: argument(PING, 'minY'),
  pp_may: argument(PING, 'maxY'),
  tr_id: argument(ORDER, 'orderId'),
  tr_af: argument(ORDER, 'affiliation'),
  tr_tt: argument(ORDER, 'totalValue'),
  tr_tx: argument(ORDER, 'taxValue'),
  tr_sh: argument(ORDER, 'shipping'),
  tr_ci: argument(ORDER, 'city'),
  tr_st: argument(ORDER, 'state'),
  tr_co: argument(ORDER, 'country'),
  tr_cu: argument(ORDER, 'currency'),
  ti_id: argument(ITEM, 'orderId'),
  ti_sk: argument(ITEM, 'sku'),
  ti_nm: argument(ITEM, 'name'),
  ti_na: argument(ITEM, 'name'),
  ti_ca: argument(ITEM, 'category'),
  ti_pr: argument(ITEM, 'price'),
  ti_qu: argument(ITEM, 'quantity'),
  ti_cu: argument(ITEM, 'currency'),
  ue_pr: EVENT,
  ue_px: EVENT,
  co: CONTEXT,
  cx: CONTEXT,
};

/** A line below the hint that names the code which sets the key; empty if this package never sends it. */
export function inCode(key: string): string {
  const origin = lookUp(ORIGINS, key);
  return origin === undefined ? '' : `\nIn code: ${origin}.`;
}
