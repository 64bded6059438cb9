// Many visitors at once: whatever an app does between a request and an event, the event carries its own visitor.
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import type { AppSettings } from '../harness/app';
import type { ScriptedCollector } from '../harness/collector';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

const duid = (visitor: string): string => `00000000-0000-4000-8000-${visitor.padStart(12, '0')}`;
const ip = (visitor: number): string => `10.1.${visitor >> 8}.${visitor & 255}`;
const headersOf = (visitor: number): Record<string, string> => ({
  host: 'shop.test',
  'user-agent': `agent-${visitor}`,
  'x-forwarded-for': ip(visitor),
  'x-user': `user-${visitor}`,
  cookie: `_sp_id.1fff=${duid(String(visitor))}.1700000000.3.1700000100.1699990000.b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22`,
});

// Twice ten events for each request: by the tracker in hand, and by the one of the running context.
const HANDOFFS = 10;

const shop = (express: 'express' | 'express4', endpoint: string): AppSettings => ({
  framework: express,
  unmounted: true,
  tracker: { endpoint, emitter: { bufferCapacity: 100_000 } },
  setup: (inside) => {
    const { app, middleware, tracker, snowplow, note, require } = inside;
    const { EventEmitter } = require('node:events') as typeof import('node:events');
    const { Worker } = require('node:worker_threads') as typeof import('node:worker_threads');
    app.set('trust proxy', 'loopback');
    app.use(middleware({ tracker, subject: (req, subject) => void subject.setUserId(req.get('x-user')) }));

    // Shared by all requests, as an app's own things are.
    const bus = new EventEmitter().setMaxListeners(0);
    const pool: (() => void)[] = [];
    const echo = new Worker(
      `require('worker_threads').parentPort.on('message', function (m) { this.postMessage(m); })`,
      { eval: true },
    );
    const asked = new Map<string, () => void>();
    echo.on('message', (id: string) => asked.get(id)?.()).unref();
    setInterval(() => pool.splice(0).map((use) => use()), 1).unref();

    app.all('/handoffs/:visitor', async (req, res) => {
      const visitor = String(req.params.visitor);
      const { tracker: own } = req;
      const emit = (category: string): void => {
        const tell = (by: string, to: typeof own | undefined): void => {
          const id = to?.track(snowplow.structEvent({ category, action: by, label: visitor }));
          if (id) note('accepted', [id]);
        };
        tell('own', own);
        tell('current', snowplow.currentTracker() as typeof own | undefined);
      };
      req.on('data', () => {}).on('end', () => emit('stream end'));
      res.on('finish', () => emit('finish')).on('close', () => emit('close'));
      bus.once(`go ${visitor}`, () => emit('event emitter'));
      asked.set(visitor, () => emit('worker'));
      process.nextTick(() => emit('next tick'));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      emit('await');
      const pooled = new Promise<void>((resolve) => {
        pool.push(() => {
          emit('pool');
          resolve();
        });
      });
      const replied = new Promise<void>((resolve) => {
        const reply = asked.get(visitor);
        asked.set(visitor, () => {
          reply?.();
          resolve();
        });
        echo.postMessage(visitor);
      });
      setTimeout(() => emit('timer'), 3);
      bus.emit(`go ${visitor}`);
      await Promise.all([pooled, replied, new Promise((resolve) => setTimeout(resolve, 5))]);
      await Promise.resolve();
      emit('await again');
      res.send('ok');
    });
  },
});

interface Leak {
  readonly category: string;
  readonly visitor: string;
  readonly got: Readonly<Record<string, string | undefined>>;
}

/** Events that carry another visitor's data, or none. */
function leaks({ requests }: ScriptedCollector): Leak[] {
  const all = requests.flatMap(({ events }) => events);
  return all.flatMap(({ se_ca, se_la = '', ...event }) => {
    const expected: Record<string, string> = {
      uid: `user-${se_la}`,
      ip: ip(Number(se_la)),
      ua: `agent-${se_la}`,
      duid: duid(se_la),
    };
    const foreign = Object.keys(expected).some((key) => event[key] !== expected[key]);
    return foreign ? [{ category: se_ca ?? '', visitor: se_la, got: { uid: event['uid'], ip: event['ip'] } }] : [];
  });
}

const ask = (url: string, visitor: number, agent: Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    get(`${url}/handoffs/${visitor}`, { agent, headers: headersOf(visitor) }, (answer) =>
      answer.resume().once('end', resolve),
    ).once('error', reject);
  });

/** Sends all requests down one connection without waiting for an answer. */
function pipeline(port: number, visitors: readonly number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answers = 0;
    socket.setEncoding('latin1').on('data', (text: string) => {
      answers += text.split('HTTP/1.1 200').length - 1;
      if (answers >= visitors.length) resolve(void socket.destroy());
    });
    socket.once('error', reject);
    for (const visitor of visitors) {
      const lines = Object.entries(headersOf(visitor)).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET /handoffs/${visitor} HTTP/1.1\r\n${lines.join('')}\r\n`);
    }
  });
}

export const visitors: Scenario[] = (['express', 'express4'] as const).flatMap((framework) => [
  ...[Infinity, 20].map((maxSockets) =>
    scenario(
      maxSockets === Infinity ? 33 : 34,
      `${framework}: no event of concurrent requests on ${maxSockets === Infinity ? 'connections of their own' : 'shared ones'} carries another visitor`,
      { small: { requests: 300 }, full: { requests: 5_000 } },
      async (stage, { requests }) => {
        const collector = await stage.collector();
        const app = await stage.app(shop(framework, collector.url));
        const agent = new Agent({ keepAlive: maxSockets !== Infinity, maxSockets });
        await Promise.all(Array.from({ length: requests }, (_, visitor) => ask(app.url, visitor, agent)));
        agent.destroy();
        await app.run(() => new Promise((resolve) => setTimeout(resolve, 50)));
        await app.run(({ tracker }) => tracker.flush());
        const figures = { ...stage.verdict(), leaks: leaks(collector) };
        must('no event is foreign', figures.leaks.length === 0, { ...figures, leaks: figures.leaks.slice(0, 5) });
        must('each hand-off was made', figures.received >= requests * HANDOFFS, figures);
        return { ...figures, leaks: 0 };
      },
    ),
  ),
  scenario(
    34,
    `${framework}: no event of pipelined requests carries another visitor`,
    { small: { connections: 5, each: 30 }, full: { connections: 50, each: 100 } },
    async (stage, { connections, each }) => {
      const collector = await stage.collector();
      const app = await stage.app(shop(framework, collector.url));
      const numbers = (from: number): number[] => Array.from({ length: each }, (_, index) => from + index);
      await Promise.all(Array.from({ length: connections }, (_, index) => pipeline(app.port, numbers(index * each))));
      await until('all have been tracked', () => stage.journal().accepted.size >= connections * each * HANDOFFS);
      await app.run(({ tracker }) => tracker.flush());
      const figures = { ...stage.verdict(), leaks: leaks(collector) };
      must('no event is foreign', figures.leaks.length === 0, { ...figures, leaks: figures.leaks.slice(0, 5) });
      return { ...figures, leaks: 0 };
    },
  ),
]);
