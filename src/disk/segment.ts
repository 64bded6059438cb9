// One file of an owner's log: a line for each event. What is settled is marked in place, so a full disk does not prevent it.
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { EncodedEvent } from '../core/emitter';
import type { Entry as Waiting } from '../delivery/lanes';
import { readLines, SETTLED, toLines } from './record';

/** A file that has so much takes no more. */
export const SEGMENT_BYTES = 4 * 1_048_576;
// How much is read in one go.
const PIECE_BYTES = 262_144;

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
  // Up to where lines have been read.
  #known = 0;
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
    if (!isAdopted) this.#open('wx+');
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
      this.cut(this.end);
      throw error;
    }
    if (!this.isInPlace) {
      this.cut(this.end);
      return false;
    }
    this.end += lines.length;
    this.#isChanged = true;
    return true;
  }

  /** Nothing stands behind this place any more. */
  cut(end: number): void {
    ftruncateSync(this.#file as number, end);
    this.end = end;
    this.#known = Math.min(this.#known, end);
  }

  /** Writes an event of another file, which is settled there. All that is here must have been read. */
  moveIn(entry: Entry): void {
    const at = this.end;
    if (!this.isRead || !this.append([entry.event])) return;
    this.#known = this.end;
    entry.segment.settle(entry);
    this.entries.add(Object.assign(entry, { segment: this, at }));
  }

  /** Reads the next piece. */
  read(bytes = PIECE_BYTES): { readonly entries: readonly Entry[]; readonly damaged: number } {
    const file = this.#file ?? this.#open('r+');
    const start = this.#known;
    const piece = Buffer.allocUnsafe(Math.min(bytes, this.end - start));
    const got = readSync(file, piece, 0, piece.length, start);
    const isLast = got < piece.length || start + got >= this.end;
    const { waiting, read, damaged } = readLines(piece.subarray(0, got), isLast);
    // A line may be longer than a piece.
    if (read === 0 && !isLast) return this.read(bytes * 2);
    this.#known = isLast ? this.end : start + read;
    const entries = waiting.map(({ at, event }) => ({ segment: this, at: start + at, event, order: arrivals++ }));
    for (const entry of entries) this.entries.add(entry);
    return { entries, damaged };
  }

  /** An event is done with: noted in the file at once. Once it is closed its descriptor may be another file's: it comes again. */
  settle(entry: Entry): void {
    this.entries.delete(entry);
    this.#isChanged = true;
    if (this.#file !== undefined) writeSync(this.#file, SETTLED, 0, 1, entry.at);
  }

  /** Goes on in a copy at another path. Throws where the disk has no room for it; then it stays as it is. */
  moveTo(path: string): void {
    const copy = openSync(path, 'wx+', 0o600);
    try {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      for (let at = 0, got = 1; got > 0; at += got) {
        got = readSync(this.#file as number, piece, 0, piece.length, at);
        writeAll(copy, piece.subarray(0, got), at);
      }
    } catch (error) {
      closeSync(copy);
      unlinkSync(path);
      throw error;
    }
    this.remove();
    [this.path, this.#file, this.#isChanged] = [path, copy, true];
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

  #open(flags: 'wx+' | 'r+'): number {
    this.#file = openSync(this.path, flags, 0o600);
    this.end = fstatSync(this.#file).size;
    return this.#file;
  }
}

function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(file, bytes, written, bytes.length - written, at + written);
}
