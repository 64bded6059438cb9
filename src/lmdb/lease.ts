// Events handed out for sending: each is settled once, whatever is asked for how often.
import type { EncodedEvent } from '../core/emitter';
import type { Lease } from '../delivery/event-store';
import type { Taken } from './queue';

export function leaseOf(
  taken: Map<EncodedEvent, Taken>,
  done: (entries: readonly Taken[]) => void,
  givenBack: (entries: readonly Taken[]) => void,
): Lease {
  const events = [...taken.keys()];
  const settle = (named: readonly EncodedEvent[]): Taken[] =>
    named.flatMap((event) => {
      const entry = taken.get(event);
      taken.delete(event);
      return entry ?? [];
    });
  return {
    events,
    ack: (named = events) => done(settle(named)),
    nack: (named = events) => givenBack(settle(named)),
  };
}
