// A steady rate of events while the collector is down: what memory they take, and how soon they leave once it is back.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from '../trackers/ours.mjs';
import { pace } from '../pace.mjs';

const { url, perSecond, durationMs } = JSON.parse(process.argv[2]);
let reported = 0;
const onDrop = ({ events }) => {
  reported += events.length;
};
const ours = open({ url, emitter: { onDrop, logger: false } });
const { tracker } = ours;
const stats = () => tracker.stats().emitters[0];
const memory = () => {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

// The first events pay for compiled code and connections, which are no part of the buffer.
let tracked = 0;
for (; tracked < 5000; tracked++) {
  ours.track(tracked);
  if (tracked % 500 === 0) await tracker.flush();
}
await tracker.flush();
process.send('ready');

await once(process, 'message');
const before = memory();
await pace(() => ours.track(tracked++), perSecond, durationMs);
const held = memory() - before;
const { waiting, waitingBytes } = stats();
const { accepted, refused } = tracker.stats();
process.send('full');

const [{ backAt }] = await once(process, 'message');
while (stats().waiting + stats().inFlight > 0) await sleep(5);
process.send({
  tracked,
  waiting,
  memoryToBound: held / waitingBytes,
  refused: refused.full,
  uncounted: tracked - accepted - reported,
  lost: accepted - stats().sent,
  drainMs: Date.now() - backAt,
});
