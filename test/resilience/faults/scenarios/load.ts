// An app under load: what the collector's state costs its visitors, and what hours of changing faults leave behind.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../harness/app';
import type { Turn } from '../harness/collector';
import { type Scenario, scenario, type Stage } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

interface Load {
  /** Requests answered. */
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** So many requests a second, evenly, over connections that are kept; answers how long they took. */
async function drive(app: App, path: string, perSecond: number, ms: number): Promise<Load> {
  // A connection that the server gives up just as it is used again would be a fault of nobody's.
  await app.run(({ server }) => void (server.keepAliveTimeout = 0));
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const took: number[] = [];
  const open = new Set<Promise<void>>();
  const started = performance.now();
  for (let sent = 0; performance.now() - started < ms;) {
    const due = Math.floor(((performance.now() - started) * perSecond) / 1000);
    for (; sent < due; sent++) {
      const at = performance.now();
      const one = new Promise<void>((resolve, reject) => {
        get(app.url + path, { agent }, (answer) => answer.resume().once('end', resolve)).once('error', reject);
      }).then(() => {
        took.push(performance.now() - at);
        open.delete(one);
      });
      open.add(one);
    }
    await sleep(2);
  }
  await Promise.all(open);
  agent.destroy();
  took.sort((a, b) => a - b);
  const at = (share: number): number => Math.round((took[Math.floor(took.length * share)] ?? 0) * 100) / 100;
  return { requests: took.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

const median = (values: readonly number[]): number =>
  Math.round((values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0) * 100) / 100;

/** Kilobytes an hour, by a line through the points (least squares). */
function slope(points: readonly (readonly [hours: number, kb: number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;
  const [x, y] = [mean(points.map(([hours]) => hours)), mean(points.map(([, kb]) => kb))];
  const up = points.reduce((total, [hours, kb]) => total + (hours - x) * (kb - y), 0);
  return Math.round(up / points.reduce((total, [hours]) => total + (hours - x) ** 2, 0));
}

const FAULTS: readonly ((stage: Stage) => Turn)[] = [
  () => ({}),
  () => ({ reply: 'reset' }),
  () => ({ reply: 'reset', take: true }),
  (stage) => (stage.random() < 0.3 ? { status: 503 } : {}),
  (stage) => (stage.random() < 0.1 ? { status: 429, headers: { 'retry-after': '1' } } : {}),
  () => ({ status: 301, headers: { location: 'http://127.0.0.1:9/' } }),
  () => ({ reply: 'drip-body' }),
  () => ({ reply: 'flood' }),
  () => ({ delayMs: 200 }),
  () => ({ close: true }),
  () => ({ reply: 'hang' }),
];

export const load: Scenario[] = [
  scenario(
    48,
    'visitors of an app whose collector hangs are served as those of one whose collector is well',
    {
      small: { perSecond: 200, ms: 300, rounds: 3 },
      full: { perSecond: 500, ms: 4_000, rounds: 5 },
      alone: true,
    },
    async (stage, { perSecond, ms, rounds }) => {
      const nothing = JSON.stringify({ accepted: 3, refused: 0 });
      const start = async (reply: 'answer' | 'hang'): Promise<App> => {
        const collector = await stage.collector(() => ({ reply }));
        return stage.app({
          framework: 'express',
          tracker: { endpoint: collector.url, logger: false },
          args: nothing,
          setup: ({ route }, body: string) => route('/nothing', ({ send }) => send(body, 'application/json')),
        });
      };
      const [well, hung] = [await start('answer'), await start('hang')];
      const ways = [
        ['untracked', well, '/nothing'],
        ['well', well, '/track?n=3'],
        ['hung', hung, '/track?n=3'],
      ] as const;
      const p99s: Record<(typeof ways)[number][0], number[]> = { untracked: [], well: [], hung: [] };
      let requests = 0;
      // The first round is for warming up.
      for (let round = 0; round <= rounds; round++)
        for (const [mode, app, path] of ways) {
          const load = await drive(app, path, perSecond, ms);
          requests += load.requests;
          if (round > 0) p99s[mode].push(load.p99Ms);
        }
      for (const [app, timeoutMs] of [
        [well, 5_000],
        [hung, 100],
      ] as const)
        await app.run(({ tracker }, time) => tracker.close({ timeoutMs: time }), timeoutMs);
      const added = p99s.hung.map((p99Ms, round) => p99Ms - (p99s.well[round] as number));
      const figures = {
        ...stage.verdict(),
        requests,
        untrackedP99Ms: median(p99s.untracked),
        wellP99Ms: median(p99s.well),
        hungP99Ms: median(p99s.hung),
        addedP99Ms: median(added),
      };
      must(
        'there is no mode without an answer',
        Object.values(p99s).every((all) => all.every((p99Ms) => p99Ms > 0)),
        p99s,
      );
      return figures;
    },
  ),

  scenario(
    47,
    'an app whose collector fails in one way after another loses nothing, and grows by nothing',
    {
      small: { perSecond: 100, ms: 6_000, each: 300 },
      full: { perSecond: 500, ms: 7_200_000, each: 5_000 },
    },
    async (stage, { perSecond, ms, each }) => {
      let fault = FAULTS[0] as (typeof FAULTS)[number];
      const collector = await stage.collector(() => fault(stage));
      const app = await stage.app({
        framework: 'express',
        tracker: { endpoint: collector.url, logger: false, emitter: { maxRetryDelayMs: 500, requestTimeoutMs: 1_000 } },
      });
      const wholeMs = Math.min(ms, stage.budgetMs);
      const points: [number, number][] = [];
      const started = performance.now();
      const change = setInterval(() => {
        fault = FAULTS[Math.floor(stage.random() * FAULTS.length)] as typeof fault;
        void app
          .run(({ memory }) => memory())
          .then(({ heapUsed }) => points.push([(performance.now() - started) / 3.6e6, heapUsed / 1024]));
      }, each);
      const { requests, p99Ms } = await drive(app, '/track?n=2', perSecond, wholeMs);
      clearInterval(change);
      fault = FAULTS[0] as typeof fault;
      await app.run(({ tracker }) => tracker.flush());
      await until('nothing waits', () =>
        app.run(({ tracker }) => tracker.stats().emitters.every(({ waiting, inFlight }) => waiting + inFlight === 0)),
      );
      const handles = await app.run(() => process.getActiveResourcesInfo().length);
      await app.run(({ tracker }) => tracker.close());
      // The first third is for warming up; a line through a few seconds would say nothing.
      const heapSlopeKbPerHour = points.length < 60 ? 'too short' : slope(points.slice(Math.floor(points.length / 3)));
      return { ...stage.verdict(), seconds: Math.round(wholeMs / 1_000), requests, p99Ms, handles, heapSlopeKbPerHour };
    },
  ),
];
