// The wall clock jumps.
import { type Scenario, scenario } from '../harness/scenario';
import type { Inside } from '../harness/inside';
import { until } from '../harness/wait';
import { must } from './expect';

const HOUR = 3_600_000;

// The package reads the time through Date.now alone; the monotonic clock stays what it is.
const setup = (inside: Inside): void => {
  const real = Date.now.bind(Date);
  const clock = inside as unknown as { ahead: number };
  clock.ahead = 0;
  Date.now = () => real() + clock.ahead;
};
const jump = (inside: Inside, ms: number): void => {
  (inside as unknown as { ahead: number }).ahead = ms;
};

export const clock: Scenario[] = [-HOUR, HOUR].flatMap((jumpMs) => {
  const where = jumpMs < 0 ? 'back' : 'ahead';
  return [
    scenario(
      29,
      `a clock set ${where} by an hour delays neither flush nor retry, and events carry the new time`,
      { small: {}, full: {} },
      async (stage) => {
        const collector = await stage.collector((_request, index) =>
          index === 1 ? { status: 503 } : index === 3 ? { status: 503, headers: { 'retry-after': '1' } } : {},
        );
        const app = await stage.app({
          tracker: { endpoint: collector.url, emitter: { flushIntervalMs: 200, maxRetryDelayMs: 400 } },
          setup,
        });
        await app.run(({ track }) => track(1, 'flush'));
        await app.run(jump, jumpMs);
        await until('the flush timer has sent', () => collector.count === 1, 3_000);
        for (const [arrived, label] of [
          [2, 'backoff'],
          [3, 'retry-after'],
        ] as const) {
          await app.run(jump, 0);
          const before = collector.requests.length;
          await app.run(({ track }, name) => track(1, name), label);
          await until('an attempt has failed', () => collector.requests.length === before + 1, 3_000);
          await app.run(
            ({ tracker }) =>
              new Promise((done) => {
                const look = (): void => (tracker.stats().emitters[0]?.retried ? done(0) : void setTimeout(look, 1));
                look();
              }),
          );
          await app.run(jump, jumpMs);
          await until(`${label}: the next has not`, () => collector.count === arrived, 3_000);
        }
        const now = Date.now();
        await app.run(({ track }) => track(1, 'time'));
        await until('the last has arrived', () => collector.count === 4, 3_000);
        const dtm = Number(collector.requests.at(-1)?.events[0]?.['dtm']);
        const figures = { ...stage.verdict(), requests: collector.requests.length };
        must('the event is as old as the clock says', Math.abs(dtm - now - jumpMs) < 10_000, { dtm, now });
        must('there is no storm of requests', figures.requests <= 7, figures);
        return figures;
      },
    ),

    scenario(
      29,
      `a clock set ${where} by an hour during a close leaves its deadline as it is`,
      { small: { timeoutMs: 800 }, full: { timeoutMs: 5_000 } },
      async (stage, { timeoutMs }) => {
        const collector = await stage.collector(() => ({ reply: 'hang' }));
        const app = await stage.app({ tracker: { endpoint: collector.url }, setup });
        await app.run(({ track }) => track(20));
        const closing = app.run(async ({ tracker }, ms) => {
          const started = performance.now();
          await tracker.close({ timeoutMs: ms });
          return Math.round(performance.now() - started);
        }, timeoutMs);
        await app.run(jump, jumpMs);
        const closedMs = await closing;
        const figures = { ...stage.verdict(), closedMs };
        must('neither sooner nor later', closedMs >= timeoutMs - 5 && closedMs < timeoutMs + 2_000, figures);
        return figures;
      },
    ),
  ];
});
