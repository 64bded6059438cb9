// A process that tracks as fast as it may until it is killed, and writes down the id of each event after it was accepted.
// Arguments: the built package, createTracker's options as JSON (`disk` is the path of a disk store), the file for the ids.
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [dist, given, accepted] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const { createTracker, logger, structEvent } = require(dist);
const { disk, ...options } = JSON.parse(given);
if (disk) {
  const { DiskEventStore } = createRequire(dist)('./disk/disk-event-store.js');
  options.emitter = { ...options.emitter, eventStore: new DiskEventStore({ path: disk }) };
}
// A collector that fails is a part of the test; anything worse is to be seen.
logger.setLevel('error');
const tracker = createTracker(options);
let isReady = false;
setInterval(() => {
  let ids = '';
  for (let index = 0; index < 10; index++) {
    const id = tracker.track(structEvent({ category: 'test', action: 'kill', label: 'x'.repeat(200) }));
    if (id) ids += `${id}\n`;
  }
  appendFileSync(accepted, ids);
  // From now on each kill has events to lose.
  if (!isReady) process.stdout.write('ready\n');
  isReady = true;
}, 2);
