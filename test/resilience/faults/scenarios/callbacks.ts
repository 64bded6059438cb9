// What the user passes in fails: callbacks, loggers, emitters and stores that throw, reject, never settle or talk nonsense.
import type { EmitterStats } from '../../../../src';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';
import { refusingTheFirstBatch } from './refused-event';

const BEHAVIOURS = ['throws', 'rejects', 'hangs', 'answers nonsense'] as const;

/** The ways to fail, to be made inside the app. */
const failing = (how: string) => (): unknown => {
  if (how === 'throws') throw new Error('planted');
  if (how === 'rejects') return Promise.reject(new Error('planted'));
  if (how === 'hangs') return new Promise(() => {});
  return { then: 42, length: Number.NaN, size: 'many' };
};

// A 400, then all is well: what the callbacks tell of the first two events makes a third, and nobody is told of that.
const thatTrack = scenario(
  40,
  'callbacks that track are not called for what they have tracked',
  { small: {}, full: {} },
  async (stage) => {
    const collector = await stage.collector((_request, index) => (index === 0 ? { status: 400 } : {}));
    const app = await stage.app({
      args: { endpoint: collector.url },
      setup: (inside, { endpoint }: { endpoint: string }) => {
        const { snowplow, note, onDrop } = inside;
        const again = (name: string) => (): void => {
          note('called', name);
          inside.tracker.trackStructEvent({ category: 'meta', action: name });
        };
        const emitter = new snowplow.AsyncEmitter({
          endpoint,
          threadCount: 1,
          flushIntervalMs: 0,
          logger: false,
          onSuccess: again('onSuccess'),
          onFailure: again('onFailure'),
          onDrop: (info) => {
            onDrop(info);
            again('onDrop')();
          },
        });
        Object.assign(inside, { tracker: new snowplow.Tracker({ emitters: emitter, logger: false }) });
      },
    });
    await app.run(async ({ track, tracker }) => {
      track(1);
      await tracker.flush();
      track(1);
      // What is told after a flush goes out with the next.
      for (let flushes = 0; flushes < 4; flushes++) await tracker.flush();
    });
    const called = stage.journal().notes.map(([, name]) => String(name));
    const { accepted, sent } = await app.run(({ tracker }) => tracker.stats().emitters[0] as EmitterStats);
    const figures = { ...stage.verdict(), called: called.join(), accepted, sent };
    must('each is called once', called.toSorted().join() === 'onDrop,onFailure,onSuccess', figures);
    must('what they track is delivered', accepted === 5 && sent === 4, figures);
    return figures;
  },
);

