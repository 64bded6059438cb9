// The collector is away, or fails in the middle of a request.
import { setTimeout as sleep } from 'node:timers/promises';
import { scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

const MAX_BATCH = 250;

export const outages = [
  scenario(
    1,
    'a collector that refuses connections and comes back gets every event once, and is hardly asked meanwhile',
    {
      small: { events: 2_000, downMs: 3_000, maxRetryDelayMs: 1_000 },
      full: { events: 5_000, downMs: 60_000, maxRetryDelayMs: 30_000 },
      seconds: 100,
    },
    async (stage, { events, downMs, maxRetryDelayMs }) => {
      const collector = await stage.collector();
      await collector.down();
      const app = await stage.app({
        tracker: { endpoint: collector.url, emitter: { maxRetryDelayMs } },
        args: maxRetryDelayMs,
        setup: ({ tracker, note, require }) => {
          const { Socket } = require('node:net') as typeof import('node:net');
          const { connect } = Socket.prototype;
          Socket.prototype.connect = function (this: unknown, ...args: never[]) {
            note('connect');
            return connect.apply(this as never, args as never);
          } as never;
          return tracker.stats();
        },
      });
      const offered = await app.run(({ stream }, count) => stream(count, 5_000), events);
      await sleep(downMs);
      const tries = stage.journal().notes.filter(([kind]) => kind === 'connect').length;
      await collector.up();
      const upAt = performance.now();
      await until('all have arrived', () => collector.count === offered.accepted, maxRetryDelayMs + 10_000);
      const figures = { ...stage.verdict(), tries, drainedMs: Math.round(performance.now() - upAt) };
      must('nothing arrives twice', figures.duplicates === 0, figures);
      must('a collector that is down is tried at most 15 times', tries <= 15, figures);
      return figures;
    },
  ),

  scenario(
    2,
    'a connection reset before the answer loses nothing, and repeats at most the batch that was out',
    { small: { events: 3_000, resets: 4 }, full: { events: 50_000, resets: 40 } },
    async (stage, { events, resets }) => {
      let done = 0;
      // Every other request dies with its bytes read; the collector may have had them or not.
      const collector = await stage.collector((_request, index) =>
        index % 2 === 1 && done < resets ? { reply: 'reset', take: stage.random() < 0.5 && ++done > 0 } : {},
      );
      const app = await stage.app({
        tracker: {
          endpoint: collector.url,
          emitter: { threadCount: 1, maxRetryDelayMs: 50, bufferCapacity: events, bufferCapacityBytes: 2 ** 26 },
        },
      });
      const { accepted } = await app.run(({ stream }, count) => stream(count, 20_000), events);
      await until('all have arrived', () => collector.count === accepted);
      await app.run(({ tracker }) => tracker.close());
      const figures = { ...stage.verdict(), resets: done };
      must('all are accepted', accepted === events, figures);
      must('at most one batch is repeated for each reset', figures.duplicates <= MAX_BATCH * done, figures);
      return figures;
    },
  ),

  scenario(
    3,
    'a collector that takes a batch and then resets gets exactly that batch again, with the same ids',
    { small: { events: 3_000, resets: 3 }, full: { events: 50_000, resets: 30 } },
    async (stage, { events, resets }) => {
      let repeated = 0;
      let done = 0;
      const collector = await stage.collector((request, index) => {
        if (index % 3 !== 1 || done >= resets) return {};
        done++;
        repeated += request.events.length;
        return { reply: 'reset', take: true };
      });
      const app = await stage.app({
        tracker: {
          endpoint: collector.url,
          emitter: { threadCount: 1, maxRetryDelayMs: 50, bufferCapacity: events, bufferCapacityBytes: 2 ** 26 },
        },
      });
      const { accepted } = await app.run(({ stream }, count) => stream(count, 20_000), events);
      await app.run(({ tracker }) => tracker.flush());
      await until('all have arrived', () => collector.count === accepted);
      await app.run(({ tracker }) => tracker.close());
      const figures = { ...stage.verdict(), resets: done, repeated };
      must('every reset was made', done === resets, figures);
      must('no more is repeated than was cut off', figures.duplicates === repeated, figures);
      return figures;
    },
  ),

  scenario(
    4,
    'a collector that never answers costs a bounded memory, a bounded number of requests, and no event in silence',
    { small: { events: 30_000 }, full: { events: 100_000 }, alone: true },
    async (stage, { events }) => {
      const collector = await stage.collector(() => ({ reply: 'hang' }));
      const app = await stage.app({ tracker: { endpoint: collector.url, logger: false } });
      const before = await app.run(({ memory }) => memory());
      const offered = await app.run(
        async ({ stream, watchLoop }, count) => {
          const loop = watchLoop();
          const total = await stream(count, 10_000, 'e', loop);
          return { ...total, ...(await loop.stop()) };
        },
        events,
        120_000,
      );
      const { rss, stats } = await app.run(({ memory, tracker }) => ({
        ...memory(),
        stats: tracker.stats().emitters[0],
      }));
      const grownMb = Math.round((rss - before.rss) / 2 ** 20);
      await app.run(({ tracker }) => tracker.close({ timeoutMs: 500 }));
      const figures = { ...stage.verdict(), ...offered, grownMb, openRequests: collector.mostOpen };
      must('no more requests are open than the emitter may make', collector.mostOpen <= 8, figures);
      must('every event is accepted or refused', offered.accepted + offered.refused === events, figures);
      must('the count of refusals is exact', stats?.refused.full === offered.refused, { figures, stats });
      must('memory stays within 64 MB', grownMb <= 64, figures);
      must('what is left is reported when it closes', figures.dropped === offered.accepted, figures);
      return figures;
    },
  ),

  scenario(
    14,
    'a name that does not resolve, then does, then moves, costs no event',
    { small: { moves: false }, full: { moves: true }, seconds: 80 },
    async (stage, { moves }) => {
      const first = await stage.collector(undefined, { host: '127.0.0.1' });
      const second = await stage.collector(undefined, { host: '127.0.0.2', port: first.port });
      const app = await stage.app({
        tracker: { endpoint: `http://collector.test:${first.port}`, emitter: { maxRetryDelayMs: 200 } },
        setup: (inside) => {
          const dns = inside.require('node:dns') as typeof import('node:dns');
          const resolve = inside as unknown as { address: string };
          resolve.address = 'ENOTFOUND';
          dns.lookup = ((
            name: string,
            options: { all?: boolean },
            done: (error: unknown, found?: unknown, family?: number) => void,
          ) => {
            const { address } = resolve;
            if (!address.includes('.'))
              return done(Object.assign(new Error(`getaddrinfo ${address} ${name}`), { code: address }));
            if (options.all) return done(null, [{ address, family: 4 }]);
            return done(null, address, 4);
          }) as never;
        },
      });
      const names = (address: string): Promise<unknown> =>
        app.run((inside, to) => Object.assign(inside, { address: to }), address).then(() => undefined);
      const track = (): Promise<unknown> => app.run(({ track: some }) => some(50));
      await track();
      await app.run(({ tracker }) => tracker.flush());
      await names('EAI_AGAIN');
      await track();
      await app.run(({ tracker }) => tracker.flush());
      await names('127.0.0.1');
      await until('the first address has all', () => first.count === 100);
      await names('127.0.0.2');
      if (!moves) await first.down();
      const movedAt = performance.now();
      await until(
        'the second address is used',
        async () => {
          await app.run(({ track: some }) => some(1));
          await app.run(({ tracker }) => tracker.flush());
          return second.count > 0;
        },
        75_000,
      );
      const movedMs = Math.round(performance.now() - movedAt);
      await app.run(({ tracker }) => tracker.close());
      const figures = { ...stage.verdict(), movedMs };
      must('nothing arrives twice', figures.duplicates === 0, figures);
      return figures;
    },
  ),
];
