// The files of a store: those that it has open, those that wait to be read, where they are, and when they go.
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EncodedEvent } from '../core/emitter';
import { bytesOf } from '../delivery/store/memory-store';
import { touch } from './alive';
import { bytesIn, segmentsOf } from './folder';
import { Owner } from './owner';
import { type Entry, Segment, SEGMENT_BYTES } from './segment';

// A large file with no more events than these is not kept for them.
const FEW = 20;
// A tail of this size begins anew when all that is in it is settled.
const WORN_BYTES = 65_536;

export class Files {
  readonly #path: string;
  #owner: Owner | undefined;
  // Those that have a descriptor.
  readonly #open = new Set<Segment>();
  // Those that wait to be read, oldest first.
  readonly #own: Segment[] = [];
  #adopted: Segment[] = [];
  /** Events and bytes in them that wait and are not in memory. */
  readonly unread = { events: 0, bytes: 0 };
  // Those whose last events have moved, and which go when these are safe.
  readonly #worn = new Set<Segment>();
  // The folders of dead owners that this one has adopted.
  readonly #folders = new Set<string>();
  // Owners whose folder was lost, until all that was open in it has moved.
  readonly #former: Owner[] = [];

  readonly #onWorn: () => void;

  /**
   * @param path The folder of all owners.
   * @param onWorn Called when a file is to go with the next save.
   */
  constructor(path: string, onWorn: () => void) {
    this.#path = path;
    this.#onWorn = onWorn;
  }

  /** The folder of this store's owner, where it has one. */
  get home(): string | undefined {
    return this.#owner?.path;
  }

  /** Some of what was put is not in memory. */
  get hasOwn(): boolean {
    return this.#own.length > 0;
  }

  /** Some of what was adopted is not in memory. */
  get hasAdopted(): boolean {
    return this.#adopted.length > 0;
  }

