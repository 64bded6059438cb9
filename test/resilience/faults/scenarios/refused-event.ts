// A receiver takes every event but one and fails whenever that one comes: in whatever way it fails, the others arrive.
import { join } from 'node:path';
import type { AppSettings } from '../harness/app';
import type { Script, Turn } from '../harness/collector';
import { type Figures, type Scenario, scenario, type Stage } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

const REFUSED = 'refused';
const BEFORE = 123;
const EVENTS = 300;

const WAYS: ReadonlyMap<string, Turn> = new Map<string, Turn>([
  ...[400, 403, 406, 422, 429, 500, 503].map((status): [string, Turn] => [String(status), { status }]),
  ['reset', { reply: 'reset' }],
  ['hang', { reply: 'hang' }],
  ['unreadable', { reply: 'unreadable' }],
]);
// What tells that the receiver will never take the event.
const FINAL: ReadonlySet<string> = new Set(['400', '403', '422']);

const CARRIERS: Readonly<Record<string, (path: string) => AppSettings>> = {
  'a tracker': () => ({}),
  Express: () => ({ framework: 'express', middleware: { pageViews: false } }),
  'a durable store': (path) => ({ tracker: { durable: path } }),
};

/** Refuses the events of the first request, in whatever company they come again. */
export function refusingTheFirstBatch(turn: Turn): Script {
  const refused = new Set<string | undefined>();
  return ({ events }, index) => {
    if (index === 0) for (const { eid } of events) refused.add(eid);
    return events.some(({ eid }) => refused.has(eid)) ? turn : {};
  };
}

async function refuse(stage: Stage, carrier: string, way: string, emitter: object): Promise<number> {
  const collector = await stage.collector(({ events }) =>
    events.some(({ se_la: label }) => label === REFUSED) ? (WAYS.get(way) as Turn) : {},
  );
  const { tracker, ...settings } = (CARRIERS[carrier] as (path: string) => AppSettings)(join(stage.folder, way));
  const app = await stage.app({
    ...settings,
    tracker: { endpoint: collector.url, emitter: { logger: false, ...emitter }, ...tracker },
  });
  const track = async (count: number, label: string): Promise<void> => {
    if (settings.framework) await fetch(`${app.url}/track?n=${count}&label=${label}`);
    else await app.run(({ track: offer }, args) => offer(args.count, args.label), { count, label });
  };
  const started = performance.now();
  await track(BEFORE, 'before');
  await track(1, REFUSED);
  await track(EVENTS - BEFORE - 1, 'after');
  const innocent = EVENTS - 1;
  await until(`${way}: the others have arrived`, () => collector.count >= innocent, 60_000);
  const seconds = (performance.now() - started) / 1_000;
  must('nothing arrives twice', collector.duplicates === 0, { way, duplicates: collector.duplicates });
  const ended = (): Promise<boolean> =>
    app.run(({ tracker: own }) => {
      const { waiting = 0, inFlight = 0 } = own.stats().emitters[0] ?? {};
      return waiting + inFlight === 0;
    });
  if (FINAL.has(way)) await until(`${way}: the one is dropped`, ended);
  await app.run(({ tracker: own }) => own.close({ timeoutMs: 100 }));
  await app.discard();
  return Math.round(seconds * 10) / 10;
}

export const refusedEvent: Scenario[] = ['post', 'get'].flatMap((method) =>
  Object.keys(CARRIERS).map((carrier) =>
    scenario(
      49,
      `one refused event holds up none of the others: ${method}, through ${carrier}`,
      { small: { requestTimeoutMs: 5_000 }, full: {}, seconds: 60 },
      async (stage, limits) => {
        const seconds: Record<string, number> = {};
        const play = async (way: string): Promise<void> => {
          seconds[way] = await refuse(stage, carrier, way, { method, ...limits });
        };
        await Promise.all([...WAYS.keys()].map(play));
        const { dropped } = carrier === 'a durable store' ? { dropped: undefined } : stage.verdict();
        return { seconds, dropped } satisfies Figures;
      },
    ),
  ),
);
