// The durable store: every accepted event is in a file before track() returns. Each owner on a path has a log of its own.
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EncodedEvent } from '../core/emitter';
import { Log } from '../core/logger';
import { integer, oneOf, resolveOptions, text } from '../core/options';
import type { Cut, EventStore, Lease, StoreListener } from '../delivery/event-store';
import { bytesOf, Lanes } from '../delivery/lanes';
import { touch } from './alive';
import { bytesIn, ownersIn, prepare, segmentsOf, unusable } from './folder';
import { Neighbours } from './neighbours';
import { Owner } from './owner';
import { type Entry, Segment } from './segment';

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
// A segment with no more events than these is not kept for them.
const FEW = 20;
// A tail of this size begins anew when all that is in it is settled.
const WORN_BYTES = 65_536;
// Passes when others remove or close files.
const PASSING: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);

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
  recovered = 0;
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #log = new Log();
  readonly #neighbours: Neighbours;
  #owner: Owner | undefined;
  // In memory: what waits and what is leased.
  readonly #lanes = new Lanes<Entry>();
  // Not in memory, oldest first. Dead owners' events come in turns of their own, ours when they are asked for.
  #adopted: Segment[] = [];
  readonly #own: Segment[] = [];
  readonly #unread = { events: 0, bytes: 0 };
  // Those that have a descriptor.
  readonly #open = new Set<Segment>();
  #othersBytes = 0;
  #isReading = false;
  #listener: StoreListener | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #saving: Promise<void> = Promise.resolve();
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
    return this.#lanes.size + this.#unread.events;
  }

  get bytes(): number {
    return this.#lanes.bytes + this.#unread.bytes;
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
    if (this.size > 0) listener.arrived();
  }

  /** @throws Error where the disk takes nothing: the events are refused as `store-error`. */
  put(events: readonly EncodedEvent[]): boolean {
    if (this.#closing) throw new Error('the event store is closed');
    const bytes = bytesOf(events);
    if (this.bytes + this.#lanes.leasedBytes + this.#othersBytes + bytes > this.#maxBytes) return false;
    const before = this.#owner?.tail;
    const segment = (this.#owner ?? this.#home()).append(events) ?? this.#home().append(events);
    if (!segment) throw new Error('the folder of the event store is removed again and again');
    this.#open.add(segment);
    if (before && before !== segment) this.#tidy(before);
    if (this.#own.at(-1) !== segment) this.#own.push(segment);
    this.#count(segment, events.length, bytes);
    return true;
  }

  take(cut: Cut): Lease | undefined {
    while (this.#lanes.size < cut.maxEvents && this.#lanes.bytes < cut.maxBytes && this.#own[0]) this.#read(this.#own);
    const lease = this.#lanes.lease(cut, (done) => this.#settle(done));
    this.#readAhead();
    return lease;
  }

  /** Resolves when all that was accepted before is through to the disk. */
  stored(): Promise<void> {
    return (this.#saving = this.#saving.catch(() => {}).then(() => this.#save()));
  }

  /** Leaves what waits to the next run, or to another process on the path. */
  close(): Promise<void> {
    return (this.#closing ??= this.#leave());
  }

  async #leave(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#neighbours.close();
    await this.stored().catch(() => {});
    this.#log.guard('closing the event store', () => {
      for (const segment of this.#open) {
        if (segment.isDone) segment.remove();
        else segment.close();
      }
      this.#owner?.close();
    });
  }

  async #save(): Promise<void> {
    const owner = this.#owner;
    for (const segment of this.#open) await segment.save();
    await owner?.saveNames();
    // What has moved out meanwhile is in another folder.
    if (owner !== this.#owner) await this.#save();
  }

  #every(ms: number, work: () => unknown): void {
    this.#timers.push(setInterval(() => this.#log.guard('the event store', work), ms).unref());
  }

  // The look at the others, and at what this owner has not got yet.
  #look(): void {
    try {
      this.#home();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (this.#timers.length === 0 && !PASSING.has(code)) throw unusable(this.#path, code ?? String(error));
      this.#log.error('the event store has no folder, and refuses events', { code });
    }
    const own = this.#owner?.path;
    this.#neighbours.look(own);
    const others = ownersIn(this.#path).filter((folder) => folder !== own);
    this.#othersBytes = others.reduce((total, folder) => total + bytesIn(segmentsOf(folder)), 0);
    this.#readAhead();
  }

  /** Counts events of a segment that are not in memory. */
  #count(segment: Segment, events: number, bytes: number): void {
    for (const total of [segment.unread, this.#unread]) {
      total.events += events;
      total.bytes += bytes;
    }
  }

  /** Reads the next piece of the first of these segments. */
  #read(segments: Segment[]): void {
    const [segment] = segments as [Segment];
    const { entries, damaged } = segment.read();
    this.#open.add(segment);
    for (const entry of entries) this.#lanes.push(entry);
    if (segment.isAdopted) {
      this.recovered += entries.length + damaged;
      this.#count(segment, entries.length + damaged, 0);
    }
    this.#count(segment, -entries.length, -bytesOf(entries.map(({ event }) => event)));
    if (!segment.isRead) return;
    segments.shift();
    // What should be there and is not found is lost.
    const { events, bytes } = segment.unread;
    this.#count(segment, -events, -bytes);
    if (events > 0) this.#listener?.lost(events, new Error('records of the event store are damaged'));
    this.#tidy(segment);
  }

  // A piece in each turn, while few of those before them wait.
  #readAhead(): void {
    if (this.#isReading || this.#closing || !this.#adopted[0] || this.#lanes.size >= READ_AHEAD) return;
    this.#isReading = true;
    setImmediate(() => {
      this.#isReading = false;
      if (this.#closing) return;
      try {
        this.#read(this.#adopted);
      } catch (error) {
        // It is tried again after the others, at the next look.
        const segment = this.#adopted.shift() as Segment;
        this.#adopted.push(segment);
        return this.#log.error('a file of the event store cannot be read', { error: String(error) });
      }
      if (this.size > 0) this.#listener?.arrived();
      this.#readAhead();
    }).unref();
  }

  #settle(entries: readonly Entry[]): void {
    // Those of one file stand together, for the most part.
    for (let from = 0, to = 0; from < entries.length; from = to) {
      const { segment } = entries[from] as Entry;
      while (entries[to]?.segment === segment) to++;
      segment.settle(entries.slice(from, to));
      this.#tidy(segment);
    }
  }

  /** Removes a file when nothing waits in it any more; the last few are moved, so that they do not keep it. */
  #tidy(segment: Segment): void {
    if (!segment.isRead) return;
    if (segment === this.#owner?.tail) {
      if (segment.isDone && segment.end >= WORN_BYTES) segment.clear();
      return;
    }
    if (segment.entries.size <= FEW)
      for (const entry of segment.entries) this.#open.add((this.#owner as Owner).rewrite(entry));
    if (!segment.isDone) return;
    segment.remove();
    this.#open.delete(segment);
    const folder = dirname(segment.path);
    if (!segment.isAdopted || this.#adopted.some(({ path }) => dirname(path) === folder)) return;
    if (segmentsOf(folder).length === 0) rmSync(folder, { recursive: true, force: true });
  }

  #adopt(dead: string): void {
    this.#log.guard('taking over events', () => {
      const found = (this.#owner ?? this.#home()).adopt(dead);
      const bytes = bytesIn(found) / found.length;
      for (const path of found) {
        const segment = new Segment(path, true);
        this.#adopted.push(segment);
        this.#count(segment, 0, bytes);
      }
      this.#readAhead();
    });
  }

  /**
   * The owner, with its folder where it should be, and in it all that is open. Somebody may have moved or removed what was there;
   * what was not open then is some dead owner's again, where it still is.
   *
   * @throws Error where the disk has no room.
   */
  #home(): Owner {
    const before = this.#owner;
    const owner = (this.#owner = before && touch(before.path) ? before : new Owner(this.#path));
    owner.tail ??= before?.tail;
    for (const segment of this.#open)
      if (!segment.path.startsWith(owner.path) || !segment.isInPlace) segment.moveTo(owner.nextPath());
    if (before && before !== owner) {
      for (const segment of this.#adopted) if (!this.#open.has(segment)) this.#count(segment, 0, -segment.unread.bytes);
      this.#adopted = this.#adopted.filter((segment) => this.#open.has(segment));
      before.close();
    }
    return owner;
  }
}
