// Events as a tracker hands them to a store.
import { randomUUID } from 'node:crypto';
import { EncodedEvent } from '../../src/core/emitter';

/** An encoded event; `padding` makes it longer. */
export function encodedEvent({ anonymous = false, padding = 0, eventId = randomUUID() as string } = {}): EncodedEvent {
  const json = JSON.stringify({ e: 'pv', p: 'srv', tv: 'test', page: 'Käse 🧀'.padEnd(padding, 'x'), eid: eventId });
  return new EncodedEvent(json, Buffer.byteLength(json), eventId, anonymous);
}

export const encodedEvents = (count: number, options = {}): EncodedEvent[] =>
  Array.from({ length: count }, () => encodedEvent(options));
