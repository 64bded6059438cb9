// How many events a second one tracker delivers: as many as it takes while at most 900 are not acknowledged.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { open } from '../trackers/index.mjs';

// A tenth below the official tracker's own bound, above which it drops events silently; the same for everyone.
const WINDOW = 900;
const BURST = 100;
const { name, url, warmUpMs, durationMs } = JSON.parse(process.argv[2]);
const tracker = await open(name, url);
let tracked = 0;

async function drive(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const room = WINDOW - (tracked - tracker.acknowledged());
    if (room < BURST) {
      // Asking again at once would only burn the time that the tracker could have.
      await sleep(1);
      continue;
    }
    for (let i = 0; i < room; i++) tracker.track(tracked++);
    tracker.endTurn?.();
    await nextTurn();
  }
}

await drive(warmUpMs);
const first = tracker.acknowledged();
const start = performance.now();
const cpuBefore = process.cpuUsage();
await drive(durationMs);
const events = tracker.acknowledged() - first;
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
await tracker.settle();

process.send({
  eventsPerSecond: events / seconds,
  cpuPerMillion: (user + system) / events,
  peakMB: process.resourceUsage().maxRSS / 1024,
  tracked,
});
