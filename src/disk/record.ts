// A line of a segment: a mark, a checksum, the length of an event's JSON, both in hex, the JSON. What is read back is never trusted.
import { crc32 } from 'node:zlib';
import { EncodedEvent } from '../core/emitter';
import { bytesOf } from '../delivery/lanes';

/** What a line's first byte says: two kinds of event that wait, and one that is settled. */
const MARKS = { named: 0x2d, anonymous: 0x61, settled: 0x78 } as const;
/** Written over the mark of a line that is settled. */
export const SETTLED = Buffer.of(MARKS.settled);

const DIGITS = 8;
const LENGTH_AT = 1 + DIGITS;
const JSON_AT = LENGTH_AT + DIGITS;
const NEWLINE = 0x0a;
const OPENING_BRACE = 0x7b;
// An event's id as it lies in its JSON, which holds it once: in a value each quotation mark has a backslash before it.
const ID = /[{,]"eid":"([^"\\]+)"/;
// Where lines are made that are written at once.
const DESK = Buffer.allocUnsafe(65_536);

const hex = (value: number): string => value.toString(16).padStart(DIGITS, '0');

/** The lines of these events, one after another; valid until the next call. */
export function toLines(events: readonly EncodedEvent[]): Buffer {
  const size = bytesOf(events) + events.length * (JSON_AT + 1);
  const lines = size <= DESK.length ? DESK.subarray(0, size) : Buffer.allocUnsafe(size);
  let at = 0;
  for (const { json, bytes, anonymous } of events) {
    const end = at + JSON_AT + bytes;
    lines[at] = anonymous ? MARKS.anonymous : MARKS.named;
    lines.write(hex(bytes), at + LENGTH_AT, 'latin1');
    lines.write(json, at + JSON_AT);
    lines.write(hex(crc32(lines.subarray(at + LENGTH_AT, end))), at + 1, 'latin1');
    lines[end] = NEWLINE;
    at = end + 1;
  }
  return lines;
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
  const checksum = piece.toString('latin1', at + 1, at + LENGTH_AT);
  const length = piece.toString('latin1', at + LENGTH_AT, at + JSON_AT);
  const bytes = Number.parseInt(length, 16);
  const end = at + JSON_AT + bytes;
  if (hex(bytes) !== length || piece[at + JSON_AT] !== OPENING_BRACE || piece[end] !== NEWLINE) return undefined;
  if (hex(crc32(piece.subarray(at + LENGTH_AT, end))) !== checksum) return undefined;
  if (mark === MARKS.settled) return { end: end + 1 };
  const text = piece.toString('utf8', at + JSON_AT, end);
  const id = ID.exec(text)?.[1];
  if (id === undefined || (mark !== MARKS.named && mark !== MARKS.anonymous)) return undefined;
  return { end: end + 1, event: new EncodedEvent(text, bytes, id, mark === MARKS.anonymous) };
}
