// The durable store: every accepted event is in a file before track() returns. One file serves all processes of a machine.
import { randomUUID } from 'node:crypto';
import type { EncodedEvent } from '../core/emitter';
import { Log } from '../core/logger';
import { integer, oneOf, resolveOptions, text } from '../core/options';
import type { Cut, EventStore, Lease, StoreListener } from '../delivery/event-store';
import { RECORD_OVERHEAD, toRecord } from './event-record';
import { leaseOf } from './lease';
import { openFile } from './open-file';
import { type Lane, Queue, type Taken } from './queue';
import type { QueueFile, Usage } from './queue-file';
import { existingQueue, oldestLane, waiting } from './reading';
import { BEAT_MS, isDead, monotonicMs } from './sign-of-life';
import { SyncedState } from './synced-state';

/** Options of an {@link LmdbEventStore}. */
export interface LmdbStoreOptions {
  /** A directory of the store's own, on a local disk. Made when missing, readable by this user alone. */
  path: string;
  /** UTF-8 bytes of the events of all processes on this path, waiting and leased together. @default 1 GiB */
  maxBytes?: number | undefined;
  /** `group` also writes through to the disk, in the background, as power cuts demand. @default 'none' */
  sync?: 'none' | 'group' | undefined;
}

const DEFAULTS = { maxBytes: 1024 ** 3, sync: 'none' as LmdbStoreOptions['sync'] };
const GROUP_MS = 100;
// A change needs space before it makes some.
const REMOVED_AT_ONCE = 100;

/**
 * Accepted events on disk: they survive SIGKILL, a crash and a deploy. Several processes may use one path; each delivers
 * what it accepted, and what a process that died has left, 15 seconds after its last sign of life. Not for network disks.
 *
 * @throws ConfigError when lmdb is not installed, or the path cannot be used.
 * @example
 * new AsyncEmitter({ endpoint: 'collector.acme.com', eventStore: new LmdbEventStore({ path: '/var/lib/shop/events' }) });
 */
