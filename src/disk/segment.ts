// One file of an owner's log: a header, and a line for each event. What is settled is noted in place, so a full disk does not
// prevent it: in the header when all before it is settled too, else by the mark of its line.
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { EncodedEvent } from '../core/emitter';
import type { Entry as Waiting } from '../delivery/store/memory-store';
import { HEADER_BYTES, readHeader, readLines, SETTLED, toHeader, toLines } from './record';

/** A file that has so much takes no more. */
export const SEGMENT_BYTES = 4 * 1_048_576;
// What is read in one go, and is done with when the next piece is read.
const PIECE = Buffer.allocUnsafe(262_144);

/** An event in a file. It moves to another place where its store has to. */
export interface Entry extends Waiting {
  segment: Segment;
  at: number;
}

// The order in which events came into memory.
let arrivals = 0;

export class Segment {
  path: string;
  /** Written by an owner that has died. */
  readonly isAdopted: boolean;
  // Undefined until its turn comes to be read, and when it is closed.
  #file: number | undefined;
  /** Where the next line goes. */
  end = 0;
  // Up to where lines have been read, and up to where all are settled.
  #known = 0;
  #settledTo = 0;
  // Not through to the disk.
  #isChanged = true;
  /** What is in memory and not settled. */
  readonly entries = new Set<Entry>();
  /** Events and bytes that wait and are not in memory, as far as its store knows. */
  unread = { events: 0, bytes: 0 };

  /** Makes the file, or stands for one that is there. */
  constructor(path: string, isAdopted: boolean) {
    this.path = path;
    this.isAdopted = isAdopted;
    if (isAdopted) return;
    this.#file = openSync(path, 'wx+', 0o600);
    try {
      this.clear();
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.end === HEADER_BYTES;
  }

  /** Everything in it has been read. */
  get isRead(): boolean {
    return this.#file !== undefined && this.#known >= this.end;
  }

  /** Everything in it is settled. */
  get isDone(): boolean {
    return this.isRead && this.entries.size === 0;
  }

  /** Whether its path still leads to it: nobody else makes a file of this name in a folder of this name. */
  get isInPlace(): boolean {
    return existsSync(this.path);
  }

  /** Writes events behind the last one: all of them or, when it throws or its path does not lead to it any more, none. */
  append(events: readonly EncodedEvent[]): boolean {
    const lines = toLines(events);
    try {
      writeAll(this.#file as number, lines, this.end);
    } catch (error) {
      this.#cut(this.end);
      throw error;
    }
    if (!this.isInPlace) {
      this.#cut(this.end);
      return false;
    }
    this.end += lines.length;
    this.#isChanged = true;
    return true;
  }

  /** Begins anew: all that was in it is settled. */
  clear(): void {
    this.#cut(HEADER_BYTES);
    this.#known = HEADER_BYTES;
    this.#settle(HEADER_BYTES);
  }

  /** Writes an event of another file, which then needs it no more. All that is here must have been read. */
  moveIn(entry: Entry): void {
    const at = this.end;
    if (!this.isRead || !this.append([entry.event])) return;
    this.#known = this.end;
    entry.segment.entries.delete(entry);
    this.entries.add(Object.assign(entry, { segment: this, at }));
  }

  /** Reads the next piece. */
  read(room = PIECE): { readonly entries: readonly Entry[]; readonly damaged: number } {
    const file = this.#file ?? this.#open();
    const start = this.#known;
    const wanted = Math.min(room.length, this.end - start);
    const got = readSync(file, room, 0, wanted, start);
    const isLast = got < wanted || start + got >= this.end;
    const { events, places, read, damaged } = readLines(room.subarray(0, got), isLast);
    // A line may be longer than a piece.
    if (read === 0 && !isLast) return this.read(Buffer.allocUnsafe(room.length * 2));
    this.#known = isLast ? this.end : start + read;
    const entries: Entry[] = [];
    for (const [index, event] of events.entries())
      entries.push({ segment: this, at: start + (places[index] as number), event, order: arrivals++ });
    for (const entry of entries) this.entries.add(entry);
    return { entries, damaged };
  }

  /** These are done with: noted in the file at once. */
  settle(entries: readonly Entry[]): void {
    for (const entry of entries) this.entries.delete(entry);
    // Its descriptor may be another file's by now: these come again.
    if (this.#file === undefined) return;
    const [first] = this.entries;
    const settledTo = first ? first.at : this.#known;
    for (const { at } of entries) if (at > settledTo) writeSync(this.#file, SETTLED, 0, 1, at);
    if (settledTo > this.#settledTo) this.#settle(settledTo);
    this.#isChanged = true;
  }

  /** Goes on at another path: in a copy where the file is gone. Throws where the disk has no room for that; nothing has changed then. */
  moveTo(path: string): void {
    if (this.isInPlace) renameSync(this.path, path);
    else this.#copyTo(path);
    this.path = path;
    this.#isChanged = true;
  }

  /** Resolves when what was written is through to the disk. */
  async save(): Promise<void> {
    const file = this.#file;
    if (!this.#isChanged || file === undefined) return;
    this.#isChanged = false;
    await promisify(fdatasync)(file).catch((error: unknown) => {
      this.#isChanged = true;
      // What was removed meanwhile holds nothing any more that waits.
      if (this.#file === file) throw error;
    });
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Closes and removes the file. */
  remove(): void {
    this.close();
    if (this.isInPlace) unlinkSync(this.path);
  }

  #open(): number {
    const file = openSync(this.path, 'r+');
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(file, header, 0, HEADER_BYTES, 0);
    this.end = fstatSync(file).size;
    this.#known = this.#settledTo = Math.min(readHeader(header), this.end);
    return (this.#file = file);
  }

  #copyTo(path: string): void {
    const copy = openSync(path, 'wx+', 0o600);
    try {
      for (let at = 0, got = 1; got > 0; at += got) {
        got = readSync(this.#file as number, PIECE, 0, PIECE.length, at);
        writeAll(copy, PIECE.subarray(0, got), at);
      }
    } catch (error) {
      closeSync(copy);
      unlinkSync(path);
      throw error;
    }
    this.close();
    this.#file = copy;
  }

  #cut(end: number): void {
    ftruncateSync(this.#file as number, end);
    this.end = end;
  }

  #settle(settledTo: number): void {
    writeSync(this.#file as number, toHeader(settledTo), 0, 'latin1');
    this.#settledTo = settledTo;
  }
}

function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(file, bytes, written, bytes.length - written, at + written);
}
