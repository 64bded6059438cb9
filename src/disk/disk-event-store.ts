// The durable store: every accepted event is in a file before track() returns. Each owner on a path has a log of its own.
import { fdatasync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { EncodedEvent } from '../core/emitter';
import { Log } from '../core/logger';
import { integer, oneOf, resolveOptions, text } from '../core/options';
import type { Cut, EventStore, Lease, StoreListener } from '../delivery/event-store';
import { Lane } from '../delivery/lane';
import { adoptedBy, Folder, ownersOn, prepare } from './folder';
import { Neighbours } from './neighbours';
import { type Entry, numberOf, Segment, SEGMENT_BYTES, unsettledBytes } from './segment';

/** Options of a {@link DiskEventStore}. */
export interface DiskStoreOptions {
  /** A directory of the store's own, on a local disk. Made when missing, readable by this user alone. */
  path: string;
  /** UTF-8 bytes of the events of all processes on this path, waiting and leased together. @default 1 GiB */
  maxBytes?: number | undefined;
  /** `group` also writes through to the disk, in the background, as power cuts demand. @default 'none' */
  sync?: 'none' | 'group' | undefined;
}

const DEFAULTS = { maxBytes: 1024 ** 3, sync: 'none' as DiskStoreOptions['sync'] };
const GROUP_MS = 100;
const LOOK_MS = 1_000;
// So many of a dead owner's events are read ahead.
const READ_AHEAD = 1_000;

/** A segment with events that are not in memory. */
interface Unread {
  readonly path: string;
  /** Opened when its turn comes; our own are open from the beginning. */
  segment: Segment | undefined;
  readonly isOwn: boolean;
}

/**
 * Accepted events on disk: they survive SIGKILL, a crash and a deploy. Several processes may use one path; each delivers
 * what it accepted, and what a process that died has left, within a second of its death. Not for network disks.
 *
 * @throws ConfigError when the path cannot be used.
 * @example
 * new AsyncEmitter({ endpoint: 'collector.acme.com', eventStore: new DiskEventStore({ path: '/var/lib/shop/events' }) });
 */
export class DiskEventStore implements EventStore {
  readonly durable = true;
  size = 0;
  bytes = 0;
  recovered = 0;
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #log = new Log();
  readonly #neighbours: Neighbours;
  #folder: Folder | undefined;
  // Takes what is put.
  #tail: Segment | undefined;
  #segments = 0;
  readonly #open = new Set<Segment>();
  // Oldest first: dead owners' before our own.
  #unread: Unread[] = [];
  // What is in memory and waits.
  readonly #lanes = [new Lane<Entry>(), new Lane<Entry>()] as const;
  #leasedBytes = 0;
  #othersBytes = 0;
  #isReading = false;
  #listener: StoreListener | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  // Files and folders that have changed since they were last written through.
  readonly #dirty = new Set<Segment>();
  readonly #dirtyFolders = new Set<string>();
  #saving: Promise<void> = Promise.resolve();
  #nextSave: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: DiskStoreOptions) {
    const rules = { path: text, maxBytes: integer(1), sync: oneOf('none', 'group') };
    const { path, maxBytes, sync } = resolveOptions('DiskEventStore', options, rules, DEFAULTS);
    this.#path = path;
    this.#maxBytes = maxBytes;
    prepare(path);
    this.#neighbours = new Neighbours(path, (folder) => this.#adopt(folder));
    this.#look();
    this.#every(LOOK_MS, () => this.#look());
    if (sync === 'group') this.#every(GROUP_MS, () => this.stored());
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
    if (this.size > 0) listener.arrived();
  }

  put(events: readonly EncodedEvent[]): boolean {
    const bytes = bytesOf(events);
    if (this.bytes + this.#leasedBytes + this.#othersBytes + bytes > this.#maxBytes) return false;
    let segment = this.#append(events);
    if (!segment.isInPlace) {
      this.#moveOut(segment);
      segment = this.#append(events);
    }
    if (this.#unread.at(-1)?.segment !== segment) this.#unread.push({ path: segment.path, segment, isOwn: true });
    segment.unread += events.length;
    this.size += events.length;
    this.bytes += bytes;
    return true;
  }

  take(cut: Cut): Lease | undefined {
    const [named, anonymous] = this.#lanes;
    for (let { bytes, length } = this.#inMemory(); length < cut.maxEvents && bytes < cut.maxBytes;) {
      if (!this.#read()) break;
      ({ bytes, length } = this.#inMemory());
    }
    const lane = anonymous.oldest < named.oldest ? anonymous : named;
    const entries = lane.take(cut);
    this.#readAhead();
    if (entries.length === 0) return undefined;
    this.#count(entries, -1);
    const open = new Map(entries.map((entry) => [entry.event, entry]));
    const events = [...open.keys()];
    const close = (named: readonly EncodedEvent[]): Entry[] =>
      named.flatMap((event) => {
        const entry = open.get(event);
        open.delete(event);
        return entry ?? [];
      });
    return {
      events,
      ack: (done = events) => this.#settle(close(done)),
      nack: (again = events) => {
        const returned = close(again).toSorted((a, b) => a.order - b.order);
        if (returned.length === 0) return;
        lane.putBack(returned);
        this.#count(returned, 1);
      },
    };
  }

  stored(): Promise<void> {
    // What was accepted since the one under way began is not covered by that; the next one covers all who wait for it.
    return (this.#nextSave ??= this.#saving
      .catch(() => {})
      .then(() => {
        this.#nextSave = undefined;
        return (this.#saving = this.#save());
      }));
  }

  /** Leaves what waits to the next run, or to another process on the path. */
  close(): Promise<void> {
    return (this.#closing ??= this.#leave());
  }

  async #leave(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#neighbours.close();
    await this.stored().catch(() => {});
    const isEmpty = this.size === 0 && this.#leasedBytes === 0 && this.#unread.every(({ isOwn }) => isOwn);
    for (const segment of this.#open) segment.close();
    this.#folder?.close(isEmpty);
  }

  #every(ms: number, work: () => unknown): void {
    this.#timers.push(setInterval(() => this.#log.guard('the event store', work), ms).unref());
  }

  /** Counts what goes out under a lease (-1), and what comes back from it. */
  #count(entries: readonly Entry[], sign: 1 | -1): void {
    const bytes = sign * bytesOf(entries.map(({ event }) => event));
    this.size += sign * entries.length;
    this.bytes += bytes;
    this.#leasedBytes -= bytes;
  }

  // The look at the others, and at what this owner has not got yet.
  #look(): void {
    try {
      this.#home().touch();
    } catch (error) {
      this.#log.warn('the event store has no room on the disk', { error: String(error) });
    }
    this.#neighbours.look(this.#folder?.path);
    this.#othersBytes = 0;
    for (const folder of ownersOn(this.#path)) if (folder !== this.#folder?.path) this.#othersBytes += bytesIn(folder);
  }

  #home(): Folder {
    if (!this.#folder) {
      this.#folder = new Folder(this.#path);
      this.#dirtyFolders.add(this.#path);
    }
    return this.#folder;
  }

  #append(events: readonly EncodedEvent[]): Segment {
    let tail = this.#tail && !this.#tail.isFull ? this.#tail : this.#roll();
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

  /** The next segment. Where none can be made, the last one goes on. */
  #roll(): Segment {
    const { path } = this.#home();
    const before = this.#tail;
    try {
      this.#tail = new Segment(join(path, `${String(this.#segments).padStart(6, '0')}.log`), true);
    } catch (error) {
      if (before?.isInPlace) return before;
      throw error;
    }
    this.#open.add(this.#tail);
    this.#segments++;
    this.#dirtyFolders.add(path);
    if (before) this.#removeDone(before);
    return this.#tail;
  }

  /** Reads a piece of what is not in memory; false where everything is. */
  #read(): boolean {
    const [first] = this.#unread;
    if (!first) return false;
    let segment: Segment;
    try {
      segment = first.segment ??= new Segment(first.path, false);
    } catch (error) {
      this.#log.error('a file of the event store cannot be read', { error: String(error) });
      this.#unread.shift();
      return true;
    }
    this.#open.add(segment);
    const { entries, damaged } = segment.read();
    for (const entry of entries) this.#lanes[entry.event.anonymous ? 1 : 0].push(entry);
    if (segment.isRead) this.#unread.shift();
    if (first.isOwn) {
      // What we wrote and do not find is gone.
      segment.unread -= entries.length;
      if (segment.isRead) this.#lose(segment.unread);
      if (segment.isRead) segment.unread = 0;
    } else {
      this.recovered += entries.length + damaged;
      this.size += entries.length + damaged;
      this.bytes += bytesOf(entries.map(({ event }) => event));
      this.#lose(damaged);
    }
    if (segment.isRead) this.#removeDone(segment);
    return true;
  }

  #lose(events: number): void {
    if (events === 0) return;
    this.size -= events;
    // Nobody knows how many bytes they had; with no event left there are none.
    if (this.size === 0) this.bytes = 0;
    this.#listener?.lost(events, new Error('records of the event store are damaged'));
  }

  // A dead owner's events come in pieces, each in a turn of its own, while few of those before them wait.
  #readAhead(): void {
    if (this.#isReading || this.#closing || this.#unread[0]?.isOwn !== false) return;
    if (this.#inMemory().length >= READ_AHEAD) return;
    this.#isReading = true;
    setImmediate(() => {
      this.#isReading = false;
      if (this.#closing) return;
      this.#log.guard('reading the event store', () => this.#read());
      if (this.size > 0) this.#listener?.arrived();
      this.#readAhead();
    }).unref();
  }

  #inMemory(): { readonly length: number; readonly bytes: number } {
    const [named, anonymous] = this.#lanes;
    return { length: named.length + anonymous.length, bytes: named.bytes + anonymous.bytes };
  }

  #settle(entries: readonly Entry[]): void {
    this.#leasedBytes -= bytesOf(entries.map(({ event }) => event));
    // Those of one file stand together, for the most part.
    for (let from = 0; from < entries.length;) {
      const { segment } = entries[from] as Entry;
      let to = from;
      while (entries[to]?.segment === segment) to++;
      segment.settle(entries.slice(from, to));
      this.#removeDone(segment);
      from = to;
    }
  }

  #removeDone(segment: Segment): void {
    if (!segment.isDone || segment === this.#tail) return;
    segment.remove();
    this.#open.delete(segment);
    this.#dirty.delete(segment);
    const folder = dirname(segment.path);
    if (folder !== this.#folder?.path && segmentsIn(folder).length === 0)
      rmSync(folder, { recursive: true, force: true });
  }

  #adopt(dead: string): void {
    this.#log.guard('taking over events', () => {
      const found = this.#home()
        .adopt(dead)
        .flatMap((folder) => segmentsIn(folder))
        .map((path) => ({ path, segment: undefined, isOwn: false }));
      const at = this.#unread.findIndex(({ isOwn }) => isOwn);
      this.#unread.splice(at < 0 ? this.#unread.length : at, 0, ...found);
      this.#readAhead();
    });
  }

  // Our folder was moved or removed while we live: what we still hold goes into a new one. What lies in files that are not
  // open belongs to whoever has moved them.
  #moveOut(current: Segment): void {
    current.takeBack();
    const folder = new Folder(this.#path);
    const tail = new Segment(join(folder.path, '000000.log'), true);
    this.#unread = this.#unread.filter(({ segment }) => segment);
    while (this.#read());
    const entries = [...this.#open].flatMap((segment) => segment.entries).toSorted((a, b) => a.order - b.order);
    tail.moveIn(entries);
    for (const segment of this.#open) segment.close();
    this.#folder?.close(false);
    [this.#folder, this.#tail, this.#segments] = [folder, tail, 1];
    this.#open.clear();
    this.#open.add(tail);
    this.#dirty.clear();
    this.#dirty.add(tail);
    this.#dirtyFolders.add(folder.path).add(this.#path);
  }

  async #save(): Promise<void> {
    const folders = [...this.#dirtyFolders];
    const segments = [...this.#dirty];
    this.#dirtyFolders.clear();
    this.#dirty.clear();
    try {
      // One that was closed meanwhile holds nothing any more that waits.
      for (const segment of segments) if (this.#open.has(segment)) await promisify(fdatasync)(segment.descriptor);
      for (const folder of folders) await syncFolder(folder);
    } catch (error) {
      for (const folder of folders) this.#dirtyFolders.add(folder);
      for (const segment of segments) this.#dirty.add(segment);
      throw error;
    }
  }
}

function bytesOf(events: readonly EncodedEvent[]): number {
  let bytes = 0;
  for (const event of events) bytes += event.bytes;
  return bytes;
}

/** The segments of a folder, in their order. */
function segmentsIn(folder: string): string[] {
  const numbered = readdirSync(folder).flatMap((name) => {
    const number = numberOf(name);
    return number === undefined ? [] : [{ number, path: join(folder, name) }];
  });
  return numbered.toSorted((a, b) => a.number - b.number).map(({ path }) => path);
}

// Of many segments most are full.
const LOOKED_INTO = 50;

/** About how many bytes another owner holds. */
function bytesIn(owner: string): number {
  let bytes = 0;
  for (const folder of [owner, ...adoptedBy(owner)])
    try {
      const segments = segmentsIn(folder);
      bytes += Math.max(0, segments.length - LOOKED_INTO) * SEGMENT_BYTES;
      for (const segment of segments.slice(-LOOKED_INTO)) bytes += unsettledBytes(segment);
    } catch {
      // It has just been moved or removed.
    }
  return bytes;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
