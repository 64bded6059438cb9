// The collector answers, but not as one would wish.
import type { Socket } from 'node:net';
import type { Inside } from '../harness/inside';
import { type Scenario, scenario, type Stage } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';
import { refusingTheFirstBatch } from './refused-event';

const quick = { threadCount: 1, maxRetryDelayMs: 50 };

/** Keeps an eye on the connections that the app makes. */
const weighing = (inside: Inside): void => {
  const { Socket } = inside.require('node:net') as typeof import('node:net');
  const sockets = new Set<Socket>();
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function (this: Socket, ...args: never[]) {
    sockets.add(this);
    return connect.apply(this, args as never);
  } as never;
  Object.assign(inside, { sockets });
};
/** What the one that read most has read. */
const heaviest = (inside: Inside): number => {
  const { sockets } = inside as unknown as { sockets: Set<Socket> };
  return Math.max(...[...sockets].map(({ bytesRead }) => bytesRead));
};

/** Tracks a stream of events and waits until all that is not dropped has arrived. */
async function deliver(
  stage: Stage,
  {
    events,
    perSecond = 20_000,
    script,
    emitter = quick,
    mixed = false,
    setup,
  }: {
    events: number;
    perSecond?: number;
    script: Parameters<Stage['collector']>[0];
    emitter?: object;
    mixed?: boolean;
    setup?: (inside: Inside) => void;
  },
) {
  const collector = await stage.collector(script);
  const app = await stage.app({
    mixed,
    ...(setup && { setup }),
    tracker: {
      endpoint: collector.url,
      emitter: { bufferCapacity: 100_000, bufferCapacityBytes: 2 ** 26, ...emitter },
    },
  });
  const order = { events, perSecond };
  const { accepted } = await app.run(({ stream }, args) => stream(args.events, args.perSecond), order);
  must('all are accepted', accepted === events, { accepted, events });
  await app.run(({ tracker }) => tracker.flush({ timeoutMs: 0 }));
  await until(
    'none is waiting',
    () => app.run(({ tracker }) => tracker.stats().emitters.every(({ waiting, inFlight }) => waiting + inFlight === 0)),
    90_000,
  );
  await app.run(({ tracker }) => tracker.close());
  return { collector, app, figures: { ...stage.verdict(), requests: collector.requests.length } };
}

