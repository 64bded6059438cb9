// How long a flush or a close may take, in the forms that people give it.

/** A number of milliseconds, or an object with it; nothing means the default. */
export type TimeLimit = number | { readonly timeoutMs?: number | undefined } | null | undefined;

/** The milliseconds of a limit. What says none, as the name of a signal, is none: who ends a process must not be stopped. */
export function millisOfLimit(limit: TimeLimit, byDefault: number): number {
  try {
    const given: unknown = typeof limit === 'number' ? limit : limit?.timeoutMs;
    return typeof given === 'number' && !Number.isNaN(given) ? given : byDefault;
  } catch {
    return byDefault;
  }
}
