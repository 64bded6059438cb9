// What the package holds: bounded under a burst, and nothing once it is closed.
import { type Framework, FRAMEWORKS } from '../harness/app';
import type { Handler, Inside } from '../harness/inside';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

/** Apps that serve one request each, or none; every other one has a tracker that it shares, the others one of their own. */
async function openAndClose(
  { snowplow, makeApp, note }: Inside,
  { framework, count, endpoint }: { framework: Framework; count: number; endpoint: string },
): Promise<void> {
  const shutdown = { signals: ['SIGTERM', 'SIGINT'] };
  const { get } = process.getBuiltinModule('node:http');
  const one = async (index: number): Promise<void> => {
    const shared = index % 2 === 0 ? snowplow.createTracker({ endpoint }) : undefined;
    const home: Handler = ({ tracker, send }) => {
      note('accepted', [tracker.track(snowplow.structEvent({ category: 'a', action: 'b' }))]);
      send('ok');
    };
    const { server, close } = await makeApp(framework, {
      middleware: shared ? { tracker: shared, shutdown } : { endpoint, shutdown },
      routes: new Map([['/', home]]),
      hooks: true,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    // Not fetch, whose agent on Node 20 keeps something of each origin for ever.
    if (index % 4 < 2)
      await new Promise((resolve, reject) => {
        const request = get({ host: '127.0.0.1', port, agent: false }, (answer) => answer.resume().on('end', resolve));
        request.on('error', reject);
      });
    await close();
    await shared?.close();
  };
  for (let done = 0; done < count; done += 5)
    await Promise.all(Array.from({ length: 5 }, (_, offset) => one(done + offset)));
}

async function whatIsLeft({
  memory: used,
}: Inside): Promise<Record<'heap' | 'handles' | 'listeners' | 'onSignal', number>> {
  // The emitters' idle connections close after four seconds, undici's own caches with them.
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  used();
  return {
    heap: used().heapUsed,
    handles: process.getActiveResourcesInfo().length,
    listeners: process.eventNames().reduce((total, name) => total + process.listenerCount(name), 0),
    onSignal: process.listenerCount('SIGTERM'),
  };
}

export const memory: Scenario[] = [
  scenario(
    30,
    'a burst far beyond the capacity is taken as far as there is room, the rest refused and counted',
    { small: { events: 100_000 }, full: { events: 100_000 }, alone: true },
    async (stage, { events }) => {
      const collector = await stage.collector(() => ({ delayMs: 20 }));
      const app = await stage.app({
        tracker: { endpoint: collector.url, logger: false, emitter: { onDrop: undefined } },
      });
      const before = await app.run(({ memory: used }) => used());
      const offered = await app.run(
        async ({ track, tracker, watchLoop }, count) => {
          const loop = watchLoop();
          const total = { accepted: 0, refused: 0, mostHeld: 0 };
          for (let done = 0; done < count; done += 100) {
            const { accepted, refused } = loop.aside(() => track(100));
            total.accepted += accepted;
            total.refused += refused;
            const { waiting = 0, inFlight = 0 } = tracker.stats().emitters[0] ?? {};
            total.mostHeld = Math.max(total.mostHeld, waiting + inFlight);
            await new Promise(setImmediate);
          }
          return { ...total, ...(await loop.stop()) };
        },
        events,
        120_000,
      );
      const after = await app.run(({ memory: used, tracker }) => ({ ...used(), stats: tracker.stats().emitters[0] }));
      await app.run(({ tracker }) => tracker.close({ timeoutMs: 30_000 }));
      const figures = {
        ...stage.verdict(),
        ...offered,
        grownMb: Math.round((after.rss - before.rss) / 2 ** 20),
      };
      must('every event is accepted or refused', offered.accepted + offered.refused === events, figures);
      must('no more is held than the capacity', offered.mostHeld <= 10_000, figures);
      must('the counts are the same inside', after.stats?.refused.full === offered.refused, {
        figures,
        stats: after.stats,
      });
      must(
        'all that was accepted arrives once',
        figures.received === offered.accepted && figures.duplicates === 0,
        figures,
      );
      must('memory stays within 64 MB', figures.grownMb <= 64, figures);
      return figures;
    },
  ),

  scenario(
    30,
    'a burst of large events is taken as far as there are bytes, also after some of them came back',
    { small: { rounds: 6 }, full: { rounds: 60 } },
    async (stage, { rounds }) => {
      const collector = await stage.collector(() => ({ status: 503 }));
      const capacity = 1024 * 1024;
      const app = await stage.app({
        tracker: {
          endpoint: collector.url,
          logger: false,
          emitter: { bufferCapacityBytes: capacity, maxRetryDelayMs: 100 },
        },
      });
      const large = async (label: string): Promise<number> =>
        (await app.run(({ track }, text) => track(300, text), label)).accepted;
      const label = 'x'.repeat(900);
      let accepted = await large(label);
      for (let round = 0; round < rounds; round++) {
        const { length } = collector.requests;
        await until('another batch came back', () => collector.requests.length > length);
        accepted += await large(label);
      }
      const { waitingBytes = 0, refused } = (await app.run(({ tracker }) => tracker.stats().emitters[0])) ?? {};
      collector.script = () => ({});
      await until('all that was accepted has arrived', async () => {
        await app.run(({ tracker }) => tracker.flush());
        return collector.count === accepted;
      });
      const figures = { ...stage.verdict(), waitingBytes, refused: refused?.full };
      must('some were refused', (refused?.full ?? 0) > 0, figures);
      must('no more than the capacity was held', accepted * label.length <= capacity, figures);
      must('there was room for most of it', waitingBytes > capacity / 2, figures);
      return figures;
    },
  ),

  scenario(
    30,
    'an emitter that has delivered many times its capacity has all of it free again',
    { small: { rounds: 20 }, full: { rounds: 500 } },
    async (stage, { rounds }) => {
      const collector = await stage.collector();
      const app = await stage.app({ tracker: { endpoint: collector.url, emitter: { bufferCapacity: 100 } } });
      for (let round = 0; round < rounds; round++) {
        const offered = await app.run(async ({ track, tracker }) => {
          const total = track(100);
          await tracker.flush();
          return total;
        });
        must('there is room for all', offered.accepted === 100, { round, offered });
      }
      const figures = stage.verdict();
      must('all arrive once', figures.received === rounds * 100 && figures.duplicates === 0, figures);
      return { ...figures };
    },
  ),

  ...FRAMEWORKS.map((framework) =>
    scenario(
      46,
      `${framework}: hundreds of apps, opened and closed in one process, leave no handle, no listener and no memory behind`,
      { small: { apps: 480 }, full: { apps: 1_000 }, seconds: 60 },
      async (stage, { apps }) => {
        const collector = await stage.collector();
        const app = await stage.app({});
        const live = (count: number) => app.run(openAndClose, { framework, count, endpoint: collector.url }, 600_000);
        const none = await app.run(() => process.listenerCount('SIGTERM'));
        await live(apps / 2);
        const before = await app.run(whatIsLeft);
        await live(apps / 2);
        const after = await app.run(whatIsLeft);
        const figures = {
          ...stage.verdict(),
          handles: after.handles - before.handles,
          listeners: after.listeners - before.listeners,
          heapPercent: Math.round(((after.heap - before.heap) / before.heap) * 1000) / 10,
        };
        must('every event has arrived', figures.received === apps / 2, figures);
        must(
          'no handle and no listener is left',
          figures.handles <= 0 && figures.listeners <= 0 && after.onSignal === none,
          { before, after },
        );
        must('the heap is back within two percent', figures.heapPercent <= 2, figures);
        return figures;
      },
    ),
  ),
];
