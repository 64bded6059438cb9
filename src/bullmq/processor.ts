// What a queue's worker does with a job: delivers its events, and says how the job ended in the way that queues understand.
import type { EncodedEvent } from '../core/emitter';
import { resolveOptions } from '../core/options';
import { type Delivery, DELIVERY_RULES, deliveryOf, type DeliveryOptions } from '../delivery/delivery';
import { eventOf } from '../delivery/store/foreign-event';
import { deliverOnce } from '../delivery/deliver-once';
import { type Attempted, growBackoff, type JobData } from './job';

/** A job by its shape: BullMQ's `Job`, or another's with the same data. */
export interface JobLike extends Attempted {
  readonly data: unknown;
  /** Replaces what the job carries, so that a repeat sends only what is left. */
  updateData?(data: never): Promise<unknown>;
}

/**
 * Makes the function that a queue's worker runs for each job of a BullMqEmitter. It throws while the collector is away, so
 * that the queue tries again; and an unrecoverable error when the rest of the job can never be delivered.
 *
 * @param options How to deliver. Never taken from the job.
 * @throws ConfigError that names the option.
 * @example
 * new Worker('snowplow', createProcessor({ endpoint: 'collector.acme.com' }), { connection });
 */
export function createProcessor(options: DeliveryOptions): (job: JobLike) => Promise<void> {
  const delivery = deliveryOf('createProcessor', resolveOptions('createProcessor', options, DELIVERY_RULES, {}));
  return (job) => work(job, delivery);
}

async function work(job: JobLike, delivery: Delivery): Promise<void> {
  const { anonymous, events, refused: earlier } = read(job.data);
  const good: EncodedEvent[] = [];
  const refused: unknown[] = [...earlier];
  for (const value of events) {
    const event = eventOf(value, anonymous);
    if (event) good.push(event);
    else refused.push(value);
  }
  const outcome = await deliverOnce(good, delivery);
  refused.push(...outcome.refused.map((event) => event.payload()));
  const { kept } = outcome;
  if (kept.length === 0 && refused.length === 0) return;
  if (kept.length < events.length)
    await job.updateData?.({ anonymous, events: kept.map((event) => event.payload()), refused } as never);
  if (kept.length > 0) {
    growBackoff(job);
    throw new Error(`${kept.length} events could not be sent: ${outcome.error}`);
  }
  throw new UnrecoverableError(`${refused.length} events can never be delivered`);
}

function read(data: unknown): Required<JobData> {
  const { anonymous, events, refused } = (data ?? {}) as Partial<JobData>;
  if (!Array.isArray(events)) throw new UnrecoverableError('the job carries no events');
  return { anonymous: anonymous === true, events, refused: Array.isArray(refused) ? refused : [] };
}

// Queues know it by its name: it ends the attempts.
class UnrecoverableError extends Error {
  override readonly name = 'UnrecoverableError';
}
