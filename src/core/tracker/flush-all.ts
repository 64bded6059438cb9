// Flushes or closes several emitters at once, within a deadline, whatever any of them does.
import { within } from '../deadline';
import type { EmitterLike, FlushReport } from '../emitter';
import type { Log } from '../logger';

// A built-in emitter keeps its own deadline; the margin lets it release its sockets and report.
const MARGIN_MS = 250;

/**
 * Flushes or closes each emitter and adds up their reports. Never rejects, and is bounded even if an emitter is not.
 *
 * @param how Whether to flush or to close an emitter.
 * @example
 * await settleAll(emitters, () => 'flush', 10_000, log); // { sent: 3, failed: 0, remaining: 0 }
 */
export async function settleAll(
  emitters: readonly EmitterLike[],
  how: (emitter: EmitterLike) => 'flush' | 'close',
  timeoutMs: number,
  log: Log,
): Promise<FlushReport> {
  const reports = await Promise.all(emitters.map((emitter) => settle(emitter, how(emitter), timeoutMs, log)));
  const total = { sent: 0, failed: 0, remaining: 0 };
  // A custom emitter may report any value.
  for (const report of reports)
    for (const name of ['sent', 'failed', 'remaining'] as const) total[name] += Number(report?.[name]) || 0;
  return total;
}

async function settle(
  emitter: EmitterLike,
  how: 'flush' | 'close',
  timeoutMs: number,
  log: Log,
): Promise<Partial<FlushReport> | undefined> {
  const report = (async () => emitter[how]?.({ timeoutMs }))().catch(() => log.error(`an emitter's ${how} failed`));
  // The margin starts only when the deadline is noticed: on a late event loop both would otherwise pass at once.
  return ((await within(() => report, timeoutMs)) ?? (await within(() => report, MARGIN_MS))) as
    Partial<FlushReport> | undefined;
}
