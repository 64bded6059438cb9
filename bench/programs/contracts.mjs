// What the contracts cost: bursts with them on and off take turns in one process, so that both meet the same machine.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { disableContracts, enableContracts } from '../../dist/index.js';
import { median } from '../rounds.mjs';
import { open } from '../trackers/index.mjs';

const BURST = 100;
const { warmUp, bursts } = JSON.parse(process.argv[2]);
const tracker = await open('ours');
const times = { on: [], off: [] };
let number = 0;

for (let i = 0; i < 2 * (warmUp + bursts); i++) {
  const mode = i % 2 === 0 ? 'on' : 'off';
  if (mode === 'on') enableContracts();
  else disableContracts();
  const start = process.hrtime.bigint();
  for (let j = 0; j < BURST; j++) tracker.track(number++);
  const took = Number(process.hrtime.bigint() - start) / BURST;
  if (i >= 2 * warmUp) times[mode].push(took);
  await tracker.settle();
  await nextTurn();
}
const [on, off] = [median(times.on), median(times.off)];
process.send({ onNs: on, offNs: off, costNs: on - off });
