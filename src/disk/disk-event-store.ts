// The durable store: every accepted event is in a file before track() returns. Each owner on a path has a log of its own.
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EncodedEvent } from '../core/emitter';
import { Log } from '../core/logger';
import { integer, oneOf, resolveOptions, text } from '../core/options';
import type { Cut, EventStore, Lease, StoreListener } from '../delivery/event-store';
import { Lane } from '../delivery/lane';
import { bytesIn, ownersOn, prepare, segmentsIn } from './folder';
import { Neighbours } from './neighbours';
import { type Entry, Segment } from './segment';
import { Writer } from './writer';

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
  readonly #writer: Writer;
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
  #closing: Promise<void> | undefined;

  constructor(options: DiskStoreOptions) {
    const rules = { path: text, maxBytes: integer(1), sync: oneOf('none', 'group') };
    const { path, maxBytes, sync } = resolveOptions('DiskEventStore', options, rules, DEFAULTS);
    this.#path = path;
    this.#maxBytes = maxBytes;
    prepare(path);
    this.#writer = new Writer(path);
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
    const before = this.#writer.tail;
    let segment = this.#writer.append(events);
    this.#open.add(segment);
    if (!segment.isInPlace) {
      this.#moveOut(segment);
      segment = this.#writer.append(events);
      this.#open.add(segment);
    } else if (before && before !== segment) this.#removeDone(before);
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
    return this.#writer.stored();
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
    this.#writer.folder?.close(isEmpty);
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
      this.#writer.home().touch();
    } catch (error) {
      this.#log.warn('the event store has no room on the disk', { error: String(error) });
    }
    const own = this.#writer.folder?.path;
    this.#neighbours.look(own);
    this.#othersBytes = 0;
    for (const folder of ownersOn(this.#path)) if (folder !== own) this.#othersBytes += bytesIn(folder);
  }

  /** Reads the next piece that is not in memory. Returns false when everything is. */
  #read(): boolean {
    const [first] = this.#unread;
    if (!first || this.#closing) return false;
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
    if (!segment.isDone || segment === this.#writer.tail) return;
    segment.remove();
    this.#open.delete(segment);
    const folder = dirname(segment.path);
    if (folder !== this.#writer.folder?.path && segmentsIn(folder).length === 0)
      rmSync(folder, { recursive: true, force: true });
  }

  #adopt(dead: string): void {
    this.#log.guard('taking over events', () => {
      const found = this.#writer
        .home()
        .adopt(dead)
        .flatMap((folder) => segmentsIn(folder))
        .map((path) => ({ path, segment: undefined, isOwn: false }));
      const at = this.#unread.findIndex(({ isOwn }) => isOwn);
      this.#unread.splice(at < 0 ? this.#unread.length : at, 0, ...found);
      this.#readAhead();
    });
  }

  // Somebody has moved or removed our folder while we live: what we still hold goes into a new one. Files that are not open
  // now belong to the process that moved them.
  #moveOut(current: Segment): void {
    current.takeBack();
    this.#unread = this.#unread.filter(({ segment }) => segment);
    while (this.#read());
    const entries = [...this.#open].flatMap((segment) => segment.entries).toSorted((a, b) => a.order - b.order);
    const tail = this.#writer.moveIn(entries);
    for (const segment of this.#open) segment.close();
    this.#open.clear();
    this.#open.add(tail);
  }
}

function bytesOf(events: readonly EncodedEvent[]): number {
  let bytes = 0;
  for (const event of events) bytes += event.bytes;
  return bytes;
}
