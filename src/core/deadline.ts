// Bounded waiting: how long a flush or a close may take, and how to wait no longer than that.

/** A number of milliseconds, or an object with it; nothing means the default. */
export type TimeLimit = number | { readonly timeoutMs?: number | undefined } | null | undefined;

/** The longest delay of a timer. With a longer one it fires at once. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/** The process's own timers, taken when the package was loaded: a test that fakes timers later must not stop a close. */
export const clock = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  now: performance.now.bind(performance),
} as const;

/** The milliseconds of a limit. Any other value, such as the name of a signal, means the default, so that a handler never fails. */
export function millisOfLimit(limit: TimeLimit, byDefault: number): number {
  try {
    const given: unknown = typeof limit === 'number' ? limit : limit?.timeoutMs;
    return typeof given === 'number' && !Number.isNaN(given) ? given : byDefault;
  } catch {
    return byDefault;
  }
}

/**
 * Waits for what `work` starts, but no longer than `ms`. Never rejects.
 *
 * @returns its result; undefined if it is late or fails.
 */
export async function within<T>(work: () => T | PromiseLike<T>, ms: number): Promise<T | undefined> {
  try {
    return await before(work, ms, () => LATE);
  } catch {
    return undefined;
  }
}

/**
 * Waits for what `work` starts, but no longer than `ms`.
 *
 * @param late Creates the error with which it rejects at the deadline.
 */
export async function before<T>(work: () => T | PromiseLike<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = clock.setTimeout(() => reject(late()), Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
  });
  try {
    return await Promise.race([(async () => work())(), expired]);
  } finally {
    clock.clearTimeout(timer);
  }
}

const LATE = new Error('the time is over');
