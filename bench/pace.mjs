// Events at a steady rate, made up for after a late timer, and how late the loop was meanwhile.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * Calls `event` at `perSecond` for `ms`, in small groups.
 *
 * @returns the 99th percentile of the loop's delay in milliseconds.
 */
export function pace(event, perSecond, ms) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  let done = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const elapsed = Math.min(performance.now() - start, ms);
      for (const due = (elapsed / 1000) * perSecond; done < due; done++) event();
      if (elapsed < ms) return;
      clearInterval(timer);
      delay.disable();
      resolve(delay.percentile(99) / 1e6);
    }, 2);
  });
}
