// The files of a store: what waits in them and is not in memory, which takes what is put, and when each of them goes.
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { EncodedEvent } from '../core/emitter';
import { bytesOf } from '../delivery/store/memory-store';
import { touch } from './alive';
import { ADOPTED, bytesIn, NEW, ownersIn, segmentsOf } from './folder';
import { Owner } from './owner';
import { HEADER_BYTES } from './record';
import { type Entry, entryOf, Segment, SEGMENT_BYTES } from './segment';

// A file of this size is not kept for the few events that wait in it, nor a tail for none.
const LARGE_BYTES = SEGMENT_BYTES / 4;
const FEW = 20;

export class Files {
  readonly #path: string;
  // The last one is the store's owner. Those before it have lost their folders, and end when all that is open has moved.
  #owners: Owner[] = [];
  // All of them, in the order in which they are read.
  #segments: Segment[] = [];
  // The one that takes what is put, until it is full.
  #tail: Segment | undefined;
  #saving: Promise<void> = Promise.resolve();
  /** Events and bytes that wait and are not in memory, as far as it is known. */
  readonly unread = { events: 0, bytes: 0 };

  /** @param path The folder of all owners. */
  constructor(path: string) {
    this.#path = path;
  }

  /** What is to be read next of all that was adopted, or of all that was put. */
  next(isAdopted: boolean): Segment | undefined {
    return this.#segments.find((segment) => segment.isAdopted === isAdopted && !segment.isRead);
  }

