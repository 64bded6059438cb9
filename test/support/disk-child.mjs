// A process, or a worker thread, that has a disk store of its own: it puts events, says which, and lives until it is ended.
// Arguments: the built package, the store's options as JSON, how many events. `thread` before them starts a thread that does it.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { isMainThread, Worker } from 'node:worker_threads';

const [first, ...rest] = process.argv.slice(2);
if (first === 'thread' && isMainThread) {
  const thread = new Worker(new URL(import.meta.url), { argv: rest });
  // Its end is told; the process stays.
  process.once('SIGUSR2', () => void thread.terminate().then(() => process.stdout.write('ended\n')));
  setInterval(() => {}, 1_000);
} else {
  const [dist, options, count] = first === 'thread' ? rest : [first, ...rest];
  const require = createRequire(dist);
  const { encodedEvent } = require('./core/tracker/encode.js');
  const { DiskEventStore } = require('./disk/index.js');
  const ids = [];
  let store;
  const put = (events) => {
    try {
      if (!store.put(events)) return 'full';
      ids.push(...events.map(({ eventId }) => eventId));
      return 'put';
    } catch (error) {
      return String(error.code ?? error.message);
    }
  };
  const answers = {};
  try {
    store = new DiskEventStore(JSON.parse(options));
    for (let index = 0; index < Number(count); index++) {
      const eventId = randomUUID();
      const json = JSON.stringify({ e: 'pv', p: 'srv', tv: 'test', page: 'x'.repeat(900), eid: eventId });
      const answer = put([encodedEvent(json, eventId, false)]);
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
    process.stdout.write(`${JSON.stringify({ ids, answers })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: `${error.name}: ${error.message}` })}\n`);
  }
  setInterval(() => {}, 1_000);
}
