// What this process knows of its queues in the file: which events wait. Who is out under a lease is known here alone.
import type { EncodedEvent } from '../core/emitter';
import type { EventKey } from './queue-file';

// What one lane may keep in memory of what is in the file.
const RECENT_BYTES = 4 * 1024 * 1024;

/** Waiting events of one anonymity, by their numbers. */
export class Lane {
  size = 0;
  bytes = 0;
  // Nothing from here on was ever taken.
  #next = 0;
  // Taken and given back, in order; all before `#next`.
  #returned: readonly number[] = [];
  // What was never taken, by number: all of it or, when that is too much or not known, nothing.
  #recent: Map<number, EncodedEvent> | undefined;
  #recentBytes = 0;

  get next(): number {
    return this.#next;
  }

  get returned(): readonly number[] {
    return this.#returned;
  }

  /** Everything that waits from `next` on, in order, so that it need not be read back; undefined when it has to be. */
  get recent(): ReadonlyMap<number, EncodedEvent> | undefined {
    return this.#recent;
  }

  append(number: number, event: EncodedEvent): void {
    if (this.size === this.#returned.length) this.#forget(new Map());
    this.add(1, event.bytes);
    if (!this.#recent) return;
    this.#recent.set(number, event);
    this.#recentBytes += event.bytes;
    if (this.#recentBytes > RECENT_BYTES) this.#forget(undefined);
  }

  #forget(recent: Map<number, EncodedEvent> | undefined): void {
    this.#recent = recent;
    this.#recentBytes = 0;
  }

  add(events: number, bytes: number): void {
    this.size += events;
    this.bytes += bytes;
  }

  /** The first of the waiting numbers is taken. */
  pass(number: number): void {
    if (number < this.#next) this.#returned = this.#returned.filter((returned) => returned !== number);
    else this.#next = number + 1;
    this.#recentBytes -= this.#recent?.get(number)?.bytes ?? 0;
    this.#recent?.delete(number);
  }

  /** Nothing waits here after all; how many were thought to. */
  clear(): number {
    const { size } = this;
    this.size = 0;
    this.bytes = 0;
    this.#returned = [];
    this.#forget(undefined);
    return size;
  }

  putBack(numbers: readonly number[]): void {
    this.#returned = [...this.#returned, ...numbers].toSorted((a, b) => a - b);
  }
}

/** Events in the file that one process has to itself: it alone takes from them. */
export class Queue {
  // Anonymous and other events never share a request; in lanes of their own, neither cuts the other's batches short.
  readonly lanes = [new Lane(), new Lane()] as const;
  /** The number of the next event; one count for both lanes, so that it tells which event is older. */
  next = 0;
  /** Events in the file: waiting, leased, or delivered and not removed yet. */
  held = 0;

  constructor(readonly id: number) {}
}

/** A record that a lease has out, or that is to be removed. */
export interface Taken {
  readonly queue: Queue;
  readonly key: EventKey;
  readonly bytes: number;
}
