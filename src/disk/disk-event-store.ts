// The durable store: every accepted event is in a file before track() returns. Each owner on a path has a log of its own.
import { resolve } from 'node:path';
import type { EncodedEvent } from '../core/emitter';
import { Log } from '../core/logger';
import { integer, oneOf, resolveOptions, text } from '../core/options';
import type { TakeLimits, EventStore, Lease, StoreListener } from '../delivery/store/event-store';
import { bytesOf, Lanes } from '../delivery/store/memory-store';
import { Files } from './files';
import { bytesIn, prepare, segmentsOf, unusable } from './folder';
import { Neighbours } from './neighbours';
import type { Entry, Segment } from './segment';

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
// So much may be in memory although it is not asked for: what was put last, a dead owner's events, and those between two of one kind.
const READ_AHEAD = 1_000;
const READ_AHEAD_BYTES = 4 * 1_048_576;
// Passes when others remove or close files, or have removed what was being made while this process stood still.
const PASSING: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOENT']);

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
  readonly #maxBytes: number;
  readonly #log = new Log();
  readonly #files: Files;
  readonly #neighbours: Neighbours;
  // In memory: what waits and what is leased.
  readonly #lanes = new Lanes<Entry>();
  #othersBytes = 0;
  #isReading = false;
  #listener: StoreListener | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: DiskStoreOptions) {
    const rules = { path: text, maxBytes: integer(1), sync: oneOf('none', 'group') };
    const { path: given, maxBytes, sync } = resolveOptions('DiskEventStore', options, rules, DEFAULTS);
    const path = resolve(given);
    this.#maxBytes = maxBytes;
    prepare(path);
    this.#files = new Files(path);
    try {
      this.#files.settleIn();
    } catch (error) {
      if (!PASSING.has((error as NodeJS.ErrnoException).code)) throw unusable(path, error as Error);
    }
    this.#neighbours = new Neighbours(path, (dead) => void this.#try('taking over events', () => this.#adopt(dead)));
    this.#every(LOOK_MS, 'looking after its folder', () => this.#look());
    if (sync === 'group') this.#every(GROUP_MS, 'writing through', () => this.#files.save());
  }

  get size(): number {
    return this.#lanes.size + this.#files.unread.events;
  }

  get bytes(): number {
    return this.#lanes.bytes + this.#files.unread.bytes;
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
    if (this.size > 0) listener.arrived();
  }

  /** @throws Error where the disk takes nothing: the events are refused as `store-error`. */
  put(events: readonly EncodedEvent[]): boolean {
    if (this.#closing) throw new Error('the event store is closed');
    const bytes = bytesOf(events);
    const { size, bytes: held, leasedBytes } = this.#lanes;
    if (this.bytes + leasedBytes + this.#othersBytes + bytes > this.#maxBytes) return false;
    const hasRoom = size + events.length <= READ_AHEAD && held + bytes <= READ_AHEAD_BYTES;
    for (const entry of this.#files.append(events, hasRoom)) this.#lanes.push(entry);
    return true;
  }

  take(limits: TakeLimits): Lease | undefined {
    if (this.#closing) return undefined;
    const most = { events: Math.max(limits.maxEvents, READ_AHEAD), bytes: Math.max(limits.maxBytes, READ_AHEAD_BYTES) };
    while (this.#lanes.isShortOf(limits) && this.#lanes.size < most.events && this.#lanes.bytes < most.bytes) {
      const segment = this.#files.next(false);
      if (!segment) break;
      this.#read(segment);
    }
    const lease = this.#lanes.lease(limits, (done) => this.#files.settle(done));
    this.#readAhead();
    return lease;
  }

  /** Resolves when all that was accepted before is through to the disk. */
  stored(): Promise<void> {
    return this.#closing ?? this.#files.save();
  }

  /** Leaves what waits to the next run, or to another process on the path. */
  close(): Promise<void> {
    return (this.#closing ??= this.#leave());
  }

  async #leave(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#neighbours.close();
    await this.#files.save().catch(() => {});
    await this.#try('closing', () => this.#files.close());
  }

  async #try(what: string, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.error(`the event store failed at ${what}`, { error: String(error) });
    }
  }

  // At once, and then again and again.
  #every(ms: number, what: string, work: () => unknown): void {
    const run = (): void => void this.#try(what, work);
    run();
    this.#timers.push(setInterval(run, ms).unref());
  }

  /** The look at the others, and at what this owner has not got yet. */
  #look(): Promise<void> {
    const others = this.#neighbours.look(this.#files.settleIn().path);
    this.#othersBytes = others.reduce((total, folder) => total + bytesIn(segmentsOf(folder)), 0);
    this.#readAhead();
    return this.#files.shrink();
  }

  #adopt(dead: string): void {
    this.#files.adopt(dead);
    this.#readAhead();
  }

  /** Reads the next piece of a file into memory. */
  #read(segment: Segment): void {
    const { entries, lost } = this.#files.read(segment);
    for (const entry of entries) this.#lanes.push(entry);
    if (segment.isAdopted) this.recovered += entries.length + lost;
    if (lost > 0) this.#listener?.lost(lost, new Error('records of the event store are damaged'));
  }

  // What was adopted: a piece in each turn, while few of those before them wait.
  #readAhead(): void {
    if (this.#isReading || this.#lanes.size >= READ_AHEAD || !this.#files.next(true)) return;
    this.#isReading = true;
    const read = (): void => {
      this.#isReading = false;
      const segment = this.#files.next(true);
      if (this.#closing || !segment) return;
      this.#read(segment);
      if (this.size > 0) this.#listener?.arrived();
      this.#readAhead();
    };
    setImmediate(() => void this.#try('reading a file', read)).unref();
  }
}
