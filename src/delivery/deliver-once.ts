// One attempt for a given list of events: in requests of the right size, split when a receiver asks for smaller ones.
import type { EncodedEvent } from '../core/emitter';
import { ENVELOPE_BYTES, EVENT_OVERHEAD } from './batch';
import type { Delivery } from './delivery';
import { Ledger, settlementOf } from './ledger';
import { MemoryEventStore } from './memory-store';
import { asError, type SendResult } from './transport';

/** What became of the events that were not sent. */
export interface Outcome {
  /** To be tried again. */
  readonly kept: readonly EncodedEvent[];
  /** Never to be taken. */
  readonly refused: readonly EncodedEvent[];
  /** Why, where some are kept. */
  readonly error: Error | undefined;
}

/** Sends the events; where one attempt fails, the rest need not find that out as well. Never rejects. */
export async function deliverOnce(
  events: readonly EncodedEvent[],
  { settings, transport, log }: Delivery,
): Promise<Outcome> {
  const store = new MemoryEventStore({ capacity: Math.max(1, events.length), capacityBytes: Number.MAX_SAFE_INTEGER });
  store.put(events);
  const ledger = new Ledger(settings, log);
  const refused: EncodedEvent[] = [];
  const cut = {
    maxEvents: settings.maxBatchSize,
    maxBytes: settings.maxBytes - ENVELOPE_BYTES,
    overhead: EVENT_OVERHEAD,
  };
  for (let lease; (lease = store.take(cut));) {
    let answer: SendResult | readonly SendResult[];
    try {
      answer = await transport.send(lease.events);
    } catch (error) {
      answer = { status: 'retry', error: asError(error) };
    }
    const settlement = settlementOf(lease.events, answer);
    ledger.count(settlement);
    ledger.report(settlement);
    const { rejected, lost, kept, split, failures } = settlement;
    refused.push(...rejected, ...lost);
    if (kept.length > 0) {
      const rest = store.take({ maxEvents: Infinity, maxBytes: Infinity, overhead: 0 })?.events ?? [];
      return {
        kept: [...kept, ...split, ...rest],
        refused,
        error: failures.find(({ status }) => status === 'retry')?.error,
      };
    }
    cut.maxBytes = split.length > 0 ? Math.ceil(bytesOf(split) / 2) : cut.maxBytes;
    void lease.nack(split);
  }
  return { kept: [], refused, error: undefined };
}

const bytesOf = (events: readonly EncodedEvent[]): number =>
  events.reduce((total, { bytes }) => total + bytes + EVENT_OVERHEAD, 0);
