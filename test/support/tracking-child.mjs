// A process that tracks as fast as it may until it is killed, and writes down the id of each event after it was accepted.
// Arguments: the built package, createTracker's options as JSON, the file for the ids.
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [dist, options, accepted] = process.argv.slice(2);
const { createTracker, logger, structEvent } = createRequire(import.meta.url)(dist);
// A collector that fails is a part of the test; anything worse is to be seen.
logger.setLevel('error');
const tracker = createTracker(JSON.parse(options));
process.stdout.write('ready\n');
setInterval(() => {
  let ids = '';
  for (let index = 0; index < 10; index++) {
    const id = tracker.track(structEvent({ category: 'test', action: 'kill', label: 'x'.repeat(200) }));
    if (id) ids += `${id}\n`;
  }
  appendFileSync(accepted, ids);
}, 2);
