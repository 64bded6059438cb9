// Feeds an emitter with sample events, keeps its own count of them, and holds the emitter's counts against that.
import { randomUUID } from 'node:crypto';
import type { EmitterStats, EventMeta, Payload } from 'snowplow-middleware';
import { expect } from 'vitest';

/** An emitter that counts. */
export interface CountingEmitter {
  input(payload: Payload, meta?: EventMeta): void | boolean;
  stats(): EmitterStats;
}

export const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** A page view, as a tracker would make it; `title` makes it as long as a test wants it. */
export const sampleEvent = (eventId: string = randomUUID(), title = 'Harbour'): Payload => ({
  tv: 'node-test',
  p: 'srv',
  e: 'pv',
  dtm: String(Date.now()),
  url: 'https://harbour.test/',
  page: title,
  eid: eventId,
});

/** Asserts the two equations that hold at every moment. `offered`: how many events the test itself has offered. */
export function expectBalanced(emitter: Pick<CountingEmitter, 'stats'>, offered?: number): EmitterStats {
  const stats = emitter.stats();
  if (offered !== undefined) expect(stats.offered, 'offered').toBe(offered);
  expect(stats.accepted + sum(stats.refused), 'offered = accepted + refused').toBe(stats.offered);
  expect(
    stats.sent + sum(stats.dropped) + stats.waiting + stats.inFlight,
    'accepted + recovered = sent + dropped + waiting + in flight',
  ).toBe(stats.accepted + stats.recovered);
  for (const count of [stats.waiting, stats.waitingBytes, stats.inFlight]) expect(count).toBeGreaterThanOrEqual(0);
  return stats;
}

/**
 * Offers events to an emitter and remembers which it took.
 *
 * @example
 * const feed = new Feed(emitter);
 * feed.offer(3);
 * feed.balanced();        // checks the equations against what was offered here
 * feed.accepted;          // the ids
 */
export class Feed {
  offered = 0;
  readonly accepted: string[] = [];
  readonly refused: string[] = [];
  readonly #emitter: CountingEmitter;

  constructor(emitter: CountingEmitter) {
    this.#emitter = emitter;
  }

  /** Offers `count` events; answers how many were taken. */
  offer(count = 1, { title, anonymous = false }: { title?: string; anonymous?: boolean } = {}): number {
    const before = this.accepted.length;
    for (let made = 0; made < count; made++) {
      const eventId = randomUUID();
      this.offered++;
      const taken = this.#emitter.input(sampleEvent(eventId, title), { eventId, anonymous }) !== false;
      (taken ? this.accepted : this.refused).push(eventId);
      if (count <= 100) this.balanced();
    }
    return this.accepted.length - before;
  }

  balanced(): EmitterStats {
    return expectBalanced(this.#emitter, this.offered);
  }
}