  /** Writes events. Throws where the disk takes none. */
  append(events: readonly EncodedEvent[]): void {
    const before = this.#owner?.tail;
    const segment = (this.#owner ?? this.settleIn()).append(events) ?? this.settleIn().append(events);
    if (!segment) throw new Error('the folder of the event store is removed again and again');
    this.#open.add(segment);
    if (this.#own.at(-1) !== segment) this.#own.push(segment);
    this.#count(segment, events.length, bytesOf(events));
    if (before && before !== segment) this.#tidy(before);
  }

  /**
   * Reads the next piece of what was put, or of what was adopted.
   *
   * @returns what waits in it, and how many events should be there and are not.
   */
  read(which: 'own' | 'adopted'): { readonly entries: readonly Entry[]; readonly lost: number } {
    const segments = which === 'own' ? this.#own : this.#adopted;
    const [segment] = segments;
    if (!segment) return { entries: [], lost: 0 };
    const { entries, damaged } = segment.read();
    this.#open.add(segment);
    if (segment.isAdopted) this.#count(segment, entries.length + damaged, 0);
    this.#count(segment, -entries.length, -bytesOf(entries.map(({ event }) => event)));
    if (!segment.isRead) return { entries, lost: 0 };
    segments.shift();
    const { events, bytes } = segment.unread;
    this.#count(segment, -events, -bytes);
    this.#tidy(segment);
    return { entries, lost: events };
  }

  /** The file that was to be read next comes after the others. */
  postpone(): void {
    this.#adopted.push(...this.#adopted.splice(0, 1));
  }

  /** These are done with. */
  settle(entries: readonly Entry[]): void {
    const touched = new Set<Segment>();
    // Those of one file stand together, for the most part.
    for (let from = 0, to = 0; from < entries.length; from = to) {
      const { segment } = entries[from] as Entry;
      while (entries[to]?.segment === segment) to++;
      segment.settle(entries.slice(from, to));
      touched.add(segment);
    }
    for (const segment of touched) this.#tidy(segment);
  }

  /** Takes over the folder of a dead owner. */
  adopt(dead: string): void {
    (this.#owner ?? this.settleIn()).adopt(dead);
    this.noteAdopted();
  }

  /** Lines up what is in folders that were adopted since the last time. */
  noteAdopted(): void {
    for (const folder of this.#owner?.adopted ?? []) {
      if (this.#folders.has(folder)) continue;
      const found = segmentsOf(folder);
      if (found.length === 0) {
        rmSync(folder, { recursive: true, force: true });
        continue;
      }
      this.#folders.add(folder);
      const bytes = bytesIn(found) / found.length;
      for (const path of found) {
        const segment = new Segment(path, true);
        this.#adopted.push(segment);
        this.#count(segment, 0, bytes);
      }
    }
  }

  /**
   * Sees to it that there is an owner, that its folder is where it should be, and in it all that is open. Somebody may have moved
   * or removed what was there; what was not open then is some dead owner's again, where it still is.
   *
   * @throws Error when the disk has no room. The next call moves what this one did not.
   */
  settleIn(): Owner {
    if (!this.#owner || !touch(this.#owner.path)) {
      const next = new Owner(this.#path);
      if (this.#owner) this.#former.push(this.#owner);
      next.tail = this.#owner?.tail;
      this.#owner = next;
      for (const segment of this.#adopted) if (!this.#open.has(segment)) this.#count(segment, 0, -segment.unread.bytes);
      this.#adopted = this.#adopted.filter((segment) => this.#open.has(segment));
      this.#folders.clear();
    }
    const owner = this.#owner;
    for (const segment of this.#open)
      if (!segment.path.startsWith(owner.path) || !segment.isInPlace) segment.moveTo(owner.nextPath());
    for (const former of this.#former.splice(0)) former.close();
    return owner;
  }

  /** A tail in which nothing waits takes no room, and a large file with few events is not kept for them: they are moved. */
  shrink(): void {
    const tail = this.#owner?.tail;
    if (tail?.isDone && !tail.isEmpty) this.#renew(tail);
    for (const segment of this.#open)
      if (segment !== tail && segment.isRead && segment.entries.size <= FEW && segment.end >= SEGMENT_BYTES / 4)
        this.#empty(segment);
  }

  /** Resolves when all that was written before is through to the disk. */
  async save(): Promise<void> {
    const owner = this.#owner;
    const worn = [...this.#worn];
    for (const segment of this.#open) await segment.save();
    await owner?.saveNames();
    // What has moved out meanwhile is in another folder.
    if (owner !== this.#owner) return this.save();
    for (const segment of worn) {
      this.#worn.delete(segment);
      this.#remove(segment);
    }
  }

  /** What waits is some dead owner's from now on. */
  close(): void {
    for (const segment of this.#open) {
      if (segment.isDone) segment.remove();
      else segment.close();
    }
    for (const owner of [...this.#former, this.#owner]) owner?.close();
  }

  #count(segment: Segment, events: number, bytes: number): void {
    for (const total of [segment.unread, this.unread]) {
      total.events += events;
      total.bytes += bytes;
    }
  }

  /** Removes a file when nothing waits in it any more. */
  #tidy(segment: Segment): void {
    if (!segment.isRead || this.#worn.has(segment)) return;
    if (segment === this.#owner?.tail) {
      if (segment.isDone && segment.end >= WORN_BYTES) this.#renew(segment);
    } else if (segment.isDone) this.#remove(segment);
  }

  #empty(segment: Segment): void {
    try {
      for (const entry of segment.entries) this.#open.add((this.#owner as Owner).rewrite(entry));
    } catch {
      // The disk has no room, so the file is kept.
    }
    if (!segment.isDone) return;
    // A power cut may take what is new and leave what is old, so the new has to be safe before the old one goes.
    this.#worn.add(segment);
    this.#onWorn();
  }

  /** The tail begins anew; where that fails another one takes its place. */
  #renew(tail: Segment): void {
    try {
      tail.clear();
    } catch {
      (this.#owner as Owner).tail = undefined;
      this.#remove(tail);
    }
  }

  #remove(segment: Segment): void {
    segment.remove();
    this.#open.delete(segment);
    const folder = dirname(segment.path);
    if (!this.#folders.has(folder) || this.#adopted.some(({ path }) => dirname(path) === folder)) return;
    if (segmentsOf(folder).length > 0) return;
    this.#folders.delete(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}
