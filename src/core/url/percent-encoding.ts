// Percent-encoding of texts that browsers and bots put into URLs and cookies: it takes anything, and gives only legal text.
import { isUtf8 } from 'node:buffer';

/** What one part of a URI may hold, by java.net.URI, which is narrower than the browsers' parser. */
export interface Alphabet {
  readonly illegal: RegExp;
  /** The same where letters beyond ASCII may stay: controls, blanks and half of a surrogate pair may not. */
  readonly refused: RegExp;
  readonly legal: readonly boolean[];
}
const alphabet = (characters: string): Alphabet => ({
  illegal: new RegExp(`[^%${characters}]|%(?![\\da-fA-F]{2})`),
  refused: new RegExp(`[^%\\u00a1-\\ud7ff\\ue000-\\u{10ffff}${characters}]|[\\p{Z}\\u180e]|%(?![\\da-fA-F]{2})`, 'gu'),
  legal: Array.from({ length: 256 }, (_, byte) => new RegExp(`[${characters}]`).test(String.fromCharCode(byte))),
});
export const PATH = alphabet("\\w!.~'()*,;:$&+=/@-");
export const QUERY = alphabet("\\w!.~'()*,;:$&+=/@?[\\]-");
const USERINFO = alphabet("\\w!.~'()*,;:$&+=-");
const HOST = alphabet("\\w!.~'()*,;$&+=@-");

const ESCAPES = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);
const PERCENT = 0x25;
const HEX = alphabet('\\da-fA-F').legal;

const escaped = (text: string): string =>
  Array.from(Buffer.from(text.toWellFormed()), (byte) => ESCAPES[byte]).join('');
const mended =
  ({ refused }: Alphabet) =>
  (text: string): string =>
    text.replace(refused, escaped);
/**
 * A path that an app hands over, with all that java.net.URI refuses percent-encoded, and nothing else: letters beyond ASCII
 * stay as they are.
 *
 * @example
 * mendPath('/õhtu|'); // '/õhtu%7C'
 */
export const mendPath = mended(PATH);
/** The same of a query, a fragment or what follows the scheme of `mailto:` and the like. */
export const mendQuery = mended(QUERY);
/** The same of user name and password. */
export const mendUserinfo = mended(USERINFO);
/** Whether java.net.URI takes a text for a host's name: a name of the DNS, or of another registry. */
export const isHostName = (host: string): boolean => host.search(HOST.refused) < 0;

/**
 * `text` with its escapes resolved, as UTF-8; a malformed one stays as it is and hides none beside it. Cannot throw.
 *
 * @example
 * decode('to%6ben%'); // 'token%'
 */
export function decode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text.replace(/%[\da-f]{2}/gi, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

// Encoders that encode again escape the percent sign; only the curious escape the digits of an escape, one by one.
const MOST_ROUNDS = 6;
const ESCAPE = /%[\da-f]{2}/i;

/**
 * `text` with its escapes resolved until none is left, however often it was encoded; undefined where they are nested in ways
 * that no encoder has. Cannot throw.
 *
 * @example
 * decodeFully('%252Ftea%253Fpage%253D2'); // '/tea?page=2'
 */
export function decodeFully(text: string): string | undefined {
  let decoded = text;
  for (let round = 0; ESCAPE.test(decoded); round++) {
    if (round === MOST_ROUNDS) return undefined;
    decoded = decode(decoded.replace(/%(?:25)+/g, '%'));
  }
  return decoded;
}

/**
 * `text` with every character percent-encoded that its part of a URI must not hold, and a `%` that starts no escape.
 *
 * @example
 * encode('/a|b/100%/%20', PATH); // '/a%7Cb/100%25/%20'
 */
export function encode(text: string, { illegal, legal }: Alphabet): string {
  if (!illegal.test(text)) return text;
  const bytes = bytesOf(text);
  let out = '';
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    const keep = legal[byte] || (byte === PERCENT && HEX[bytes[at + 1]!] && HEX[bytes[at + 2]!]);
    out += keep ? String.fromCharCode(byte) : ESCAPES[byte];
  }
  return out;
}

/** Node hands over a header's bytes as one character each; where they are UTF-8 these are the bytes meant. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) && bytes.toString('latin1') === text ? bytes : Buffer.from(text);
}
