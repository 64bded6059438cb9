// A process that puts events into a disk store as fast as it may until it is killed, and writes down each id when it is accepted.
// Arguments: the built package, the collector, the store's path, the file for the ids.
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [dist, endpoint, path, accepted] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const { AsyncEmitter, Tracker, logger, structEvent } = require(`${dist}/index.js`);
const { DiskEventStore } = require(`${dist}/disk/disk-event-store.js`);
logger.setLevel('error');
const eventStore = new DiskEventStore({ path });
const settings = { threadCount: 1, flushIntervalMs: 20, maxRetryDelayMs: 500 };
const tracker = new Tracker({ emitters: new AsyncEmitter({ endpoint, eventStore, ...settings }), namespace: 'kill' });
process.stdout.write('ready\n');
setInterval(() => {
  let ids = '';
  for (let index = 0; index < 10; index++) {
    const id = tracker.track(structEvent({ category: 'test', action: 'kill', label: 'x'.repeat(200) }));
    if (id) ids += `${id}\n`;
  }
  appendFileSync(accepted, ids);
}, 2);
