// The wire keys and the values that the pipeline accepts for them. Text that is too long is truncated, any other wrong value left out.
import { isIPv4, isIPv6 } from 'node:net';
import { idText, INT32_MAX, isUuid } from '../contracts';
import { truncate } from '../truncate';
import { fitUrl } from '../url/fit-url';

/** The pipeline's platforms (`headset` since Enrich 4.0). */
export const PLATFORMS = ['web', 'iot', 'app', 'mob', 'pc', 'cnsl', 'tv', 'srv', 'headset'] as const;
/** Where an event happened: a web site, a server, an app and so on. */
export type Platform = (typeof PLATFORMS)[number];

// The last millisecond of the year 9999. Later times, such as microseconds sent by mistake, are refused.
const LATEST = 253_402_300_799_999;
/** Whether a number is a time that the pipeline accepts, in milliseconds since the epoch. */
export const isTime = (value: number): boolean => value >= 0 && value <= LATEST;

/** The form of a value: a kind that {@link clean} knows, or a pattern for its text. */
type Shape = 'text' | 'identifier' | 'decimal' | 'integer' | 'time' | 'url' | 'address' | 'uuid' | RegExp;
export interface Field {
  readonly shape: Shape;
  /** The most UTF-16 units of a text or an identifier, or of a URL's path. */
  readonly limit: number;
  /** The beginning of the field in a JSON text: the end of the string before it, and its name. */
  readonly opening: string;
  /** Whether no value of this shape needs an escape in JSON. */
  readonly isPlain: boolean;
}
type Fields = ReadonlyMap<string, Field>;

const EVENT_TYPE = /^(pv|pp|se|ue|tr|ti)$/;
const PLATFORM = new RegExp(`^(${PLATFORMS.join('|')})$`);
const SIZE = /^\d{1,9}x\d{1,9}$/;
const BIT = /^[01]$/;
const JSON_TEXT = /./s;

const each = (shape: Shape, limit: number, ...keys: readonly string[]): [string, Field][] =>
  keys.map((key) => [key, { shape, limit, opening: `","${key}":"`, isPlain: !ANY_TEXT.has(shape) }]);
const ANY_TEXT: ReadonlySet<Shape> = new Set(['text', 'identifier', JSON_TEXT]);
const NO_LIMIT = Infinity;

// The limits are the atomic field limits of Enrich. The pipeline never truncates: a longer field makes the whole event bad. An
// identifier that is too long is left out, because a truncated one would identify somebody else.
const PAGE: Fields = new Map([...each('url', 3000, 'url'), ...each('url', 6000, 'refr')]);
/** The keys of an event itself. */
export const EVENT_FIELDS: Fields = new Map([
  ...PAGE,
  ...each('text', 2000, 'page'),
  ...each(EVENT_TYPE, NO_LIMIT, 'e'),
  ...each('text', 1000, 'se_ca', 'se_ac', 'se_pr'),
  ...each('text', 4096, 'se_la'),
  ...each('decimal', NO_LIMIT, 'se_va', 'tr_tt', 'tr_tx', 'tr_sh', 'ti_pr'),
  ...each('integer', NO_LIMIT, 'ti_qu', 'pp_mix', 'pp_max', 'pp_miy', 'pp_may'),
  ...each('identifier', 255, 'tr_id', 'ti_id', 'ti_sk'),
  ...each('identifier', 3, 'tr_cu', 'ti_cu'),
  ...each('text', 255, 'tr_af', 'tr_ci', 'tr_st', 'tr_co', 'ti_nm', 'ti_na', 'ti_ca'),
]);
/** The keys of a subject. */
export const SUBJECT_FIELDS: Fields = new Map([
  ...PAGE,
  ...each(PLATFORM, NO_LIMIT, 'p'),
  ...each('identifier', 255, 'uid'),
  ...each('identifier', 128, 'duid', 'tnuid', 'fp'),
  ...each('address', NO_LIMIT, 'ip'),
  // The collector uses the parameter `nuid` of a GET itself, and loses the whole request if it is not a UUID.
  ...each('uuid', NO_LIMIT, 'sid', 'nuid'),
  ...each('integer', NO_LIMIT, 'vid'),
  ...each('text', 1000, 'ua'),
  ...each('text', 255, 'lang', 'tz'),
  ...each('text', 128, 'cs'),
  ...each('text', 12, 'cd'),
  ...each(SIZE, NO_LIMIT, 'res', 'vp', 'ds'),
]);
/** Every key that payload_data 1-0-4 allows and the pipeline reads. */
export const ALL_FIELDS: Fields = new Map([
  ...EVENT_FIELDS,
  ...SUBJECT_FIELDS,
  ...each('text', 128, 'tna'),
  ...each('text', 255, 'aid'),
  ...each('text', 100, 'tv'),
  ...each('uuid', NO_LIMIT, 'eid'),
  ...each('integer', NO_LIMIT, 'tid'),
  ...each('time', NO_LIMIT, 'dtm', 'ttm', 'stm'),
  ...each(JSON_TEXT, NO_LIMIT, 'ue_pr', 'ue_px', 'co', 'cx'),
  ...each(BIT, NO_LIMIT, 'cookie', 'f_pdf', 'f_qt', 'f_realp', 'f_wma', 'f_dir', 'f_fla', 'f_java', 'f_gears', 'f_ag'),
]);

/**
 * The text to send for `key`; undefined if `fields` has no such key, or the value does not fit. Cannot throw.
 */
export function clean(key: string, value: unknown, fields = ALL_FIELDS): string | undefined {
  const field = fields.get(key);
  if (!field) return undefined;
  const { shape, limit } = field;
  switch (shape) {
    case 'text': {
      const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
      if (typeof text !== 'string' || text === '') return undefined;
      return text.length <= limit ? text : truncate(text, limit);
    }
    case 'identifier': {
      const id = idText(value);
      return typeof id === 'string' && id !== '' && id.length <= limit ? id : undefined;
    }
    case 'decimal':
    case 'integer':
    case 'time': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
      if (shape === 'decimal') return String(number);
      if (shape === 'time') return isTime(number) ? String(Math.trunc(number)) : undefined;
      const rounded = Math.round(number);
      return Math.abs(rounded) <= INT32_MAX ? String(rounded + 0) : undefined;
    }
    case 'url':
      return typeof value === 'string' && value !== '' ? fitUrl(value, limit) : undefined;
    case 'address':
      return typeof value === 'string' ? clientIp(value, false) : undefined;
    case 'uuid':
      return isUuid(value) ? value : undefined;
    default:
      return typeof value === 'string' && shape.test(value) ? value : undefined;
  }
}

// `[` + 45 characters of IPv6 + zone + `]:65535`, with a margin. A longer text is not an address.
const LONGEST_ADDRESS = 100;
const PORT = /^:\d{1,5}$/;
const MAPPED = '::ffff:';

/**
 * The plain form of an address: in lower case, without brackets, port and zone, and IPv4 without its IPv6 prefix. Undefined for other
 * texts, because frameworks pass on the text of a forwarding header unchecked.
 *
 * @param masked Keeps only the network: 24 bits of IPv4, 48 bits of IPv6.
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

/** Where the port of `1.2.3.4:80` starts; the end of a text with several colons, which belong to IPv6. */
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
    // A dotted end counts as two groups.
    const zeros = 8 - left.length - right.length - (address.includes('.') ? 1 : 0);
    left.push(...Array<string>(zeros).fill('0'), ...right);
  }
  return `${left.slice(0, 3).join(':')}::`;
}
