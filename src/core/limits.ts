// What the pipeline takes for each wire key: a value that fits comes back as text; text that is too long is cut, anything else left out.
import { isUuid } from './contracts';

// Limits in UTF-16 units, as the enrichment's atomic field limits (a longer field makes the whole event bad, it never cuts itself).
const TEXT: Readonly<Record<string, number>> = {
  aid: 255, tna: 128, tv: 100, tz: 255, ua: 1000, page: 2000, url: 8192, refr: 8192, lang: 255, cs: 128, cd: 12,
  se_ca: 1000, se_ac: 1000, se_la: 4096, se_pr: 1000,
  tr_af: 255, tr_ci: 255, tr_st: 255, tr_co: 255, ti_nm: 255, ti_na: 255, ti_ca: 255, ue_na: 1000,
}; // prettier-ignore
// A cut identifier would be another one: these are left out when too long.
const IDENTIFIER: Readonly<Record<string, number>> = {
  uid: 255, duid: 128, nuid: 128, tnuid: 128, ip: 128, fp: 128, tr_id: 255, ti_id: 255, ti_sk: 255, tr_cu: 3, ti_cu: 3,
}; // prettier-ignore

/** The platforms the pipeline knows (`headset` since Enrich 4.0). */
export const PLATFORMS = ['web', 'iot', 'app', 'mob', 'pc', 'cnsl', 'tv', 'srv', 'headset'] as const;
/** Where an event happened: one of {@link PLATFORMS}. */
export type Platform = (typeof PLATFORMS)[number];

const EVENT_TYPES: ReadonlySet<unknown> = new Set(['pv', 'pp', 'se', 'ue', 'tr', 'ti']);
const INT32 = 2_147_483_647;
// The last millisecond of the year 9999: later ones (microseconds sent by mistake) are refused.
const LATEST = 253_402_300_799_999;

type Clean = (value: unknown) => string | undefined;

const asText = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
};

const text =
  (limit: number): Clean =>
  (value) => {
    const string = asText(value);
    return string === undefined || string.length <= limit ? string : cut(string, limit);
  };
const identifier =
  (limit: number): Clean =>
  (value) => {
    const string = asText(value);
    return string !== undefined && string.length <= limit ? string : undefined;
  };
const decimal: Clean = (value) => {
  const number = asNumber(value);
  return number === undefined ? undefined : String(number);
};
const integer: Clean = (value) => {
  const number = asNumber(value);
  if (number === undefined) return undefined;
  const rounded = Math.round(number);
  return Math.abs(rounded) <= INT32 ? String(rounded + 0) : undefined;
};
const time: Clean = (value) => {
  const number = asNumber(value);
  return number !== undefined && number >= 0 && number <= LATEST ? String(Math.trunc(number)) : undefined;
};
const matching =
  (fits: (value: unknown) => boolean): Clean =>
  (value) =>
    fits(value) ? (value as string) : undefined;

const SIZE = /^\d{1,9}x\d{1,9}$/;
const json = matching((value) => typeof value === 'string' && value !== '');

const CLEAN: ReadonlyMap<string, Clean> = new Map<string, Clean>([
  ...Object.entries(TEXT).map(([key, limit]): [string, Clean] => [key, text(limit)]),
  ...Object.entries(IDENTIFIER).map(([key, limit]): [string, Clean] => [key, identifier(limit)]),
  ...['se_va', 'tr_tt', 'tr_tx', 'tr_sh', 'ti_pr'].map((key): [string, Clean] => [key, decimal]),
  ...['vid', 'tid', 'ti_qu', 'pp_mix', 'pp_max', 'pp_miy', 'pp_may'].map((key): [string, Clean] => [key, integer]),
  ...['dtm', 'ttm', 'stm'].map((key): [string, Clean] => [key, time]),
  ...['eid', 'sid'].map((key): [string, Clean] => [key, matching(isUuid)]),
  ...['res', 'vp', 'ds'].map((key): [string, Clean] => [key, matching((value) => SIZE.test(value as string))]),
  ...['ue_pr', 'ue_px', 'co', 'cx'].map((key): [string, Clean] => [key, json]),
  ['p', matching((value) => (PLATFORMS as readonly unknown[]).includes(value))],
  ['e', matching((value) => EVENT_TYPES.has(value))],
]);

/**
 * The text that goes on the wire for `key`, or undefined when the value cannot: the key is not one that payload_data 1-0-4
 * allows and the pipeline reads, or the value has not its shape. Cannot throw.
 */
export function clean(key: string, value: unknown): string | undefined {
  return CLEAN.get(key)?.(value);
}

/** Cuts `text` to `limit` UTF-16 units without leaving half a surrogate pair at its end. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}

function asNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}
