// Tries a given list of events until each is sent, refused for good, or has failed: for the job of a queue that tries again itself.
import type { EncodedEvent } from '../core/emitter';
import type { Delivery } from './delivery';
import type { TakeLimits, Lease } from './store/event-store';
import { Stats } from './engine/stats';
import { MemoryEventStore } from './store/memory-store';
import { SendLoop } from './engine/send-loop';

/** What became of the events that were not sent. */
export interface JobReport {
  /** To be tried again. */
  readonly kept: readonly EncodedEvent[];
  /** Never to be taken. */
  readonly refused: readonly EncodedEvent[];
  /** Why, where some are kept. */
  readonly error: string | undefined;
}

// What is kept when the attempt is over belongs to the queue, and so does the knowledge of what is refused.
class JobStore extends MemoryEventStore {
  readonly durable = true;
  readonly refused: EncodedEvent[] = [];

  override take(limits: TakeLimits): Lease | undefined {
    const lease = super.take(limits);
    if (!lease) return undefined;
    const reject = (events: readonly EncodedEvent[]): void => {
      this.refused.push(...events);
      void lease.ack(events);
    };
    return { ...lease, reject };
  }
}

/** Sends the events as one flush of an emitter would. Never rejects. */
export async function deliverOnce(
  events: readonly EncodedEvent[],
  { settings, transport, log }: Delivery,
): Promise<JobReport> {
  const store = new JobStore({ capacity: Math.max(1, events.length), capacityBytes: Number.MAX_SAFE_INTEGER });
  const stats = new Stats(settings, log);
  const loop = new SendLoop({ ...settings, flushIntervalMs: 0 }, store, transport, stats, log);
  store.put(events);
  await loop.startFlush('sole').done;
  loop.abandon();
  const kept = store.take({ maxEvents: Infinity, maxBytes: Infinity, overhead: 0 })?.events ?? [];
  return {
    kept,
    refused: store.refused,
    error: kept.length > 0 ? stats.snapshot(store, 0).lastError?.message : undefined,
  };
}
