// A steady rate of events while the collector is down: what memory they take, and how soon they leave once it is back.
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from '../trackers/ours.mjs';
import { pace } from '../pace.mjs';
import { sample } from '../sample.mjs';

const { url, perSecond, durationMs } = JSON.parse(process.argv[2]);
let reported = 0;
const onDrop = (events) => {
  reported += events.length;
};
const { tracker, track } = open({ url, emitter: { onDrop, logger: false } });
const stats = () => tracker.stats().emitters[0];
const memory = () => {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

// The first events pay for compiled code and connections, which are no part of the buffer.
sample(0);
const before = memory();
let tracked = 0;
await pace(() => track(tracked++), perSecond, durationMs);
const held = memory() - before;
const full = stats();
const [{ waitingBytes }, counts] = [full, tracker.stats()];

process.send('full');
process.on('message', async ({ backAt }) => {
  while (stats().waiting + stats().inFlight > 0) await sleep(5);
  process.send({
    tracked,
    waiting: full.waiting,
    memoryToBound: held / waitingBytes,
    refused: counts.refused.full,
    uncounted: tracked - counts.accepted - reported,
    drainMs: Date.now() - backAt,
  });
});
