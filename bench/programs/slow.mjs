// A steady rate of events to a collector that takes its time: what arrives, and what the application's event loop feels.
import { open } from '../trackers/index.mjs';
import { pace } from '../pace.mjs';

const { name, url, perSecond, durationMs, settleMs } = JSON.parse(process.argv[2]);
const idleMs = await pace(() => {}, perSecond, Math.min(durationMs, 3000));
const tracker = await open(name, url);
let tracked = 0;
const busyMs = await pace(() => tracker.track(tracked++), perSecond, durationMs);
// A tracker that has lost events would never settle.
await Promise.race([tracker.settle(), new Promise((resolve) => setTimeout(resolve, settleMs))]);
process.send({ tracked, addedP99Ms: busyMs - idleMs, idleP99Ms: idleMs });
