// What the event loop is held by, turn after turn: by the processor time it takes, so that other processes do not count;
// what the scenario does itself and the garbage collector's pauses are told apart from it.
import { performance, PerformanceObserver } from 'node:perf_hooks';

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
// Most turns do next to nothing.
const LEAST_MS = 0.5;
const round = (ms) => Math.round(ms * 10) / 10;

/** Watches until `stop()`, which answers how long the longest turn was, and the longest pause. */
export function watchLoop() {
  const pauses = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) pauses.push([startTime, startTime + duration]);
  });
  observer.observe({ entryTypes: ['gc'] });
  const turns = [];
  const asides = [];
  let running = true;
  let aside = 0;
  let from = performance.now();
  let usedBefore = cpuMs();
  const onTurn = () => {
    const used = cpuMs() - usedBefore - aside;
    if (used > LEAST_MS) turns.push([from, performance.now(), used]);
    aside = 0;
    from = performance.now();
    usedBefore = cpuMs();
    if (running) setImmediate(onTurn);
  };
  setImmediate(onTurn);
  return {
    /** Runs what is not the package's. */
    aside(work) {
      const [started, used] = [performance.now(), cpuMs()];
      const result = work();
      aside += cpuMs() - used;
      asides.push([started, performance.now()]);
      return result;
    },
    async stop() {
      running = false;
      // The observer tells of the last pauses a moment later.
      await new Promise((resolve) => setTimeout(resolve, 20));
      observer.disconnect();
      const isWithin =
        ([start, end]) =>
        ([first, last]) =>
          first >= start && last <= end;
      const elsewhere = pauses.filter((pause) => !asides.some((one) => isWithin(one)(pause)));
      const own = turns.map(([start, end, used]) => {
        let paused = 0;
        for (const pause of elsewhere) if (isWithin([start, end])(pause)) paused += pause[1] - pause[0];
        return used - paused;
      });
      return {
        longestTurnMs: round(Math.max(0, ...own)),
        withCollectionMs: round(Math.max(0, ...turns.map(([, , used]) => used))),
        longestCollectionMs: round(Math.max(0, ...pauses.map(([start, end]) => end - start))),
      };
    },
  };
}
