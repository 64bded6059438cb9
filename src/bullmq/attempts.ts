// How far apart the attempts of a job are: 1 second at first, doubling up to 60, the second half of each wait at random.

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
