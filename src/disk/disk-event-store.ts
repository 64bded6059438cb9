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
import { Folder, ownersOn, adoptedBy, prepare } from './folder';
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
// What waits beyond that is read again when its turn comes.
const MOST_IN_MEMORY = 8 * 1_048_576;
// So many of a dead owner's events are read ahead.
const READ_AHEAD = 1_000;

/** A segment, or one that is not opened yet. */
interface Unread {
  readonly path: string;
  segment: Segment | undefined;
  /** We have written it ourselves, and count what is in it. */
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
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #log = new Log();
  readonly #neighbours: Neighbours;
  #folder: Folder | undefined;
  // Takes what is put.
  #tail: Segment | undefined;
  readonly #open = new Set<Segment>();
  // What is in files and not in memory, oldest first: dead owners' before our own.
  #unread: Unread[] = [];
  readonly #lanes = [new Lane<Entry>(), new Lane<Entry>()] as const;
  // Of the lanes.
  #waitingBytes = 0;
  // Our own in files alone.
  #unreadEvents = 0;
  #unreadBytes = 0;
  // Waiting and leased, ours and those that we have taken over and read.
  #heldBytes = 0;
  #othersBytes = 0;
  #recovered = 0;
  #segments = 0;
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

  get size(): number {
    return this.#lanes[0].length + this.#lanes[1].length + this.#unreadEvents;
  }

  get bytes(): number {
    return this.#waitingBytes + this.#unreadBytes;
  }

  get recovered(): number {
    return this.#recovered;
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
    if (this.size > 0) listener.arrived();
  }

  put(events: readonly EncodedEvent[]): boolean {
    const bytes = bytesOf(events);
    if (this.#heldBytes + this.#othersBytes + bytes > this.#maxBytes) return false;
    let segment = this.#append(events);
    if (!segment.isInPlace) {
      this.#moveOut(segment);
      segment = this.#append(events);
    }
    this.#enter(segment, events);
    this.#heldBytes += bytes;
    return true;
  }

  take(cut: Cut): Lease | undefined {
    const [named, anonymous] = this.#lanes;
    while (named.length + anonymous.length < cut.maxEvents && this.#waitingBytes < cut.maxBytes)
      if (!this.#read()) break;
    const lane = anonymous.oldest < named.oldest ? anonymous : named;
    const entries = lane.take(cut);
    this.#readAhead();
    if (entries.length === 0) return undefined;
    this.#waitingBytes -= bytesOf(entries);
    const open = new Map(entries.map((entry) => [entry.event, entry]));
    const events = [...open.keys()];
    const settle = (settled: readonly EncodedEvent[]): Entry[] =>
      settled.flatMap((event) => {
        const entry = open.get(event);
        open.delete(event);
        return entry ?? [];
      });
    return {
      events,
      ack: (done = events) => this.#settle(settle(done)),
      nack: (again = events) => {
        const returned = settle(again).toSorted((a, b) => a.order - b.order);
        if (returned.length === 0) return;
        lane.putBack(returned);
        this.#waitingBytes += bytesOf(returned);
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
    for (const segment of this.#open) segment.close();
    this.#folder?.close(this.#heldBytes === 0 && this.#unread.length === 0);
  }

  #every(ms: number, work: () => unknown): void {
    this.#timers.push(setInterval(() => this.#log.guard('the event store', work), ms).unref());
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

  // What was put waits in memory; where there is too much of that, it is read again in its turn.
  #enter(segment: Segment, events: readonly EncodedEvent[]): void {
    if (this.#unreadEvents === 0 && this.#waitingBytes < MOST_IN_MEMORY) return this.#wait(segment.keep(events));
    const last = this.#unread.at(-1);
    if (last?.segment !== segment) this.#unread.push({ path: segment.path, segment, isOwn: true });
    segment.unread += events.length;
    this.#unreadEvents += events.length;
    this.#unreadBytes += bytesOf(events);
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
    if (before?.isDone) this.#remove(before);
    return this.#tail;
  }

  /** Reads a piece of what is not in memory; false where everything is. */
  #read(): boolean {
    const [first] = this.#unread;
    if (!first) return false;
    const { isOwn } = first;
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
    if (isOwn) this.#noteRead(segment, entries);
    else {
      this.#recovered += entries.length + damaged;
      this.#heldBytes += bytesOf(entries);
    }
    this.#wait(entries);
    if (!isOwn) this.#lose(damaged);
    if (!segment.isRead) return true;
    this.#unread.shift();
    if (segment.isDone && segment !== this.#tail) this.#remove(segment);
    return true;
  }

  #noteRead(segment: Segment, entries: readonly Entry[]): void {
    segment.unread -= entries.length;
    this.#unreadEvents -= entries.length;
    this.#unreadBytes -= bytesOf(entries);
    if (!segment.isRead || segment.unread <= 0) return;
    // What we wrote is not there any more. Its bytes are not known one by one.
    const lost = segment.unread;
    segment.unread = 0;
    this.#unreadEvents -= lost;
    if (this.#unreadEvents === 0) {
      this.#heldBytes -= this.#unreadBytes;
      this.#unreadBytes = 0;
    }
    this.#lose(lost);
  }

  #lose(events: number, error = new Error('records of the event store are damaged')): void {
    if (events > 0) this.#listener?.lost(events, error);
  }

  // A dead owner's events come in pieces, each in a turn of its own, while few of those before them wait.
  #readAhead(): void {
    if (this.#isReading || this.#closing || this.#unread[0]?.isOwn !== false) return;
    if (this.#lanes[0].length + this.#lanes[1].length >= READ_AHEAD) return;
    this.#isReading = true;
    setImmediate(() => {
      this.#isReading = false;
      if (this.#closing) return;
      this.#log.guard('reading the event store', () => this.#read());
      if (this.size > 0) this.#listener?.arrived();
      this.#readAhead();
    }).unref();
  }

  #wait(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#lanes[entry.event.anonymous ? 1 : 0].push(entry);
      this.#waitingBytes += entry.event.bytes;
    }
  }

  #settle(entries: readonly Entry[]): void {
    this.#heldBytes -= bytesOf(entries);
    // Those of one file stand together, for the most part.
    for (let from = 0; from < entries.length;) {
      const { segment } = entries[from] as Entry;
      let to = from;
      while (entries[to]?.segment === segment) to++;
      segment.settle(entries.slice(from, to));
      if (segment.isDone && segment !== this.#tail) this.#remove(segment);
      from = to;
    }
  }

  #remove(segment: Segment): void {
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
    tail.append(entries.map(({ event }) => event));
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
      for (const segment of segments) await promisify(fdatasync)(segment.descriptor);
      for (const folder of folders) await syncFolder(folder);
    } catch (error) {
      for (const folder of folders) this.#dirtyFolders.add(folder);
      for (const segment of segments) this.#dirty.add(segment);
      throw error;
    }
  }
}

function bytesOf(list: readonly (EncodedEvent | Entry)[]): number {
  let bytes = 0;
  for (const one of list) bytes += 'event' in one ? one.event.bytes : one.bytes;
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
