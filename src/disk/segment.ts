// One file of an owner's log: a header that says up to where everything is settled, then a line for each event.
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { EncodedEvent } from '../core/emitter';
import type { Entry as Ordered } from '../delivery/lane';
import { type Line, type Lines, MARKS, readLines, RECORD_OVERHEAD, toLines } from './record';

/** A file that has so much takes no more. */
export const SEGMENT_BYTES = 4 * 1_048_576;
// How much is read in one go.
const PIECE_BYTES = 262_144;
// The offset in the header is there twice: a power cut while one is written leaves the other.
const HEADER = /^settled ([0-9a-f]{8}) ([0-9a-f]{8})\n$/;
const HALF = 'settled 00000000 00000000\n'.length;
const HEADER_BYTES = 2 * HALF;
const NAME = /^(\d{6,})\.log$/;

/** The number of a segment, by the name of its file; undefined where it is none. */
export function numberOf(name: string): number | undefined {
  const number = NAME.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** An event in a file. It moves to another one where its owner has to. */
export interface Entry extends Ordered {
  segment: Segment;
  at: number;
  isSettled: boolean;
}

// The order in which events came into memory.
let arrivals = 0;

export class Segment {
  readonly path: string;
  /** Of the file: the path may lead to another one, or to none. */
  readonly #inode: number;
  readonly #file: number;
  /** Where the next line goes. */
  end: number;
  // Up to where lines have been read.
  #known: number;
  #settledTo: number;
  // What is read, from the first that is not settled.
  #entries: Entry[] = [];
  // How many of those are not settled; others are settled out of order, and still in the list.
  #unsettled = 0;
  // Where the last append began.
  #appendedAt = 0;
  /** Events that were written and are not in memory. The store counts them. */
  unread = 0;
  isClosed = false;

  /** Makes the file, or opens one that is there. */
  constructor(path: string, isNew: boolean) {
    this.path = path;
    this.#file = openSync(path, isNew ? 'wx+' : 'r+', 0o600);
    const { ino, size } = fstatSync(this.#file);
    this.#inode = ino;
    if (isNew) {
      this.#settledTo = HEADER_BYTES;
      this.#writeHeader();
      this.end = HEADER_BYTES;
    } else {
      this.end = size;
      this.#settledTo = Math.min(size, readHeader(this.#file));
    }
    this.#known = this.#settledTo;
  }

  get descriptor(): number {
    return this.#file;
  }

  get isFull(): boolean {
    return this.end >= SEGMENT_BYTES;
  }

  /** What is read and not settled, in the order of the file. */
  get entries(): readonly Entry[] {
    return this.#entries.filter(({ isSettled }) => !isSettled);
  }

  /** Everything in it has been read. */
  get isRead(): boolean {
    return this.#known >= this.end;
  }

  /** Everything in it is settled. */
  get isDone(): boolean {
    return this.isRead && this.#unsettled === 0;
  }

  /** Whether its path still leads to it. */
  get isInPlace(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.ino === this.#inode;
  }

  /** Writes events behind the last one: all of them or, when it throws, none. */
  append(events: readonly EncodedEvent[]): void {
    if (this.isClosed) throw new Error('the event store is closed');
    const at = this.end;
    const lines = toLines(events);
    try {
      for (let written = 0; written < lines.length;)
        written += writeSync(this.#file, lines, written, lines.length - written, at + written);
    } catch (error) {
      ftruncateSync(this.#file, at);
      throw error;
    }
    this.#appendedAt = at;
    this.end = at + lines.length;
  }

  /** The last append is not to stand. */
  takeBack(): void {
    ftruncateSync(this.#file, this.#appendedAt);
    this.end = this.#appendedAt;
  }

  /** Writes events that were in other files; the entries that stand for them stand for them here. */
  moveIn(entries: readonly Entry[]): void {
    this.append(entries.map(({ event }) => event));
    let at = this.#appendedAt;
    for (const entry of entries) {
      Object.assign(entry, { segment: this, at });
      at += entry.event.bytes + RECORD_OVERHEAD;
    }
    this.#known = this.end;
    this.#entries = [...entries];
    this.#unsettled = entries.length;
  }

  /** Reads the next piece. */
  read(): { readonly entries: readonly Entry[]; readonly damaged: number } {
    const { lines, read, damaged } = this.#piece(PIECE_BYTES);
    this.#known += read;
    return { entries: this.#enter(lines), damaged };
  }

  /** These are done with: noted in the file at once. */
  settle(entries: readonly Entry[]): void {
    // Its descriptor may be another file's by now: these come again.
    if (this.isClosed) return;
    for (const entry of entries) entry.isSettled = true;
    this.#unsettled -= entries.length;
    let passed = 0;
    while (this.#entries[passed]?.isSettled) passed++;
    if (passed > 0) this.#entries.splice(0, passed);
    const [first] = this.#entries;
    const settledTo = first ? first.at : this.#known;
    // What is settled before that is covered by the header; the rest says so itself.
    for (const { at } of entries) if (at > settledTo) writeSync(this.#file, SETTLED, 0, 1, at);
    if (settledTo === this.#settledTo) return;
    this.#settledTo = settledTo;
    this.#writeHeader();
  }

  /** No descriptor stays open. */
  close(): void {
    if (!this.isClosed) closeSync(this.#file);
    this.isClosed = true;
  }

  /** Closes and removes the file. */
  remove(): void {
    this.close();
    if (this.isInPlace) unlinkSync(this.path);
  }

  // Lines may be longer than a piece.
  #piece(bytes: number): Lines {
    const wanted = Math.min(bytes, this.end - this.#known);
    const piece = Buffer.allocUnsafe(wanted);
    const got = readSync(this.#file, piece, 0, wanted, this.#known);
    const isLast = got < wanted || this.#known + got >= this.end;
    const lines = readLines(piece.subarray(0, got), this.#known, isLast);
    if (isLast) return { ...lines, read: this.end - this.#known };
    return lines.read > 0 ? lines : this.#piece(bytes * 2);
  }

  #enter(lines: readonly Line[]): Entry[] {
    const entries = lines.flatMap(({ at, event }): Entry[] =>
      event ? [{ segment: this, at, event, order: arrivals++, isSettled: false }] : [],
    );
    this.#entries.push(...entries);
    this.#unsettled += entries.length;
    return entries;
  }

  #writeHeader(): void {
    const offset = this.#settledTo.toString(16).padStart(8, '0');
    const half = `settled ${offset} ${crc32(offset).toString(16).padStart(8, '0')}\n`;
    writeSync(this.#file, half + half, 0, 'latin1');
  }
}

/** Bytes of a segment that are not settled, by its header. */
export function unsettledBytes(path: string): number {
  const file = openSync(path, 'r');
  try {
    return Math.max(0, fstatSync(file).size - readHeader(file));
  } finally {
    closeSync(file);
  }
}

// Where neither half is sound, whatever is there counts as waiting.
function readHeader(file: number): number {
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(file, header, 0, HEADER_BYTES, 0);
  const offsets = [0, HALF].map((at) => {
    const [, offset = '', checksum] = HEADER.exec(header.toString('latin1', at, at + HALF)) ?? [];
    return Number.parseInt(checksum ?? '', 16) === crc32(offset) ? Number.parseInt(offset, 16) : 0;
  });
  return Math.max(HEADER_BYTES, ...offsets);
}

const SETTLED = Buffer.from([MARKS.settled]);
