// Waiting events of one kind in the order of their arrival, which they keep when they come back. Part of the event stores.
import type { EncodedEvent } from '../core/emitter';
import type { Cut } from './event-store';

/** An event with its place in the order of arrival, which it keeps when it comes back. */
export interface Entry {
  readonly event: EncodedEvent;
  readonly order: number;
}

/** Events of one kind, oldest first. */
export class Lane<E extends Entry> {
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
