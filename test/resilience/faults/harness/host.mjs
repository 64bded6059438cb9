// The program that scenarios run in a process of its own: a real app with the packed package, under orders from its parent.
// What it accepted, what was dropped and what went wrong goes into a journal file, written synchronously: it outlives a kill.
import { openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import { runInThisContext } from 'node:vm';
import { makeApp } from './frameworks.mjs';
import { watchLoop } from './loop.mjs';

const config = JSON.parse(process.env['FAULTS_HOST']);
const require = createRequire(import.meta.url);
const journal = openSync(config.journal, 'a');
// A kill may have cut the last line of the process before.
writeSync(journal, '\n');
const note = (...line) => void writeSync(journal, `${JSON.stringify(line)}\n`);
process.on('unhandledRejection', (reason) => note('wrong', `unhandled rejection: ${reason?.stack ?? reason}`));
process.on('uncaughtException', (error) => {
  note('wrong', `uncaught exception: ${error?.stack ?? error}`);
  process.stderr.write(`${error?.stack ?? error}\n`);
});
process.on('warning', ({ name, message }) => note('wrong', `${name}: ${message}`));

const snowplow = require('snowplow-middleware');
const run = (code, ...args) => runInThisContext(`(${code})`)(...args);

const onDrop = ({ events, reason }) =>
  note(
    'dropped',
    reason,
    events.map(({ eid }) => eid),
  );

// An anonymous event says so of itself: the judge finds out whether it stayed so.
let tracked = 0;
const eventOf = (label) => {
  const anonymous = config.mixed === true && ++tracked % 5 === 0;
  const property = anonymous ? 'anonymous' : 'named';
  return snowplow.structEvent({ category: 'faults', action: 'track', label, property, anonymous });
};

/** What orders get to see. */
const inside = {
  require,
  config,
  note,
  snowplow,
  onDrop,
  /** Tracks `count` events and notes those that were accepted. */
  track(count, label = 'e', tracker = inside.tracker) {
    const ids = [];
    for (let index = 0; index < count; index++) {
      const id = tracker.track(eventOf(label));
      if (id) ids.push(id);
    }
    note('accepted', ids);
    return { accepted: ids.length, refused: count - ids.length };
  },
  /** Tracks so many events a second, in steps of 10 ms, until all are offered. */
  async stream(count, perSecond, label, loop) {
    const started = performance.now();
    const total = { accepted: 0, refused: 0 };
    for (let offered = 0; offered < count;) {
      const due = Math.min(count, Math.ceil(((performance.now() - started) * perSecond) / 1000));
      const some = () => inside.track(due - offered, label);
      const { accepted, refused } = loop ? loop.aside(some) : some();
      total.accepted += accepted;
      total.refused += refused;
      offered = due;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return total;
  },
  block(ms) {
    const end = performance.now() + ms;
    while (performance.now() < end);
  },
  memory() {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  },
  watchLoop,
  routes: new Map(),
  /** Declares what the app answers to a path. */
  route(path, handle) {
    inside.routes.set(path, (call) => {
      inside.tracker ??= call.tracker;
      return handle(call);
    });
  },
  makeApp: (framework, app) => makeApp(framework, { require, ...app }),
};

// The books must balance at every moment, not only in the end.
function checkBooks() {
  for (const { offered, accepted, recovered, refused, sent, dropped, waiting, inFlight } of inside.tracker?.stats()
    .emitters ?? []) {
    const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
    const books = { offered, accepted, recovered, refused, sent, dropped, waiting, inFlight };
    if (offered !== accepted + sum(refused)) note('wrong', `offered != accepted + refused: ${JSON.stringify(books)}`);
    if (accepted + recovered !== sent + sum(dropped) + waiting + inFlight)
      note('wrong', `accepted + recovered != sent + dropped + waiting + in flight: ${JSON.stringify(books)}`);
  }
}
setInterval(checkBooks, 10).unref();

const withDrops = ({ emitter, ...options }) => ({ ...options, emitter: { onDrop, ...emitter } });
if (config.tracker) inside.tracker = snowplow.createTracker(withDrops(config.tracker));
inside.options = inside.tracker
  ? { tracker: inside.tracker, ...config.middleware }
  : withDrops(config.middleware ?? {});
inside.route('/track', ({ tracker, query, send }) =>
  send(
    JSON.stringify(inside.track(Number(query.get('n') ?? 1), query.get('label') ?? 'e', tracker)),
    'application/json',
  ),
);

if (config.setup) await run(config.setup, inside, config.args);
if (config.framework) {
  const { framework, http2, hooks, unmounted } = config;
  const { routes, onError, options } = inside;
  Object.assign(
    inside,
    await inside.makeApp(framework, { http2, hooks, routes, onError, middleware: unmounted ? undefined : options }),
  );
  await new Promise((resolve) => inside.server.listen(0, '127.0.0.1', resolve));
}

async function obey({ order, code, args }) {
  try {
    const answer = await run(code, inside, args);
    checkBooks();
    process.send({ order, answer });
  } catch (error) {
    process.send({ order, failure: String(error?.stack ?? error) });
  }
}
if (config.attached) {
  process.on('message', (message) => void obey(message));
  process.send({ order: 0, answer: { port: inside.server?.address().port } });
}
