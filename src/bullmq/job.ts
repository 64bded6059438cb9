// A queue's job: what it carries, and how far apart its attempts are: 1 second at first, doubling up to 60, half of each at random.
import type { Payload } from '../core/emitter';

/** The name of every job. */
export const JOB_NAME = 'snowplow';

/** The events themselves, so that the worker needs nothing but the job. */
export interface JobData {
  readonly anonymous: boolean;
  readonly events: readonly Payload[];
  /** Events of this job that can never be delivered; they wait in the failed job for somebody to look at. */
  readonly refused?: readonly unknown[];
}

const LONGEST_MS = 60_000;

/**
 * What a job is given. Of a queue's own strategies none grows and ends: a fixed delay does what is right for a long outage by
 * itself, and {@link growBackoff} makes it shorter while the job is young. Queues keep `growsFromMs` as it is.
 */
export const BACKOFF = { type: 'fixed', delay: LONGEST_MS, jitter: 0.5, growsFromMs: 1_000 } as const;

/** What decides about a job's next attempt, by its shape: part of BullMQ's `Job`. */
export interface Attempted {
  /** Failed attempts before this one. */
  readonly attemptsMade?: number | undefined;
  readonly opts?: object | undefined;
}

/** To be called before an attempt fails: the queue then reads from the job how long to wait. A backoff of the user's stays. */
export function growBackoff({ attemptsMade = 0, opts }: Attempted): void {
  const own = opts as { backoff?: Partial<typeof BACKOFF> } | undefined;
  const from = own?.backoff?.growsFromMs;
  if (!own || from === undefined) return;
  own.backoff = { ...own.backoff, delay: Math.min(from * 2 ** Math.min(attemptsMade, 30), LONGEST_MS) } as never;
}
