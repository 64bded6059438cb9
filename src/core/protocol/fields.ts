// What the pipeline takes for each wire key: a value that fits comes back as text; text that is too long is cut, anything else left out.
import { isIPv4, isIPv6 } from 'node:net';
import { idText, INT32_MAX, isUuid } from '../contracts';
import { truncate } from '../truncate';
import { fitUrl } from '../url/fit-url';

/** The platforms the pipeline knows (`headset` since Enrich 4.0). */
export const PLATFORMS = ['web', 'iot', 'app', 'mob', 'pc', 'cnsl', 'tv', 'srv', 'headset'] as const;
/** Where an event happened: a web site, a server, an app and so on. */
export type Platform = (typeof PLATFORMS)[number];

const EVENT_TYPES: ReadonlySet<unknown> = new Set(['pv', 'pp', 'se', 'ue', 'tr', 'ti']);
// The last millisecond of the year 9999: later ones (microseconds sent by mistake) are refused.
const LATEST = 253_402_300_799_999;
/** Whether a number is a time the pipeline takes, in milliseconds since the epoch. */
export const isTime = (value: number): boolean => value >= 0 && value <= LATEST;

type Clean = (value: unknown) => string | undefined;

const asText = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
};

const text =
  (limit: number): Clean =>
  (value) => {
    const string = asText(value);
    return string === undefined || string.length <= limit ? string : truncate(string, limit);
  };
const identifier =
  (limit: number): Clean =>
  (value) => {
    const string = idText(value);
    return typeof string === 'string' && string !== '' && string.length <= limit ? string : undefined;
  };
const decimal: Clean = (value) => {
  const number = asNumber(value);
  return number === undefined ? undefined : String(number);
};
const integer: Clean = (value) => {
  const number = asNumber(value);
  if (number === undefined) return undefined;
  const rounded = Math.round(number);
  return Math.abs(rounded) <= INT32_MAX ? String(rounded + 0) : undefined;
};
const time: Clean = (value) => {
  const number = asNumber(value);
  return number !== undefined && isTime(number) ? String(Math.trunc(number)) : undefined;
};
const matching =
  (fits: (value: unknown) => boolean): Clean =>
  (value) =>
    fits(value) ? (value as string) : undefined;

const url =
  (maxPath: number): Clean =>
  (value) =>
    typeof value === 'string' && value !== '' ? fitUrl(value, maxPath) : undefined;
const size = matching((value) => typeof value === 'string' && /^\d{1,9}x\d{1,9}$/.test(value));
const address: Clean = (value) => (typeof value === 'string' ? clientIp(value, false) : undefined);
const bit = matching((value) => value === '0' || value === '1');
const json = matching((value) => typeof value === 'string' && value !== '');

type Fields = ReadonlyMap<string, Clean>;
const each = (clean: Clean, ...keys: readonly string[]): [string, Clean][] => keys.map((key) => [key, clean]);

// The keys by who may speak of what. Limits in UTF-16 units, as the enrichment's atomic field limits: a longer field makes
// the whole event bad, it is never cut there. Identifiers are left out when too long: cut, they would be others.
const PAGE: Fields = new Map([...each(url(3000), 'url'), ...each(url(6000), 'refr')]);
const OF_EVENT: Fields = new Map([
  ...PAGE,
  ...each(text(2000), 'page'),
  ...each(
    matching((value) => EVENT_TYPES.has(value)),
    'e',
  ),
  ...each(text(1000), 'se_ca', 'se_ac', 'se_pr'),
  ...each(text(4096), 'se_la'),
  ...each(decimal, 'se_va', 'tr_tt', 'tr_tx', 'tr_sh', 'ti_pr'),
  ...each(integer, 'ti_qu', 'pp_mix', 'pp_max', 'pp_miy', 'pp_may'),
  ...each(identifier(255), 'tr_id', 'ti_id', 'ti_sk'),
  ...each(identifier(3), 'tr_cu', 'ti_cu'),
  ...each(text(255), 'tr_af', 'tr_ci', 'tr_st', 'tr_co', 'ti_nm', 'ti_na', 'ti_ca'),
]);
const OF_SUBJECT: Fields = new Map([
  ...PAGE,
  ...each(
    matching((value) => (PLATFORMS as readonly unknown[]).includes(value)),
    'p',
  ),
  ...each(identifier(255), 'uid'),
  ...each(identifier(128), 'duid', 'tnuid', 'fp'),
  ...each(address, 'ip'),
  // As a GET's parameter `nuid` is the collector's own, which is a UUID or the whole request is lost.
  ...each(matching(isUuid), 'sid', 'nuid'),
  ...each(integer, 'vid'),
  ...each(text(1000), 'ua'),
  ...each(text(255), 'lang', 'tz'),
  ...each(text(128), 'cs'),
  ...each(text(12), 'cd'),
  ...each(size, 'res', 'vp', 'ds'),
]);
const ALL: Fields = new Map([
  ...OF_EVENT,
  ...OF_SUBJECT,
  ...each(text(128), 'tna'),
  ...each(text(255), 'aid'),
  ...each(text(100), 'tv'),
  ...each(matching(isUuid), 'eid'),
  ...each(integer, 'tid'),
  ...each(time, 'dtm', 'ttm', 'stm'),
  ...each(json, 'ue_pr', 'ue_px', 'co', 'cx'),
  ...each(bit, 'cookie', 'f_pdf', 'f_qt', 'f_realp', 'f_wma', 'f_dir', 'f_fla', 'f_java', 'f_gears', 'f_ag'),
]);

