// A line of a segment: a mark, a checksum, the length of an event's JSON, both in hex, the JSON. What is read back is never trusted.
import { crc32 } from 'node:zlib';
import type { EncodedEvent } from '../core/emitter';
import { encodedEvent } from '../core/tracker/encode';
import { bytesOf } from '../delivery/store/memory-store';

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
const ID = '"eid":"';
// Where lines are made that are written at once.
const DESK = Buffer.allocUnsafe(65_536);

const HEX = Buffer.from('0123456789abcdef');

// A text for each number would take as long as the checksum.
function writeNumber(piece: Buffer, at: number, value: number): void {
  for (let left = value, digit = at + DIGITS - 1; digit >= at; digit--, left >>>= 4)
    piece[digit] = HEX[left & 15] as number;
}

// Of what are no digits comes some number too, which the checksum finds wrong.
function readNumber(piece: Buffer, at: number): number {
  let value = 0;
  for (let digit = at; digit < at + DIGITS; digit++) {
    const byte = piece[digit] as number;
    value = value * 16 + byte - (byte < 0x61 ? 0x30 : 0x57);
  }
  return value;
}

/** Bytes of a line beside its event. */
export const LINE_BYTES = JSON_AT + 1;
/** Bytes of the line with which a segment begins: up to where everything in it is settled, and a checksum of that. */
export const HEADER_BYTES = 2 * DIGITS + 1;

export function toHeader(settledTo: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES, NEWLINE);
  writeNumber(header, 0, settledTo);
  writeNumber(header, DIGITS, crc32(header.subarray(0, DIGITS)));
  return header;
}

/** Up to where a segment is settled. Where its header is damaged all of it counts as waiting. */
export function readHeader(header: Buffer): number {
  const settledTo = readNumber(header, 0);
  return header.equals(toHeader(settledTo)) ? settledTo : HEADER_BYTES;
}

/** The lines of these events, one after another; valid until the next call. */
export function toLines(events: readonly EncodedEvent[]): Buffer {
  const size = bytesOf(events) + events.length * LINE_BYTES;
  const lines = size <= DESK.length ? DESK.subarray(0, size) : Buffer.allocUnsafe(size);
  let at = 0;
  for (const { json, bytes, anonymous } of events) {
    const end = at + JSON_AT + bytes;
    lines[at] = anonymous ? MARKS.anonymous : MARKS.named;
    writeNumber(lines, at + LENGTH_AT, bytes);
    lines.write(json, at + JSON_AT);
    writeNumber(lines, at + 1, crc32(lines.subarray(at + LENGTH_AT, end)));
    lines[end] = NEWLINE;
    at = end + 1;
  }
  return lines;
}

/** What a piece of a segment holds. */
export interface Lines {
  /** The events that are not settled, and where each one's line begins. */
  readonly events: readonly EncodedEvent[];
  readonly places: readonly number[];
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
  const events: EncodedEvent[] = [];
  const places: number[] = [];
  let damaged = 0;
  let at = 0;
  while (at < piece.length) {
    const end = at + JSON_AT + readNumber(piece, at + LENGTH_AT);
    const event = eventAt(piece, at, end);
    if (event !== undefined) {
      if (event) {
        events.push(event);
        places.push(at);
      }
      at = end + 1;
      continue;
    }
    const newline = piece.indexOf(NEWLINE, at);
    if (newline < 0 && !isLast) break;
    damaged++;
    at = newline < 0 ? piece.length : newline + 1;
  }
  return { events, places, read: at, damaged };
}

/** The event of a line; null when it is settled, undefined where there is no line of ours. */
function eventAt(piece: Buffer, at: number, end: number): EncodedEvent | null | undefined {
  const json = at + JSON_AT;
  if (end < json || piece[json] !== OPENING_BRACE || piece[end] !== NEWLINE) return undefined;
  if (crc32(piece.subarray(at + LENGTH_AT, end)) !== readNumber(piece, at + 1)) return undefined;
  const mark = piece[at];
  if (mark === MARKS.settled) return null;
  if (mark !== MARKS.named && mark !== MARKS.anonymous) return undefined;
  const text = piece.toString('utf8', json, end);
  // From the end, where the encoder puts it.
  const id = text.lastIndexOf(ID) + ID.length;
  if (id < ID.length) return undefined;
  return encodedEvent(text, text.slice(id, text.indexOf('"', id)), mark === MARKS.anonymous, end - json);
}
