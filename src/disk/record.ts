// A line of a segment: a mark, the length and the checksum of an event's JSON in hex, the JSON. What is read back is never trusted.
import { crc32 } from 'node:zlib';
import { EncodedEvent } from '../core/emitter';

/** What a line's first byte says: two kinds of event that wait, and one that is settled. */
export const MARKS = { named: 0x2d, anonymous: 0x61, settled: 0x78 } as const;

const NUMBER = 8;
const JSON_AT = 1 + 2 * NUMBER;
const NEWLINE = 0x0a;
const OPENING_BRACE = 0x7b;
// An event's id as it lies in its JSON, which holds it once: in a value each quotation mark has a backslash before it.
const ID = /[{,]"eid":"([^"\\]+)"/;

/** Bytes that a line has beside the event's JSON. */
export const RECORD_OVERHEAD = JSON_AT + 1;

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

/** A line that was read: where it is, how long, and its event, unless it is settled. */
export interface Line {
  readonly at: number;
  readonly length: number;
  readonly event: EncodedEvent | undefined;
}

/** What a piece of a segment holds. */
export interface Lines {
  readonly lines: readonly Line[];
  /** How much of the piece was read; the rest belongs to a line that goes on behind it. */
  readonly read: number;
  /** Stretches that are no line of ours. */
  readonly damaged: number;
}

/**
 * Reads lines; what is damaged is skipped up to the next newline.
 *
 * @param offset Where in the segment the piece begins.
 * @param isLast Nothing comes behind it: what is cut off there is damaged.
 */
export function readLines(piece: Buffer, offset: number, isLast: boolean): Lines {
  const lines: Line[] = [];
  let damaged = 0;
  let at = 0;
  while (at < piece.length) {
    const line = lineAt(piece, at);
    if (line === 'cut' && !isLast) break;
    if (typeof line === 'object') {
      lines.push({ at: offset + at, ...line });
      at += line.length;
      continue;
    }
    damaged++;
    const newline = piece.indexOf(NEWLINE, at);
    at = newline < 0 ? piece.length : newline + 1;
  }
  return { lines, read: at, damaged };
}

function lineAt(piece: Buffer, at: number): Omit<Line, 'at'> | 'cut' | undefined {
  if (piece.length - at < JSON_AT + 1) return piece.indexOf(NEWLINE, at) < 0 ? 'cut' : undefined;
  const mark = piece[at];
  if (mark !== MARKS.named && mark !== MARKS.anonymous && mark !== MARKS.settled) return undefined;
  const length = piece.toString('latin1', at + 1, at + 1 + NUMBER);
  const bytes = Number.parseInt(length, 16);
  if (hex(bytes) !== length || piece[at + JSON_AT] !== OPENING_BRACE) return undefined;
  const end = at + JSON_AT + bytes;
  if (end >= piece.length) return piece.indexOf(NEWLINE, at) < 0 ? 'cut' : undefined;
  if (piece[end] !== NEWLINE) return undefined;
  const json = piece.subarray(at + JSON_AT, end);
  const checksum = piece.toString('latin1', at + 1 + NUMBER, at + JSON_AT);
  if (hex(crc32(json, crc32(length))) !== checksum) return undefined;
  const line = { length: JSON_AT + bytes + 1, event: undefined };
  if (mark === MARKS.settled) return line;
  const text = json.toString('utf8');
  const id = ID.exec(text)?.[1];
  return id === undefined ? undefined : { ...line, event: new EncodedEvent(text, bytes, id, mark === MARKS.anonymous) };
}
