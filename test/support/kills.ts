// Runs in which processes are killed: how many times, what came of the events, and where the soak finds the figures.

/** Kills in one run: 20, or as many as KILL_RUNS says. */
export const KILLS = Number(process.env['KILL_RUNS'] ?? 20);

/** How long a run may take, in milliseconds; a take-over alone takes 15 seconds. */
export const KILLS_TIMEOUT_MS = 180_000 + KILLS * 3_000;

/** What came of the events of a run. */
export interface KillFigures {
  readonly kills: number;
  readonly accepted: number;
  readonly lost: number;
  readonly repeated: number;
  readonly repeatedAtMost: number;
}

declare module 'vitest' {
  interface TaskMeta {
    /** What a test counted; the soak prints it. */
    figures?: KillFigures;
  }
}

/**
 * @param taken How often the collector took each event.
 * @param repeatedAtMost What one kill may cost.
 */
export function figuresOf(
  accepted: Iterable<string>,
  taken: ReadonlyMap<string, number>,
  repeatedAtMost: number,
): KillFigures {
  const ids = [...new Set(accepted)];
  const arrivals = [...taken.values()].reduce((total, times) => total + times, 0);
  return {
    kills: KILLS,
    accepted: ids.length,
    lost: ids.filter((id) => !taken.has(id)).length,
    repeated: arrivals - taken.size,
    repeatedAtMost: KILLS * repeatedAtMost,
  };
}
