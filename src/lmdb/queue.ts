// What this process knows of its queues in the file: which events wait. Who is out under a lease is known here alone.
import type { EventKey } from './queue-file';

/** Waiting events of one anonymity, by their numbers. */
export class Lane {
  size = 0;
  bytes = 0;
  // Nothing from here on was ever taken.
  #next = 0;
  // Taken and given back, in order; all before `#next`.
  #returned: readonly number[] = [];

  get next(): number {
    return this.#next;
  }

  get returned(): readonly number[] {
    return this.#returned;
  }

  add(events: number, bytes: number): void {
    this.size += events;
    this.bytes += bytes;
  }

  /** The first of the waiting numbers is taken. */
  pass(number: number): void {
    if (number < this.#next) this.#returned = this.#returned.filter((returned) => returned !== number);
    else this.#next = number + 1;
  }

  /** Nothing waits here after all; how many were thought to. */
  clear(): number {
    const { size } = this;
    this.size = 0;
    this.bytes = 0;
    this.#returned = [];
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