  /**
   * Writes events. Throws where the disk takes none.
   *
   * @param hasRoom Memory has room for them.
   * @returns those that are in memory: all or, where others have to be read before them, none.
   */
  append(events: readonly EncodedEvent[], hasRoom: boolean): readonly Entry[] {
    if (!this.#append(events)) {
      this.settleIn();
      if (!this.#append(events)) throw new Error('the folder of the event store is removed again and again');
    }
    const tail = this.#tail as Segment;
    const entries = hasRoom && this.unread.events === 0 ? events.map((event) => entryOf(event, tail, tail.end)) : [];
    if (entries.length > 0) tail.hold(entries);
    else this.#count(events.length, bytesOf(events));
    return entries;
  }

  /** Reads the next piece of a file. One that cannot be read comes after the others. */
  read(segment: Segment): ReturnType<Segment['read']> {
    const { events, bytes } = segment.unread;
    try {
      return segment.read();
    } catch (error) {
      this.#segments.push(...this.#segments.splice(this.#segments.indexOf(segment), 1));
      throw error;
    } finally {
      this.#count(segment.unread.events - events, segment.unread.bytes - bytes);
      this.#tidy(segment);
    }
  }

  /** These are done with. */
  settle(entries: readonly Entry[]): void {
    // Those of one file stand together, for the most part.
    for (let from = 0, to = 0; from < entries.length; from = to) {
      const { segment } = entries[from] as Entry;
      while (entries[to]?.segment === segment) to++;
      segment.settle(entries.slice(from, to));
      this.#tidy(segment);
    }
  }

  /** Takes the folder of a dead owner, and those that it had adopted: these first, one by one, so that nothing nests. */
  adopt(dead: string): void {
    for (const inner of ownersIn(join(dead, ADOPTED))) this.adopt(inner);
    const folder = join((this.#owners.at(-1) ?? this.settleIn()).path, ADOPTED, basename(dead).replace(NEW, ''));
    const found = segmentsOf(dead);
    const bytes = Math.ceil(bytesIn(found) / found.length);
    try {
      renameSync(dead, folder);
    } catch (error) {
      // Another owner was faster.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    if (found.length === 0) rmSync(folder, { recursive: true, force: true });
    for (const path of found) {
      this.#segments.push(new Segment(folder + path.slice(dead.length), bytes));
      this.#count(0, bytes);
    }
  }

  /**
   * Sees to it that there is an owner, that its folder is where it should be, and in it all that is open. Somebody may have moved
   * or removed what was there; what was not open then is some dead owner's again, where it still is.
   *
   * @throws Error when the disk has no room. The next call moves what this one did not.
   */
  settleIn(): Owner {
    let owner = this.#owners.at(-1);
    if (!owner || !touch(owner.path)) {
      owner = new Owner(this.#path);
      this.#owners.push(owner);
      for (const { isOpen, unread } of this.#segments) if (!isOpen) this.#count(0, -unread.bytes);
      this.#segments = this.#segments.filter(({ isOpen }) => isOpen);
    }
    for (const segment of this.#segments)
      if (segment.isOpen && (!segment.path.startsWith(owner.path) || !segment.isInPlace))
        segment.moveTo(owner.nextPath());
    for (const former of this.#owners.splice(0, this.#owners.length - 1)) former.close();
    return owner;
  }

  /** A tail in which nothing waits takes no room, and a large file with few events is not kept for them: they are moved. */
  async shrink(): Promise<void> {
    if (this.#tail) this.#tidy(this.#tail, HEADER_BYTES + 1);
    const worn = this.#segments.filter(
      (segment) =>
        segment !== this.#tail && segment.isRead && segment.entries.size <= FEW && segment.end >= LARGE_BYTES,
    );
    if (worn.length === 0) return;
    for (const { entries } of worn) {
      const tail = this.#tail?.isRead ? this.#tail : this.#roll();
      if (tail.isRead && tail.append([...entries].map(({ event }) => event))) tail.hold([...entries]);
    }
    // A power cut may take what is new and leave what is old, so the new has to be safe before the old one goes.
    await this.save();
    for (const segment of worn) this.#tidy(segment);
  }

  /** Resolves when all that was written before is through to the disk. */
  save(): Promise<void> {
    return (this.#saving = this.#saving.catch(() => {}).then(() => this.#save()));
  }

  /** What waits is some dead owner's from now on. */
  close(): void {
    for (const segment of this.#segments) {
      if (segment.isDone) segment.remove();
      else segment.close();
    }
    for (const owner of this.#owners) owner.close();
  }

  async #save(): Promise<void> {
    const owner = this.#owners.at(-1);
    for (const segment of this.#segments.filter(({ isOpen }) => isOpen)) await segment.save();
    await owner?.saveNames();
    // What has moved out meanwhile is in another folder.
    if (owner && owner !== this.settleIn()) await this.#save();
  }

  #append(events: readonly EncodedEvent[]): boolean {
    const tail = this.#tail && this.#tail.end < SEGMENT_BYTES ? this.#tail : this.#roll();
    try {
      return tail.append(events);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A limit on the size of a file leaves room for another one.
      if (code !== 'EFBIG' || tail.end === HEADER_BYTES || this.#roll() === tail) throw error;
      return this.#append(events);
    }
  }

  /** Another tail. Where none can be made, the last one goes on. */
  #roll(): Segment {
    try {
      this.#tail = new Segment(this.settleIn().nextPath());
      this.#segments.push(this.#tail);
    } catch (error) {
      if (!this.#tail?.isInPlace) throw error;
    }
    return this.#tail;
  }

  #count(events: number, bytes: number): void {
    this.unread.events += events;
    this.unread.bytes += bytes;
  }

  /** Removes a file when nothing waits in it any more; a tail only when it has so many bytes. */
  #tidy(segment: Segment, least = LARGE_BYTES): void {
    if (!segment.isDone || (segment === this.#tail && segment.end < least)) return;
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    if (segment === this.#tail) this.#tail = undefined;
    segment.remove();
    const folder = dirname(segment.path);
    const isAdopted = dirname(folder) === join((this.#owners.at(-1) as Owner).path, ADOPTED);
    if (isAdopted && !this.#segments.some(({ path }) => path.startsWith(folder)))
      rmSync(folder, { recursive: true, force: true });
  }
}
