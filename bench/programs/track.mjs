// What one tracker's track() costs with a transport that answers at once, in bursts of 100.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { median } from '../rounds.mjs';
import { open } from '../trackers/index.mjs';

const BURST = 100;
const { name, warmUp, bursts, heap } = JSON.parse(process.argv[2]);
const tracker = await open(name);
let number = 0;

function burst() {
  const start = process.hrtime.bigint();
  for (let i = 0; i < BURST; i++) tracker.track(number++);
  return Number(process.hrtime.bigint() - start) / BURST;
}

for (let i = 0; i < warmUp; i++) {
  burst();
  await tracker.settle();
  await nextTurn();
}

if (heap) {
  // The new space is large enough for a burst (see the part that starts this): nothing is collected between the readings.
  const sync = [];
  const total = [];
  for (let i = 0; i < bursts; i++) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    burst();
    sync.push((process.memoryUsage().heapUsed - before) / BURST);
    await tracker.settle();
    await nextTurn();
    total.push((process.memoryUsage().heapUsed - before) / BURST);
  }
  process.send({ syncBytes: median(sync), totalBytes: median(total) });
} else {
  const times = [];
  const before = process.cpuUsage();
  for (let i = 0; i < bursts; i++) {
    times.push(burst());
    await tracker.settle();
    await nextTurn();
  }
  const { user, system } = process.cpuUsage(before);
  process.send({ syncNs: median(times), cpuNs: ((user + system) * 1000) / (bursts * BURST) });
}