export const callbacks: Scenario[] = BEHAVIOURS.flatMap((how) => [
  scenario(
    40,
    `callbacks and a logger of which each ${how} change nothing`,
    { small: { events: 200 }, full: { events: 20_000 } },
    async (stage, { events }) => {
      // A failure, a rejection, then all is well: every callback is called.
      const reject = refusingTheFirstBatch({ status: 400 });
      const collector = await stage.collector((request, index) => {
        const turn = reject(request, index);
        return index === 0 ? { status: 503 } : turn;
      });
      const app = await stage.app({
        args: { endpoint: collector.url, how, failing: failing.toString() },
        setup: (inside, args: { endpoint: string; how: string; failing: string }) => {
          const { snowplow, onDrop, require, note } = inside;
          const vm = require('node:vm') as typeof import('node:vm');
          const fail = (vm.runInThisContext(`(${args.failing})`) as typeof failing)(args.how);
          const failAs = (name: string) => (): void => {
            note('called', name);
            return fail() as void;
          };
          const logger = { debug: failAs('log'), info: failAs('log'), warn: failAs('log'), error: failAs('log') };
          const emitter = new snowplow.AsyncEmitter({
            endpoint: args.endpoint,
            threadCount: 1,
            maxRetryDelayMs: 50,
            bufferCapacity: 50_000,
            onSuccess: failAs('onSuccess'),
            onFailure: failAs('onFailure'),
            onDrop: (info) => {
              onDrop(info);
              return failAs('onDrop')();
            },
            logger,
          });
          const tracker = new snowplow.Tracker({
            emitters: emitter,
            onDrop: failAs('tracker onDrop'),
            contracts: 'log',
            logger,
          });
          Object.assign(inside, { tracker });
        },
      });
      await app.run(({ track }) => track(20));
      await until('the collector has rejected them', () => stage.journal().dropped.size === 20);
      const offered = await app.run(({ stream }, count) => stream(count, 10_000), events);
      await app.run(({ tracker }) => {
        tracker.trackStructEvent({ category: '', action: '' });
        return tracker.flush();
      });
      const closed = await app.run(async ({ tracker, track }) => {
        await tracker.flush();
        const report = await tracker.close({ timeoutMs: 1_000 });
        track(1);
        return report;
      });
      await app.run(() => new Promise((resolve) => setTimeout(resolve, 20)));
      const called = new Set(stage.journal().notes.map(([, name]) => String(name)));
      const figures = { ...stage.verdict(), called: [...called].join() };
      must('all is delivered or reported', figures.received + figures.dropped === offered.accepted + 20, {
        figures,
        closed,
      });
      must('every callback was called', called.size === 5, figures);
      return figures;
    },
  ),

  scenario(
    41,
    `an emitter that ${how} harms neither the caller nor the emitter beside it, and no close waits for it`,
    { small: { events: 200 }, full: { events: 20_000 } },
    async (stage, { events }) => {
      const collector = await stage.collector();
      const app = await stage.app({
        args: { endpoint: collector.url, how, failing: failing.toString() },
        setup: (inside, args: { endpoint: string; how: string; failing: string }) => {
          const { snowplow, onDrop, require } = inside;
          const vm = require('node:vm') as typeof import('node:vm');
          const fail = (vm.runInThisContext(`(${args.failing})`) as typeof failing)(args.how);
          const bad = { input: fail, flush: fail, close: fail } as never;
          const good = new snowplow.AsyncEmitter({ endpoint: args.endpoint, bufferCapacity: 50_000, onDrop });
          const tracker = new snowplow.Tracker({ emitters: [bad, good, bad], logger: false });
          Object.assign(inside, { tracker });
        },
      });
      const offered = await app.run(({ stream }, count) => stream(count, 10_000), events);
      const ended = await app.run(async ({ tracker }) => {
        const started = performance.now();
        await tracker.flush({ timeoutMs: 300 });
        await tracker.close({ timeoutMs: 300 });
        return { ms: Math.round(performance.now() - started) };
      });
      const figures = { ...stage.verdict(), ...ended };
      must('the good one gets all', figures.received === events && offered.accepted === events, { figures, offered });
      must('flush and close are bounded', ended.ms < 3_000, figures);
      return figures;
    },
  ),

  ...(['put', 'take', 'ack', 'nack', 'close'] as const).map((broken) =>
    scenario(
      41,
      `a store whose ${broken} ${how} harms nobody but its own events, and no close waits for it`,
      { small: {}, full: {} },
      async (stage) => {
        const collector = await stage.collector((_request, index) => (index % 2 === 0 ? { status: 503 } : {}));
        const app = await stage.app({
          args: { endpoint: collector.url, how, broken, failing: failing.toString() },
          setup: (inside, args: { endpoint: string; how: string; broken: string; failing: string }) => {
            const { snowplow, onDrop, require } = inside;
            const vm = require('node:vm') as typeof import('node:vm');
            const fail = (vm.runInThisContext(`(${args.failing})`) as typeof failing)(args.how);
            const real = new snowplow.MemoryEventStore();
            const part = <T>(name: string, whole: T): T => (name === args.broken ? (fail as T) : whole);
            const store = {
              get size() {
                return real.size;
              },
              get bytes() {
                return real.bytes;
              },
              // A put that does so from the start is a ConfigError.
              put: (events: Parameters<typeof real.put>[0]) =>
                events.length === 0 ? true : part('put', real.put.bind(real))(events),
              take: part('take', (cut: Parameters<typeof real.take>[0]) => {
                const lease = real.take(cut);
                return lease && { events: lease.events, ack: part('ack', lease.ack), nack: part('nack', lease.nack) };
              }),
              close: part('close', () => {}),
            };
            const options = { endpoint: args.endpoint, maxRetryDelayMs: 20, onDrop, logger: false } as const;
            const tracker = new snowplow.Tracker({
              emitters: [
                new snowplow.AsyncEmitter({ ...options, eventStore: store as never }),
                new snowplow.AsyncEmitter(options),
              ],
              logger: false,
            });
            Object.assign(inside, { trackerWithBadStore: tracker });
          },
        });
        const ended = await app.run(async (inside) => {
          const { track } = inside;
          const { trackerWithBadStore: tracker } = inside as never as { trackerWithBadStore: typeof inside.tracker };
          const offered = track(100, 'x', tracker);
          const started = performance.now();
          await tracker.flush({ timeoutMs: 300 });
          tracker.stats();
          tracker.health();
          await tracker.flush({ timeoutMs: 300 });
          await tracker.close({ timeoutMs: 500 });
          return { ...offered, ms: Math.round(performance.now() - started) };
        });
        const figures = { ...stage.verdict(), ...ended };
        must('the event is accepted all the same', ended.accepted === 100, figures);
        must('flush and close are bounded', ended.ms < 3_000, figures);
        must('the good one delivers all', figures.received === 100, figures);
        return figures;
      },
    ),
  ),
]).concat(thatTrack);
