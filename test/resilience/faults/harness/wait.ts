// Bounded waits: until a condition holds, or a clear failure.
import { setTimeout as sleep } from 'node:timers/promises';

/** Looks every few milliseconds until `holds` is true; fails with `what` when `ms` are over. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(5);
  }
}

/** Waits for `promise`, but fails with `what` when `ms` are over. */
export async function within<T>(what: string, promise: Promise<T>, ms = 20_000): Promise<T> {
  const stop = new AbortController();
  const late = sleep(ms, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`not within ${ms} ms: ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
    late.catch(() => {});
  }
}
