// Events that wait and events under a lease, in the order of their arrival, which they keep when they come back.
import type { EncodedEvent } from '../../core/emitter';
import type { Cut, Lease } from './event-store';

/** An event with its place in the order of arrival, which it keeps when it comes back. */
export interface Entry {
  readonly event: EncodedEvent;
  readonly order: number;
}

/** The queue of a store: anonymous and other events never share a request; in lanes of their own, neither cuts the other's batches short. */
export class Lanes<E extends Entry> {
  readonly #named = new Lane<E>();
  readonly #anonymous = new Lane<E>();
  leased = 0;
  leasedBytes = 0;

  get size(): number {
    return this.#named.length + this.#anonymous.length;
  }

  get bytes(): number {
    return this.#named.bytes + this.#anonymous.bytes;
  }

  push(entry: E): void {
    (entry.event.anonymous ? this.#anonymous : this.#named).push(entry);
  }

  /** Whether what is leased next could have more entries within the cut, if more were here. */
  isShortOf({ maxEvents, maxBytes, overhead }: Cut): boolean {
    const { length, bytes } = this.#next();
    return length < maxEvents && bytes + length * overhead < maxBytes;
  }

  /**
   * Leases the oldest entries that fit the cut.
   *
   * @param settled Called with those that are done with, each once.
   */
  lease(cut: Cut, settled?: (entries: readonly E[]) => void): Lease | undefined {
    const lane = this.#next();
    const entries = lane.take(cut);
    if (entries.length === 0) return undefined;
    const events = entries.map(({ event }) => event);
    // Which are still out; made only when it is not all of them that are settled at once.
    let open: Map<EncodedEvent, E> | undefined;
    this.#lease(entries, 1);
    const close = (named: readonly EncodedEvent[]): readonly E[] => {
      const whole = named === events && !open;
      open ??= new Map(whole ? [] : entries.map((entry) => [entry.event, entry]));
      const closed = whole ? entries : named.flatMap((event) => pull(open, event));
      this.#lease(closed, -1);
      return closed;
    };
    return {
      events,
      ack: (named = events) => {
        const done = close(named);
        settled?.(done);
      },
      nack: (named = events) => {
        const returned = close(named);
        if (returned.length > 0) lane.putBack(returned.toSorted((a, b) => a.order - b.order));
      },
    };
  }

  #next(): Lane<E> {
    return this.#anonymous.oldest < this.#named.oldest ? this.#anonymous : this.#named;
  }

  #lease(entries: readonly E[], sign: 1 | -1): void {
    this.leased += sign * entries.length;
    for (const { event } of entries) this.leasedBytes += sign * event.bytes;
  }
}

/** Events of one kind, oldest first. */
class Lane<E extends Entry> {
  #queue: E[] = [];
  #head = 0;
  bytes = 0;

  get length(): number {
    return this.#queue.length - this.#head;
  }

  get oldest(): number {
    return this.#queue[this.#head]?.order ?? Infinity;
  }

  push(entry: E): void {
    this.#queue.push(entry);
    this.bytes += entry.event.bytes;
  }

  take({ maxEvents, maxBytes, overhead }: Cut): E[] {
    let end = this.#head;
    let left = maxBytes;
    while (end < this.#queue.length && end - this.#head < maxEvents) {
      left -= (this.#queue[end] as E).event.bytes + overhead;
      if (left < 0 && end > this.#head) break;
      end++;
    }
    const taken = this.#queue.slice(this.#head, end);
    for (const { event } of taken) this.bytes -= event.bytes;
    this.#head = end;
    // What was taken is let go of in large steps: shifting each time would cost the length of the queue.
    if (this.#head > 1024 || this.#head === this.#queue.length) this.#compact([]);
    return taken;
  }

  putBack(entries: readonly E[]): void {
    const inOrder = (entries.at(-1) as E).order < this.oldest;
    this.#compact(entries);
    for (const { event } of entries) this.bytes += event.bytes;
    if (!inOrder) this.#queue.sort((a, b) => a.order - b.order);
  }

  #compact(first: readonly E[]): void {
    this.#queue = [...first, ...this.#queue.slice(this.#head)];
    this.#head = 0;
  }
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