export const answers: Scenario[] = [
  ...(
    [
      ['a third', 0.3, 4_000],
      ['nine of ten', 0.9, 2_000],
    ] as const
  ).map(([what, share, few]) =>
    scenario(
      5,
      `a collector that answers ${what} of its requests with 5xx gets every event once`,
      { small: { events: few }, full: { events: 50_000 } },
      async (stage, { events }) => {
        let failed = 0;
        const { figures } = await deliver(stage, {
          events,
          mixed: true,
          script: () => {
            if (stage.random() > share) return {};
            failed++;
            return { status: [500, 502, 503, 504][Math.floor(stage.random() * 4)] as number };
          },
        });
        must('nothing arrives twice', figures.duplicates === 0, figures);
        must('nothing is dropped', figures.dropped === 0, figures);
        return { ...figures, failed };
      },
    ),
  ),

  scenario(
    5,
    'events sent one by one fare one by one: each gets there once, whatever becomes of its neighbours',
    { small: { events: 300 }, full: { events: 10_000 } },
    async (stage, { events }) => {
      const seen = new Set<string | undefined>();
      const { figures } = await deliver(stage, {
        events,
        mixed: true,
        emitter: { ...quick, method: 'get', batchSize: 10 },
        script: ({ events: [event] }) => {
          const isFirst = !seen.has(event?.['eid']);
          seen.add(event?.['eid']);
          return isFirst && stage.random() < 0.3 ? { status: 503 } : {};
        },
      });
      must('nothing arrives twice', figures.duplicates === 0, figures);
      return figures;
    },
  ),

  ...[429, 503].map((status) =>
    scenario(
      6,
      `${status} with Retry-After is obeyed to the second while events keep coming`,
      { small: { seconds: 2 }, full: { seconds: 30 }, seconds: 40 },
      async (stage, { seconds }) => {
        const collector = await stage.collector((_request, index) =>
          index === 0 ? { status, headers: { 'retry-after': String(seconds) } } : {},
        );
        const app = await stage.app({ tracker: { endpoint: collector.url } });
        const order = { events: (seconds + 3) * 100 };
        await app.run(({ stream }, { events }) => stream(events, 100), order);
        await app.run(({ tracker }) => tracker.close());
        const [first, second] = collector.requests;
        const waitedMs = Math.round((second?.at ?? 0) - (first?.at ?? 0));
        const figures = { ...stage.verdict(), waitedMs, requests: collector.requests.length };
        must('it waits as long as it was told', waitedMs >= seconds * 1000 - 5, figures);
        must('it comes back when the time is over', waitedMs <= seconds * 1000 + 3_000, figures);
        must('nothing arrives twice', figures.duplicates === 0, figures);
        return figures;
      },
    ),
  ),

  ...[
    ['a past date', () => new Date(Date.now() - 60_000).toUTCString()],
    ['a negative number', () => '-1'],
    ['a word', () => 'abc'],
    ['a number of many digits and a letter', () => `${'9'.repeat(40)}x`],
    ['nothing', () => ''],
  ].map(([what, value]) =>
    scenario(
      7,
      `${what as string} as Retry-After leaves the own backoff as it is`,
      { small: { failures: 3 }, full: { failures: 6 } },
      async (stage, { failures }) => {
        const collector = await stage.collector((_request, index) =>
          index < failures ? { status: 503, headers: { 'retry-after': (value as () => string)() } } : {},
        );
        const app = await stage.app({ tracker: { endpoint: collector.url, emitter: { maxRetryDelayMs: 400 } } });
        await app.run(({ track }) => track(20));
        await until('all have arrived', () => collector.count === 20);
        // What follows an attempt that failed; what was set aside follows one that went well at once.
        const gaps = collector.requests
          .slice(1, failures + 1)
          .map(({ at }, index) => at - (collector.requests[index]?.at ?? 0));
        const figures = { ...stage.verdict(), shortestGapMs: Math.floor(Math.min(...gaps)) };
        must('no attempt follows one that failed within the shortest backoff', figures.shortestGapMs >= 99, figures);
        must('nothing arrives twice', figures.duplicates === 0, figures);
        return figures;
      },
    ),
  ),

  scenario(
    7,
    'a Retry-After of years counts as five minutes, and does not keep a close waiting',
    { small: {}, full: {} },
    async (stage) => {
      const collector = await stage.collector(() => ({ status: 503, headers: { 'retry-after': '1000000000' } }));
      const app = await stage.app({ tracker: { endpoint: collector.url } });
      await app.run(({ track }) => track(20));
      await until('the collector has answered', () => collector.requests.length > 0);
      const closed = await app.run(async ({ tracker }) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        const started = performance.now();
        return { report: await tracker.close(), ms: Math.round(performance.now() - started) };
      });
      const figures = { ...stage.verdict(), closeMs: closed.ms, requests: collector.requests.length };
      must('the collector is left alone', collector.requests.length === 1, figures);
      must('what is left is reported', figures.dropped === 20 && closed.report.failed === 20, { figures, closed });
      return figures;
    },
  ),

  scenario(
    8,
    '413 halves a batch until it fits; an event too large by itself is dropped, its neighbours pass',
    { small: { events: 500 }, full: { events: 10_000 } },
    async (stage, { events }) => {
      let refused = 0;
      const collector = await stage.collector(({ body, events: { length } }) => {
        if (length <= 10 && !body.includes('giant')) return {};
        refused++;
        return { status: 413 };
      });
      const app = await stage.app({
        tracker: { endpoint: collector.url, emitter: { ...quick, bufferCapacity: 100_000 } },
      });
      await app.run(({ track }, count) => track(count), events / 2);
      await app.run(({ track }) => track(1, 'giant'.repeat(800)));
      await app.run(({ track }, count) => track(count), events / 2);
      await until('all but one have arrived', () => collector.count === events);
      await app.run(({ tracker }) => tracker.close());
      const figures = { ...stage.verdict(), requests: collector.requests.length, refused };
      must('nothing arrives twice', figures.duplicates === 0, figures);
      must('the one that can never fit is dropped with its reason', figures.dropped === 1, figures);
      must('as too large', [...stage.journal().dropped.values()].join() === 'too-large', figures);
      return figures;
    },
  ),

  ...[400, 401, 403, 410, 422].map((status) =>
    scenario(
      9,
      `${status} drops what it refuses once, with a report, and leaves the next batch alone`,
      { small: {}, full: {} },
      async (stage) => {
        const { collector, figures } = await deliver(stage, {
          events: 30,
          perSecond: 1_000,
          script: refusingTheFirstBatch({ status }),
        });
        const first = collector.requests[0]?.events.length;
        must('the first batch is dropped', figures.dropped === first && first > 0, figures);
        must('the rest arrives', figures.received === 30 - figures.dropped, figures);
        must('as rejected', [...new Set(stage.journal().dropped.values())].join() === 'rejected', figures);
        return figures;
      },
    ),
  ),

  ...[301, 302, 303, 307, 308].map((status) =>
    scenario(
      10,
      `${status} keeps every event and never asks the page that it points to`,
      { small: { redirects: 3 }, full: { redirects: 10 } },
      async (stage, { redirects }) => {
        const elsewhere = await stage.collector();
        const { app, figures } = await deliver(stage, {
          events: 100,
          script: (_request, index) =>
            index < redirects ? { status, headers: { location: `${elsewhere.url}/login` } } : {},
        });
        must('nobody asks there', elsewhere.requests.length === 0, figures);
        must('nothing arrives twice', figures.duplicates === 0 && figures.received === 100, figures);
        must('one line tells of it', app.output.split('redirect').length === 2, app.output);
        return figures;
      },
    ),
  ),

  ...(['drip-body', 'flood'] as const).map((reply) =>
    scenario(
      11,
      `an answer that is a ${reply} counts by its status, once, and is cut off`,
      { small: { events: 1_000 }, full: { events: 20_000 } },
      async (stage, { events }) => {
        const { figures, app } = await deliver(stage, {
          events,
          emitter: { threadCount: 2, requestTimeoutMs: 1_000 },
          setup: weighing,
          script: (_request, index) => (index % 4 === 0 ? { reply } : {}),
        });
        const mostReadKb = Math.round((await app.run(heaviest)) / 1024);
        must('nothing arrives twice', figures.duplicates === 0, figures);
        must('no connection reads more of an answer than says something', mostReadKb < 256, { ...figures, mostReadKb });
        return { ...figures, mostReadKb };
      },
    ),
  ),

  scenario(
    12,
    'an answer whose headers come a byte at a time is cut off by the deadline, and the batch sent again',
    { small: { timeoutMs: 700 }, full: { timeoutMs: 10_000 } },
    async (stage, { timeoutMs }) => {
      const collector = await stage.collector((_request, index) => (index === 0 ? { reply: 'drip-headers' } : {}));
      const app = await stage.app({
        tracker: { endpoint: collector.url, emitter: { ...quick, requestTimeoutMs: timeoutMs } },
      });
      const cutMs = await app.run(async ({ track, tracker }) => {
        track(20);
        const started = performance.now();
        while (tracker.stats().emitters[0]?.retried === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        return Math.round(performance.now() - started);
      });
      await until('all have arrived', () => collector.count === 20);
      const figures = { ...stage.verdict(), cutMs };
      must('not before the deadline', cutMs >= timeoutMs - 5, figures);
      must('nothing arrives twice', figures.duplicates === 0, figures);
      return figures;
    },
  ),
];