export class LmdbEventStore implements EventStore {
  readonly durable = true;
  readonly #maxBytes: number;
  readonly #file: QueueFile;
  readonly #log = new Log();
  // Never a process id: in a container every process is number 1.
  readonly #owner = randomUUID();
  readonly #queues = new Map<number, Queue>();
  #own: Queue | undefined;
  #takeovers = 0;
  // Delivered, but not removed yet: a removal needs space too, and the disk may be full.
  readonly #done: Taken[] = [];
  #recovered = 0;
  #listener: StoreListener | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #synced: SyncedState;
  #saving: Promise<void> = Promise.resolve();
  #nextSave: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: LmdbStoreOptions) {
    const rules = { path: text, maxBytes: integer(1), sync: oneOf('none', 'group') };
    const { path, maxBytes, sync } = resolveOptions('LmdbEventStore', options, rules, DEFAULTS);
    this.#maxBytes = maxBytes;
    this.#file = openFile(path, maxBytes, this.#log);
    this.#synced = new SyncedState(path, this.#file, sync === 'group');
    this.#beat();
    this.#every(BEAT_MS, () => this.#beat());
    if (sync === 'group') this.#every(GROUP_MS, () => this.stored());
  }

  get size(): number {
    return this.#total('size');
  }

  get bytes(): number {
    return this.#total('bytes');
  }

  get recovered(): number {
    return this.#recovered;
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  put(events: readonly EncodedEvent[]): boolean {
    let bytes = 0;
    for (const event of events) bytes += event.bytes;
    const queue = this.#file.transact(() => {
      const usage = this.#usage();
      if (usage.bytes - usage.events * RECORD_OVERHEAD + bytes > this.#maxBytes) return undefined;
      this.#file.claim(bytes, usage.bytes);
      const own = this.#own ?? this.#newQueue(usage);
      for (const [index, event] of events.entries())
        this.#file.add([own.id, event.anonymous ? 1 : 0, own.next + index], toRecord(event));
      usage.events += events.length;
      usage.bytes += bytes + events.length * RECORD_OVERHEAD;
      this.#file.setUsage(usage);
      return own;
    });
    if (!queue) return false;
    this.#own = queue;
    this.#queues.set(queue.id, queue);
    queue.held += events.length;
    for (const event of events) queue.lanes[event.anonymous ? 1 : 0].append(queue.next++, event);
    return true;
  }

  take(cut: Cut): Lease | undefined {
    const unreadable: Taken[] = [];
    let missing = 0;
    const lease = this.#file.transact(() => {
      this.#usage();
      // What was taken over is older than what is our own.
      for (const queue of [...this.#queues.values()].toSorted((a, b) => a.id - b.id)) {
        const lane = oldestLane(this.#file, queue);
        if (lane === undefined) continue;
        const { taken, damaged } = this.#cut(queue, lane, cut);
        unreadable.push(...damaged);
        if (taken.size > 0) return this.#handOut(queue, queue.lanes[lane], taken);
        if (damaged.length === 0) missing += queue.lanes[lane].clear();
      }
      return undefined;
    });
    this.#giveUp(unreadable);
    if (missing > 0) this.#listener?.lost(missing, new Error('records of the event store are gone'));
    return lease;
  }

  stored(): Promise<void> {
    // What was accepted since the one under way began is not covered by that; the next one covers all who wait for it.
    return (this.#nextSave ??= this.#saving
      .catch(() => {})
      .then(() => {
        this.#nextSave = undefined;
        return (this.#saving = this.#synced.save());
      }));
  }

  /** Leaves what waits to the next run, or to another process on the path. */
  close(): Promise<void> {
    return (this.#closing ??= this.#leave());
  }

  async #leave(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#log.guard('leaving the event store', () => {
      this.#removeDone();
      if (!this.#file.hasRoom) return;
      this.#file.transact(() => {
        this.#usage();
        for (const { id, held } of this.#queues.values())
          if (held === 0) this.#file.removeQueue(id);
          else this.#file.setOwnership(id, { owner: '', beat: 0 });
      });
    });
    await this.stored().catch(() => {});
    this.#synced.close();
    await this.#file.close();
  }

  #every(ms: number, work: () => unknown): void {
    this.#timers.push(setInterval(() => this.#log.guard('the event store', work), ms).unref());
  }

  #total(what: 'size' | 'bytes'): number {
    let total = 0;
    for (const { lanes } of this.#queues.values()) total += lanes[0][what] + lanes[1][what];
    return total;
  }

  /** What is used; lets go of the queues that another process has taken over since. Inside a transaction. */
  #usage(): Usage {
    const usage = this.#file.usage();
    if (usage.takeovers === this.#takeovers) return usage;
    this.#takeovers = usage.takeovers;
    for (const queue of this.#queues.values()) {
      if (this.#file.ownership(queue.id)?.owner === this.#owner) continue;
      this.#queues.delete(queue.id);
      if (queue === this.#own) this.#own = undefined;
      for (const { size } of queue.lanes) this.#recovered -= size;
    }
    return usage;
  }

  #newQueue(usage: Usage): Queue {
    const queue = new Queue(usage.queues++);
    this.#file.setOwnership(queue.id, { owner: this.#owner, beat: monotonicMs() });
    return queue;
  }

  // The sign of life of this process, and a look at those of the others.
  #beat(): void {
    if (!this.#file.hasRoom) return;
    const found: number[] = [];
    const takeovers = this.#file.transact(() => {
      const usage = this.#usage();
      const beat = monotonicMs();
      for (const id of this.#file.queues()) {
        const isOurs = this.#queues.has(id);
        if (!isOurs && !isDead(this.#file.ownership(id), beat)) continue;
        this.#file.setOwnership(id, { owner: this.#owner, beat });
        if (!isOurs) found.push(id);
      }
      usage.takeovers += found.length;
      if (found.length > 0) this.#file.setUsage(usage);
      return usage.takeovers;
    });
    this.#takeovers = takeovers;
    for (const id of found) {
      const queue = existingQueue(this.#file, id);
      this.#queues.set(id, queue);
      this.#recovered += queue.held;
    }
    this.#dropDrained();
    this.#removeDone();
    if (found.length > 0) this.#listener?.arrived();
  }

  #cut(queue: Queue, index: 0 | 1, cut: Cut): { taken: Map<EncodedEvent, Taken>; damaged: Taken[] } {
    const lane = queue.lanes[index];
    const taken = new Map<EncodedEvent, Taken>();
    const damaged: Taken[] = [];
    let left = cut.maxBytes;
    for (const { number, event, bytes } of waiting(this.#file, queue, index)) {
      if (event && (left -= event.bytes + cut.overhead) < 0 && taken.size > 0) break;
      const entry: Taken = { queue, key: [queue.id, index, number], bytes };
      lane.pass(number);
      lane.add(-1, RECORD_OVERHEAD - bytes);
      if (event) taken.set(event, entry);
      else damaged.push(entry);
      if (taken.size >= cut.maxEvents) break;
    }
    return { taken, damaged };
  }

  #handOut(queue: Queue, lane: Lane, taken: Map<EncodedEvent, Taken>): Lease {
    const done = (entries: readonly Taken[]): void => {
      this.#done.push(...entries);
      this.#removeDone();
    };
    return leaseOf(taken, done, (entries) => {
      // Another process sends them now.
      if (this.#queues.get(queue.id) !== queue) this.#recovered -= entries.length;
      else {
        lane.putBack(entries.map(({ key }) => key[2]));
        for (const { bytes } of entries) lane.add(1, bytes - RECORD_OVERHEAD);
      }
    });
  }

  #removeDone(): void {
    while (this.#done.length > 0 && this.#file.hasRoom) {
      const done = this.#done.slice(0, REMOVED_AT_ONCE);
      this.#file.transact(() => {
        const usage = this.#usage();
        for (const { queue, key, bytes } of done) {
          if (this.#queues.get(queue.id) !== queue || !this.#file.remove(key)) continue;
          usage.events--;
          usage.bytes -= bytes;
        }
        this.#file.setUsage(usage);
      });
      this.#done.splice(0, done.length);
      for (const { queue } of done) queue.held--;
    }
    this.#dropDrained();
  }

  // What was taken over is not added to: once it is empty it is of no use.
  #dropDrained(): void {
    const drained = [...this.#queues.values()].filter((queue) => queue.held === 0 && queue !== this.#own);
    if (drained.length === 0 || !this.#file.hasRoom) return;
    for (const { id } of drained) this.#queues.delete(id);
    this.#file.transact(() => {
      for (const { id } of drained) this.#file.removeQueue(id);
    });
  }

  #giveUp(damaged: readonly Taken[]): void {
    if (damaged.length === 0) return;
    this.#done.push(...damaged);
    this.#log.guard('removing damaged events', () => this.#removeDone());
    this.#listener?.lost(damaged.length, new Error('records of the event store are damaged'));
  }
}
