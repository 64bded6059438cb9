// One file of an owner's log: a header, and a line for each event. What is settled is noted in place, so a full disk does not
// prevent it: in the header when all before it is settled too, else by the mark of its line.
import {
  close,
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { EncodedEvent } from '../core/emitter';
import type { Entry as Waiting } from '../delivery/store/memory-store';
import { HEADER_BYTES, LINE_BYTES, readHeader, readLines, SETTLED, toHeader, toLines } from './record';

/** A file that has so much takes no more. */
export const SEGMENT_BYTES = 4 * 1_048_576;
// What is read in one go, and is done with when the next piece is read.
const PIECE = Buffer.allocUnsafe(262_144);

/** An event in memory, and where it lies in a file. It moves to another place where its store has to. */
export interface Entry extends Waiting {
  segment: Segment;
  at: number;
}

let arrivals = 0;

/** An event that comes into memory, behind those that are there. */
export const entryOf = (event: EncodedEvent, segment: Segment, at: number): Entry => ({
  event,
  order: arrivals++,
  segment,
  at,
});

export class Segment {
  path: string;
  /** Written by an owner that has died. */
  readonly isAdopted: boolean;
  // Undefined until its turn comes to be read, and when it is closed.
  #file: number | undefined;
  /** Where the next line goes. */
  end: number;
  // Up to where it has been read: nowhere until its header is.
  #known = 0;
  // Events behind that, as far as it is known.
  #events = 0;
  // Not through to the disk.
  #isChanged = true;
  /** What is in memory and not settled, in the order of the lines. */
  readonly entries = new Set<Entry>();

  /** Makes the file, or stands for one that is there. @param bytes About so many are in the one that is there. */
  constructor(path: string, bytes?: number) {
    this.path = path;
    this.isAdopted = bytes !== undefined;
    this.end = bytes ?? HEADER_BYTES;
    if (this.isAdopted) return;
    this.#file = create(path, toHeader(HEADER_BYTES));
    this.#known = HEADER_BYTES;
  }

  /** Events and bytes that wait and are not in memory, as far as it is known. */
  get unread(): { readonly events: number; readonly bytes: number } {
    return { events: this.#events, bytes: this.end - this.#known - this.#events * LINE_BYTES };
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Everything in it has been read. */
  get isRead(): boolean {
    return this.isOpen && this.#known >= this.end;
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
    let isWritten = false;
    try {
      writeAll(this.#file as number, lines, this.end);
      isWritten = this.isInPlace;
    } finally {
      if (!isWritten) ftruncateSync(this.#file as number, this.end);
    }
    if (!isWritten) return false;
    this.end += lines.length;
    this.#events += events.length;
    this.#isChanged = true;
    return true;
  }

  /** The events that were written last, before which nothing waits to be read, are in memory: this is their place, and no other. */
  hold(entries: readonly Entry[]): void {
    for (const entry of entries) {
      entry.segment.entries.delete(entry);
      this.entries.add(entry);
      entry.segment = this;
      entry.at = this.#known;
      this.#known += entry.event.bytes + LINE_BYTES;
    }
    this.#events = 0;
  }

  /**
   * Reads the next piece.
   *
   * @returns what waits in it, and how many events should be there, or before it, and are not.
   */
  read(room = PIECE): { readonly entries: readonly Entry[]; readonly lost: number } {
    const file = this.#open();
    const start = this.#known;
    const wanted = Math.min(room.length, this.end - start);
    const got = readSync(file, room, 0, wanted, start);
    const isLast = got < wanted || start + got >= this.end;
    const { events, places, read, damaged } = readLines(room.subarray(0, got), isLast);
    // A line may be longer than a piece.
    if (read === 0 && !isLast) return this.read(Buffer.allocUnsafe(room.length * 2));
    this.#known = isLast ? this.end : start + read;
    const entries = events.map((event, index) => entryOf(event, this, start + (places[index] as number)));
    for (const entry of entries) this.entries.add(entry);
    // How many a dead owner had written is known when they are read.
    if (this.isAdopted) return { entries, lost: damaged };
    const lost = isLast ? this.#events - events.length : 0;
    this.#events -= events.length + lost;
    return { entries, lost };
  }

  /** These are done with: noted in the file at once. */
  settle(entries: readonly Entry[]): void {
    for (const entry of entries) this.entries.delete(entry);
    // Its descriptor may be another file's by now: these come again.
    if (this.#file === undefined) return;
    const [first] = this.entries;
    const settledTo = first ? first.at : this.#known;
    for (const { at } of entries) if (at > settledTo) writeSync(this.#file, SETTLED, 0, 1, at);
    writeSync(this.#file, toHeader(settledTo), 0, HEADER_BYTES, 0);
    this.#isChanged = true;
  }

  /** Goes on at another path: in a copy where the file is gone. Throws where the disk has no room for that; nothing has changed then. */
  moveTo(path: string): void {
    if (this.isInPlace) renameSync(this.path, path);
    else {
      const bytes = Buffer.alloc(this.end);
      const got = readSync(this.#file as number, bytes, 0, this.end, 0);
      const copy = create(path, bytes.subarray(0, got));
      this.close();
      this.#file = copy;
    }
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

  /** Removes and closes the file, which lets go of its bytes in another thread: that takes the system a millisecond. */
  remove(): void {
    const file = this.#file as number;
    this.#file = undefined;
    rmSync(this.path, { force: true });
    close(file, () => {});
  }

  #open(): number {
    const file = (this.#file ??= openSync(this.path, 'r+'));
    if (this.#known > 0) return file;
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(file, header, 0, HEADER_BYTES, 0);
    this.end = fstatSync(file).size;
    this.#known = Math.min(readHeader(header), this.end);
    return file;
  }
}

/** Makes a file of these bytes: all of it or, when it throws, none. */
function create(path: string, bytes: Buffer): number {
  const file = openSync(path, 'wx+', 0o600);
  try {
    writeAll(file, bytes, 0);
    return file;
  } catch (error) {
    closeSync(file);
    rmSync(path);
    throw error;
  }
}

function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(file, bytes, written, bytes.length - written, at + written);
}
