// `_sp`, the browser tracker's cross-domain parameter `<domain user id>.<milliseconds>…`: checks it, and removes it from texts.
import { decode, decodeFully } from './page-url';

// Fourteen digits of milliseconds last until the year 5138.
const LINKER = /^[\w-]{1,128}\.\d{1,14}(?![^.])[\w.=-]*$/;
/** Whether the pipeline can parse the value of a `_sp`. */
export const isLinker = (value: string): boolean => LINKER.test(decode(value));

// `_sp` with every character escaped.
const LONGEST_NAME = 9;
/** Whether a parameter's name, plain or escaped, is `_sp`. */
export const namesLinker = (name: string): boolean => name.length <= LONGEST_NAME && decode(name) === '_sp';

/**
 * Removes `_sp`, which holds the visitor's id, from a URL or any other text: as a parameter, and inside a URL that is itself a
 * parameter's value, at any depth and however often it is escaped. Everything else stays byte-identical. A text with a `_sp` that
 * is not a parameter, as in JSON, is replaced as a whole.
 *
 * @example
 * withoutLinker('https://acme.com/tea?_sp=6f1c.1700000000000&page=2'); // 'https://acme.com/tea?page=2'
 * withoutLinker('/login?next=%2Ftea%3F_sp%3D6f1c.1700000000000'); // '/login?next=%2Ftea'
 */
export function withoutLinker(text: string): string {
  return mayHold(text) && holds(text) ? withoutParameters(text, 0) : text;
}

// The separators of parameters at each depth of escaping: `&`, `%26`, `%2526`, …
const DEEPEST = 6;
const SEPARATORS = Array.from({ length: DEEPEST }, (_, depth) =>
  depth === 0 ? /([&;?#])/ : new RegExp(`(%(?:25){${depth - 1}}(?:26|3[bf]|23))`, 'i'),
);
const BEGINS_A_PART = /^(?:[?#]|%(?:25)*(?:3f|23))$/i;

function withoutParameters(text: string, depth: number): string {
  const pieces = text.split(SEPARATORS[depth] as RegExp);
  let out = '';
  let separator = '';
  for (let at = 0; at < pieces.length; at += 2) {
    const piece = pieces[at] as string;
    const next = pieces[at + 1] ?? '';
    if (STARTS_WITH_LINKER.test(decodeFully(piece) ?? '')) {
      // Removes the separator after it too; before another part of the URL and at the end, the one before it.
      if (next === '' || BEGINS_A_PART.test(next)) separator = next;
      continue;
    }
    out += separator + (holds(piece) ? escaped(piece, depth) : piece);
    separator = next;
  }
  return out + separator;
}

function escaped(piece: string, depth: number): string {
  const inner = depth + 1 < DEEPEST ? withoutParameters(piece, depth + 1) : piece;
  if (!holds(inner)) return inner;
  const before = inner.slice(0, inner.indexOf('=') + 1 || inner.lastIndexOf('/') + 1 || 0);
  return holds(before) ? 'redacted' : `${before}redacted`;
}

// Searching for a character first is several times cheaper than the pattern, and usually enough.
const mayHold = (text: string): boolean => text.includes('_s') || text.includes('%');
const STARTS_WITH_LINKER = /^_sp(?![\w.-])/;
// A separate name, followed by something that could be its value.
const NAMED_LINKER = /(?<!\w)_sp(?![\w.-])[^]*?\w/;

function holds(text: string): boolean {
  const decoded = decodeFully(text);
  return decoded === undefined || NAMED_LINKER.test(decoded);
}
