// Events in the form in which a tracker passes them to a store.
import { randomUUID } from 'node:crypto';
import type { EncodedEvent } from '../../src/core/emitter';
import { encodedEvent as made } from '../../src/core/tracker/encode';

/** An encoded event; `padding` makes it longer. */
export function encodedEvent({ anonymous = false, padding = 0, eventId = randomUUID() as string } = {}): EncodedEvent {
  const json = JSON.stringify({ e: 'pv', p: 'srv', tv: 'test', page: 'Käse 🧀'.padEnd(padding, 'x'), eid: eventId });
  return made(json, eventId, anonymous);
}

export const encodedEvents = (count: number, options = {}): EncodedEvent[] =>
  Array.from({ length: count }, () => encodedEvent(options));
