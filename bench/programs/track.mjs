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

// Segment says of nothing that it is delivered before 300 ms have passed: a phase ends after a time too.
const PHASE_MS = 15_000;
function* phase(most) {
  const end = performance.now() + PHASE_MS;
  for (let done = 0; done < most && performance.now() < end; done++) yield done;
}

for (const _ of phase(warmUp)) {
  burst();
  await tracker.settle();
  await nextTurn();
}

if (heap) {
  // Several bursts to a reading, because a full collection throws away some of what the optimiser had learnt. The new space
  // is large enough for them (see the part that starts this): nothing is collected between the readings.
  const GROUP = 8;
  const used = () => process.memoryUsage().heapUsed;
  const sync = [];
  const total = [];
  for (const _ of phase(bursts / GROUP)) {
    globalThis.gc();
    const start = used();
    let inBursts = 0;
    for (let j = 0; j < GROUP; j++) {
      const before = used();
      burst();
      inBursts += used() - before;
      await tracker.settle();
      await nextTurn();
    }
    sync.push(inBursts / (GROUP * BURST));
    total.push((used() - start) / (GROUP * BURST));
  }
  process.send({ syncBytes: median(sync), totalBytes: median(total) });
} else {
  const times = [];
  const before = process.cpuUsage();
  for (const _ of phase(bursts)) {
    times.push(burst());
    await tracker.settle();
    await nextTurn();
  }
  const { user, system } = process.cpuUsage(before);
  process.send({ syncNs: median(times), cpuNs: ((user + system) * 1000) / (times.length * BURST) });
}