/**
 * The text that goes on the wire for `key`, or undefined when the value cannot: the key is not one that payload_data 1-0-4
 * allows and the pipeline reads, or the value has not its shape. Cannot throw.
 */
export const clean = (key: string, value: unknown): string | undefined => ALL.get(key)?.(value);
/** The same for the keys with which an event speaks of itself. */
export const cleanOfEvent = (key: string, value: unknown): string | undefined => OF_EVENT.get(key)?.(value);
/** The same for the keys of a subject. */
export const cleanOfSubject = (key: string, value: unknown): string | undefined => OF_SUBJECT.get(key)?.(value);

function asNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

// `[` + 45 characters of IPv6 + zone + `]:65535`, with room; anything longer is no address.
const LONGEST_ADDRESS = 100;
const PORT = /^:\d{1,5}$/;
const MAPPED = '::ffff:';

/**
 * The plain form of an address: without brackets, port and zone, IPv4 out of its IPv6 wrapping, in lower case. Undefined when
 * it is none: frameworks hand over a forwarding header's text unchecked.
 *
 * @param masked Keeps the network only: 24 bits of IPv4, 48 bits of IPv6.
 * @example
 * clientIp('[2001:DB8::1]:443', false); // '2001:db8::1'
 * clientIp('::ffff:203.0.113.9', true); // '203.0.113.0'
 */
export function clientIp(raw: string | undefined, masked: boolean): string | undefined {
  if (raw === undefined || raw.length > LONGEST_ADDRESS) return undefined;
  const address = isIPv4(raw) ? raw : plainAddress(raw);
  return address !== undefined && masked ? network(address) : address;
}

function plainAddress(raw: string): string | undefined {
  const bracketed = raw.startsWith('[');
  const end = bracketed ? raw.indexOf(']') : raw.includes('.') ? onlyColon(raw) : raw.length;
  const port = raw.slice(bracketed ? end + 1 : end);
  if (end < 0 || (port !== '' && !PORT.test(port))) return undefined;
  const address = raw.slice(bracketed ? 1 : 0, end).toLowerCase();
  if (isIPv4(address)) return bracketed ? undefined : address;
  const zone = address.indexOf('%');
  const v6 = zone < 0 ? address : address.slice(0, zone);
  if (!isIPv6(v6)) return undefined;
  return v6.startsWith(MAPPED) && isIPv4(v6.slice(MAPPED.length)) ? v6.slice(MAPPED.length) : v6;
}

/** Where the port of `1.2.3.4:80` starts; the end of a text with several colons, which are IPv6's own. */
function onlyColon(raw: string): number {
  const colon = raw.indexOf(':');
  return colon >= 0 && colon === raw.lastIndexOf(':') ? colon : raw.length;
}

function network(address: string): string {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0`;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  if (left.length < 3 && tail !== undefined) {
    const right = tail === '' ? [] : tail.split(':');
    // A dotted end stands for two groups.
    const zeros = 8 - left.length - right.length - (address.includes('.') ? 1 : 0);
    left.push(...Array<string>(zeros).fill('0'), ...right);
  }
  return `${left.slice(0, 3).join(':')}::`;
}
