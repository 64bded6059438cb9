// What an owner writes: its folder, the segment that takes what is put, and how both get through to the disk.
import { fdatasync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EncodedEvent } from '../core/emitter';
import { Folder } from './folder';
import { type Entry, Segment } from './segment';

export class Writer {
  readonly #path: string;
  #folder: Folder | undefined;
  #segments = 0;
  /** Takes what is put next, as long as it is not full. */
  tail: Segment | undefined;
  // Files and folders that have changed since they were last written through.
  readonly #dirty = new Set<Segment>();
  readonly #dirtyFolders = new Set<string>();
  #saving: Promise<void> = Promise.resolve();
  #nextSave: Promise<void> | undefined;

  /** @param path The folder of all owners. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The folder, where there is one yet. */
  get folder(): Folder | undefined {
    return this.#folder;
  }

  /**
   * The folder, made where there is none yet.
   *
   * @throws Error where the disk has no room for it.
   */
  home(): Folder {
    if (!this.#folder) {
      this.#folder = new Folder(this.#path);
      this.#dirtyFolders.add(this.#path);
    }
    return this.#folder;
  }

  /** Writes events; throws when the disk takes none. Returns where they are. */
  append(events: readonly EncodedEvent[]): Segment {
    let tail = this.tail && !this.tail.isFull ? this.tail : this.#roll();
    try {
      tail.append(events);
    } catch (error) {
      // A limit on the size of a file leaves room for another one.
      if ((error as NodeJS.ErrnoException).code !== 'EFBIG') throw error;
      tail = this.#roll();
      tail.append(events);
    }
    this.#dirty.add(tail);
    return tail;
  }

  /** Begins a new folder, whose first segment has these events. */
  moveIn(entries: readonly Entry[]): Segment {
    const folder = new Folder(this.#path);
    const tail = this.#first(folder, entries);
    this.#folder?.close(false);
    [this.#folder, this.tail, this.#segments] = [folder, tail, 1];
    this.#dirty.clear();
    this.#dirty.add(tail);
    this.#dirtyFolders.add(folder.path).add(this.#path);
    return tail;
  }

  /** Resolves when all that was written before is through to the disk. */
  stored(): Promise<void> {
    // What was accepted since the one under way began is not covered by that; the next one covers all who wait for it.
    return (this.#nextSave ??= this.#saving
      .catch(() => {})
      .then(() => {
        this.#nextSave = undefined;
        return (this.#saving = this.#save());
      }));
  }

  // Where the disk has no room for it the folder goes too.
  #first(folder: Folder, entries: readonly Entry[]): Segment {
    try {
      const tail = new Segment(segmentPath(folder, 0), true);
      tail.moveIn(entries);
      return tail;
    } catch (error) {
      folder.close(true);
      throw error;
    }
  }

  /** The next segment. Where none can be made, the last one goes on. */
  #roll(): Segment {
    const folder = this.home();
    try {
      this.tail = new Segment(segmentPath(folder, this.#segments), true);
    } catch (error) {
      if (this.tail?.isInPlace) return this.tail;
      throw error;
    }
    this.#segments++;
    this.#dirtyFolders.add(folder.path);
    return this.tail;
  }

  async #save(): Promise<void> {
    const folders = [...this.#dirtyFolders];
    const segments = [...this.#dirty];
    this.#dirtyFolders.clear();
    this.#dirty.clear();
    try {
      // One that was closed meanwhile holds nothing any more that waits.
      for (const segment of segments) if (!segment.isClosed) await promisify(fdatasync)(segment.descriptor);
      for (const folder of folders) await syncFolder(folder);
    } catch (error) {
      for (const folder of folders) this.#dirtyFolders.add(folder);
      for (const segment of segments) this.#dirty.add(segment);
      throw error;
    }
  }
}

const segmentPath = ({ path }: Folder, number: number): string => join(path, `${String(number).padStart(6, '0')}.log`);

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
