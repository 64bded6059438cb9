// A line of a segment: a mark, the length and the checksum of an event's JSON in hex, the JSON. What is read back is never trusted.
import { crc32 } from 'node:zlib';
import { EncodedEvent } from '../core/emitter';

/** What a line's first byte says: two kinds of event that wait, and one that is settled. */
const MARKS = { named: 0x2d, anonymous: 0x61, settled: 0x78 } as const;
/** Written over the mark of a line that is settled. */
export const SETTLED = Buffer.of(MARKS.settled);

const NUMBER = 8;
const JSON_AT = 1 + 2 * NUMBER;
const NEWLINE = 0x0a;
const OPENING_BRACE = 0x7b;
// An event's id as it lies in its JSON, which holds it once: in a value each quotation mark has a backslash before it.
const ID = /[{,]"eid":"([^"\\]+)"/;

const hex = (value: number): string => value.toString(16).padStart(NUMBER, '0');

/** The lines of these events, one after another. */
export function toLines(events: readonly EncodedEvent[]): Buffer {
  let text = '';
  for (const { json, bytes, anonymous } of events) {
    const length = hex(bytes);
    text += (anonymous ? 'a' : '-') + length + hex(crc32(json, crc32(length))) + json + '\n';
  }
  return Buffer.from(text);
}

/** What a piece of a segment holds. */
export interface Lines {
  /** The events that are not settled, with the place of their line in the piece. */
  readonly waiting: readonly { readonly at: number; readonly event: EncodedEvent }[];
  /** How much of the piece was read; the rest belongs to a line that goes on behind it. */
  readonly read: number;
  /** Stretches that are no line of ours. */
  readonly damaged: number;
}

/**
 * Reads lines; what is damaged is skipped up to the next newline.
 *
 * @param isLast Nothing comes behind it: what is cut off there is damaged.
 */
export function readLines(piece: Buffer, isLast: boolean): Lines {
  const waiting: { at: number; event: EncodedEvent }[] = [];
  let damaged = 0;
  let at = 0;
  while (at < piece.length) {
    const line = lineAt(piece, at);
    if (line) {
      if (line.event) waiting.push({ at, event: line.event });
      at = line.end;
      continue;
    }
    const newline = piece.indexOf(NEWLINE, at);
    if (newline < 0 && !isLast) break;
    damaged++;
    at = newline < 0 ? piece.length : newline + 1;
  }
  return { waiting, read: at, damaged };
}

/** Where the line at this place ends, and its event unless it is settled; undefined where no whole line is. */
function lineAt(piece: Buffer, at: number): { readonly end: number; readonly event?: EncodedEvent } | undefined {
  const mark = piece[at];
  const length = piece.toString('latin1', at + 1, at + 1 + NUMBER);
  const bytes = Number.parseInt(length, 16);
  const end = at + JSON_AT + bytes;
  if (hex(bytes) !== length || piece[at + JSON_AT] !== OPENING_BRACE || piece[end] !== NEWLINE) return undefined;
  const json = piece.subarray(at + JSON_AT, end);
  const checksum = piece.toString('latin1', at + 1 + NUMBER, at + JSON_AT);
  if (hex(crc32(json, crc32(length))) !== checksum) return undefined;
  if (mark === MARKS.settled) return { end: end + 1 };
  const text = json.toString('utf8');
  const id = ID.exec(text)?.[1];
  if (id === undefined || (mark !== MARKS.named && mark !== MARKS.anonymous)) return undefined;
  return { end: end + 1, event: new EncodedEvent(text, bytes, id, mark === MARKS.anonymous) };
}
