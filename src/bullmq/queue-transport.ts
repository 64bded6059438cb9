// Sends batches into a job queue: one job for a batch, named by its events, so that a repeated add is stored once.
import { createHash } from 'node:crypto';
import { before } from '../core/deadline';
import type { EncodedEvent } from '../core/emitter';
import { MAX_QUEUED_BYTES } from '../delivery/transport-emitter';
import { asError, type Outcome, type Transport } from '../delivery/transport';
import { BACKOFF, JOB_NAME, type JobData } from './job';

/** A queue by its shape: BullMQ's `Queue`, or another with the same `add`. */
export interface QueueLike {
  add(name: string, data: unknown, options?: object): Promise<unknown>;
  /** What the user wants of every job of this queue: it goes before what we would want. */
  readonly defaultJobOptions?: object | undefined;
}

// An add that takes longer is made again: the job's id makes the two one.
const ADD_MS = 10_000;

// Two thousand attempts: an outage of the collector of about a day.
const JOB_OPTIONS = { attempts: 2_000, backoff: BACKOFF, removeOnComplete: true, removeOnFail: false } as const;

export class QueueTransport implements Transport {
  readonly #queue: QueueLike;
  // How many events the last add had, where it is not known whether the queue has them: they come again as the same job.
  #unsure: { readonly id: string; readonly events: number } | undefined;

  constructor(queue: QueueLike) {
    this.#queue = queue;
  }

  fits(event: EncodedEvent): boolean {
    return event.bytes <= MAX_QUEUED_BYTES;
  }

  async send(events: readonly EncodedEvent[]): Promise<readonly Outcome[]> {
    const cut = this.#unsure?.events ?? events.length;
    const again = events.slice(0, cut);
    const parts = idOf(again) === this.#unsure?.id ? [again, events.slice(cut)] : [events];
    const results: Outcome[] = [];
    for (const part of parts.filter(({ length }) => length > 0)) {
      const result = results.find(({ status }) => status === 'retry') ?? (await this.#add(part));
      for (const _event of part) results.push(result);
    }
    return results;
  }

  async close(): Promise<void> {}

  // The queue adds its own to what it is given, and what it is given wins.
  #options(): object {
    const { defaultJobOptions = {} } = this.#queue;
    const theirs = Object.entries(defaultJobOptions).filter(([, value]) => value !== undefined && value !== null);
    return { ...JOB_OPTIONS, ...Object.fromEntries(theirs) };
  }

  async #add(events: readonly EncodedEvent[]): Promise<Outcome> {
    const id = idOf(events);
    const data: JobData = { anonymous: events[0]?.anonymous === true, events: events.map((event) => event.payload()) };
    try {
      const late = (): Error => new Error('the queue did not answer in time');
      await before(() => this.#queue.add(JOB_NAME, data, { ...this.#options(), jobId: id }), ADD_MS, late);
      this.#unsure = undefined;
      return { status: 'sent' };
    } catch (error) {
      this.#unsure = { id, events: events.length };
      return { status: 'retry', error: new Error(`the queue: ${asError(error).name}`) };
    }
  }
}

// Without a colon, and never a number: BullMQ takes neither.
function idOf(events: readonly EncodedEvent[]): string {
  const hash = createHash('sha256');
  for (const { eventId } of events) hash.update(eventId);
  return `snowplow-${hash.digest('base64url')}`;
}
