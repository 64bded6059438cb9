// The queue of accepted events, and the store that keeps it in memory: bounded, it refuses when it is full and never evicts.
import type { EncodedEvent } from '../../core/emitter';
import { integer, resolveOptions } from '../../core/options';
import type { TakeLimits, EventStore, Lease } from './event-store';

/** An event with its place in the order of arrival, which it keeps when it comes back. */
export interface Entry {
  readonly event: EncodedEvent;
  readonly order: number;
}

/** Events of one kind, oldest first; those before `head` are gone. */
interface Lane<E> {
  queue: E[];
  head: number;
  bytes: number;
}

/** Anonymous and other events never share a request; in lanes of their own, neither cuts the other's batches short. */
export class Lanes<E extends Entry> {
  /** Waiting events, and their bytes. */
  size = 0;
  bytes = 0;
  leased = 0;
  leasedBytes = 0;
  readonly #named: Lane<E> = { queue: [], head: 0, bytes: 0 };
  readonly #anonymous: Lane<E> = { queue: [], head: 0, bytes: 0 };

  push(entry: E): void {
    const { anonymous, bytes } = entry.event;
    const lane = anonymous ? this.#anonymous : this.#named;
    lane.queue.push(entry);
    lane.bytes += bytes;
    this.bytes += bytes;
    this.size++;
  }

  /** Whether what is leased next could have more entries within the limits, if more were here. */
  isShortOf({ maxEvents, maxBytes, overhead }: TakeLimits): boolean {
    const { queue, head, bytes } = this.#next();
    const length = queue.length - head;
    return length < maxEvents && bytes + length * overhead < maxBytes;
  }

  /**
   * Leases the oldest entries that fit the limits.
   *
   * @param onSettled Called with those that are done with, each once.
   */
  lease({ maxEvents, maxBytes, overhead }: TakeLimits, onSettled?: (entries: readonly E[]) => void): Lease | undefined {
    const lane = this.#next();
    const { queue, head } = lane;
    const last = Math.min(queue.length, head + maxEvents);
    let end = head;
    let bytes = 0;
    for (let left = maxBytes; end < last; end++) {
      const size = (queue[end] as E).event.bytes;
      left -= size + overhead;
      if (left < 0 && end > head) break;
      bytes += size;
    }
    if (end === head) return undefined;
    const entries = queue.slice(head, end);
    const events: EncodedEvent[] = [];
    for (const { event } of entries) events.push(event);
    lane.head = end;
    // What was taken is let go of in large steps: shifting each time would cost the length of the queue.
    if (end === queue.length) {
      lane.queue = [];
      lane.head = 0;
    } else if (end > 1024) keepWaiting(lane, []);
    lane.bytes -= bytes;
    this.size -= entries.length;
    this.bytes -= bytes;
    this.leased += entries.length;
    this.leasedBytes += bytes;
    // Which are still out; made only when it is not all of them that are settled at once.
    let open: Map<EncodedEvent, E> | undefined;
    const settle = (named: readonly EncodedEvent[]): readonly E[] => {
      if (named === events && !open) {
        open = new Map();
        return entries;
      }
      open ??= new Map(entries.map((entry) => [entry.event, entry]));
      return named.flatMap((event) => pull(open, event));
    };
    return {
      events,
      ack: (named = events) => {
        const done = settle(named);
        this.leased -= done.length;
        this.leasedBytes -= done === entries ? bytes : bytesOf(done.map(eventIn));
        onSettled?.(done);
      },
      nack: (named = events) => {
        const returned = settle(named).toSorted((a, b) => a.order - b.order);
        if (returned.length === 0) return;
        const returnedBytes = bytesOf(returned.map(eventIn));
        this.size += returned.length;
        this.bytes += returnedBytes;
        this.leased -= returned.length;
        this.leasedBytes -= returnedBytes;
        putBack(lane, returned, returnedBytes);
      },
    };
  }

  #next(): Lane<E> {
    const [named, anonymous] = [this.#named, this.#anonymous];
    if (anonymous.queue.length === 0) return named;
    return oldestOf(anonymous) < oldestOf(named) ? anonymous : named;
  }
}

const eventIn = ({ event }: Entry): EncodedEvent => event;

const oldestOf = ({ queue, head }: Lane<Entry>): number => queue[head]?.order ?? Infinity;

function putBack<E extends Entry>(lane: Lane<E>, entries: readonly E[], bytes: number): void {
  const inOrder = (entries.at(-1) as E).order < oldestOf(lane);
  keepWaiting(lane, entries);
  lane.bytes += bytes;
  if (!inOrder) lane.queue.sort((a, b) => a.order - b.order);
}

function keepWaiting<E>(lane: Lane<E>, before: readonly E[]): void {
  lane.queue = [...before, ...lane.queue.slice(lane.head)];
  lane.head = 0;
}

function pull<E>(open: Map<EncodedEvent, E> | undefined, event: EncodedEvent): E | [] {
  const entry = open?.get(event);
  open?.delete(event);
  return entry ?? [];
}

/** Bytes of these events together. */
export function bytesOf(events: readonly EncodedEvent[]): number {
  let bytes = 0;
  for (const event of events) bytes += event.bytes;
  return bytes;
}

/** Options of a {@link MemoryEventStore}. */
export interface MemoryStoreOptions {
  /** Events, waiting and leased together. @default 10_000 */
  capacity?: number | undefined;
  /** UTF-8 bytes, waiting and leased together. @default 16 MiB */
  capacityBytes?: number | undefined;
}

/**
 * The default store: bounded by count and by bytes, waiting and leased events together. Full, it refuses the new event;
 * it never drops one that it accepted.
 *
 * @example
 * new AsyncEmitter({ endpoint: 'collector.acme.com', eventStore: new MemoryEventStore({ capacity: 50_000 }) });
 */
export class MemoryEventStore implements EventStore {
  readonly #lanes = new Lanes<Entry>();
  readonly #capacity: number;
  readonly #capacityBytes: number;
  #arrivals = 0;

  /** @throws ConfigError */
  constructor(options: MemoryStoreOptions = {}) {
    const rules = { capacity: integer(1), capacityBytes: integer(1) };
    const defaults = { capacity: 10_000, capacityBytes: 16 * 1024 * 1024 };
    ({ capacity: this.#capacity, capacityBytes: this.#capacityBytes } = resolveOptions(
      'MemoryEventStore',
      options,
      rules,
      defaults,
    ));
  }

  get size(): number {
    return this.#lanes.size;
  }

  get bytes(): number {
    return this.#lanes.bytes;
  }

  put(events: readonly EncodedEvent[]): boolean {
    const { size, bytes, leased, leasedBytes } = this.#lanes;
    if (size + leased + events.length > this.#capacity) return false;
    if (bytes + leasedBytes + bytesOf(events) > this.#capacityBytes) return false;
    for (const event of events) this.#lanes.push({ event, order: this.#arrivals++ });
    return true;
  }

  take(limits: TakeLimits): Lease | undefined {
    return this.#lanes.lease(limits);
  }
}
