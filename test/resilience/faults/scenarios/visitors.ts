// Many visitors at once: whatever an app does between a request and an event, the event carries its own visitor.
import { Agent, get } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { type App, type AppSettings, type Framework, FRAMEWORKS } from '../harness/app';
import type { ScriptedCollector } from '../harness/collector';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

const SECRET = 's3cret';
const duid = (visitor: string): string => `00000000-0000-4000-8000-${visitor.padStart(12, '0')}`;
const ip = (visitor: number): string => `10.1.${visitor >> 8}.${visitor & 255}`;
const headersOf = (visitor: number): Record<string, string> => ({
  host: 'shop.test',
  'user-agent': `agent-${visitor}`,
  'x-forwarded-for': ip(visitor),
  'x-user': `user-${visitor}`,
  referer: `http://user:${SECRET}@other.test/?token=${SECRET}#${SECRET}`,
  cookie: `_sp_id.1fff=${duid(String(visitor))}.1700000000.3.1700000100.1699990000.b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22`,
});

const pathOf = (visitor: number): string => `/handoffs?visitor=${visitor}&password=${SECRET}`;

// The hand-offs of one request. Each tracks twice: by the tracker in hand, and by that of the running context, if any.
const HANDOFFS = 10;
// Those to what the request has started itself: its context goes along.
const IN_CONTEXT = ['next tick', 'await', 'timer', 'await again'];

const shop = (framework: Framework, endpoint: string, http2: boolean): AppSettings => ({
  framework,
  http2,
  tracker: { endpoint, emitter: { bufferCapacity: 100_000, bufferCapacityBytes: 2 ** 27 } },
  setup: ({ route, options, snowplow, note, require }) => {
    const { EventEmitter } = require('node:events') as typeof import('node:events');
    const { Worker } = require('node:worker_threads') as typeof import('node:worker_threads');
    options.subject = (req, subject) => void subject.setUserId(String(req.headers['x-user']));

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

    route('/handoffs', async ({ req, res, query, send, tracker: own }) => {
      const visitor = String(query.get('visitor'));
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
      send('ok');
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
    get(url + pathOf(visitor), { agent, headers: headersOf(visitor) }, (answer) =>
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
      socket.write(`GET ${pathOf(visitor)} HTTP/1.1\r\n${lines.join('')}\r\n`);
    }
  });
}

/** Sends all requests at once, as the streams of one HTTP/2 connection. */
async function streams(url: string, visitors: readonly number[]): Promise<void> {
  const session = connectHttp2(url);
  await Promise.all(
    visitors.map(async (visitor) => {
      const { host, ...headers } = headersOf(visitor);
      const stream = session.request({ ':path': pathOf(visitor), ':authority': host, ...headers });
      for await (const _chunk of stream);
    }),
  );
  await new Promise<void>((resolve) => session.close(resolve));
}

/** How requests come: what they share with others is what could be mixed up. */
interface Way {
  readonly number: 33 | 34;
  readonly title: string;
  readonly frameworks: readonly Framework[];
  readonly http2?: boolean;
  readonly small: number;
  readonly full: number;
  send(app: App, requests: number): Promise<unknown>;
}

/** Has as many connections as needed, with so many requests on each. */
const spread = (requests: number, each: number, one: (visitors: number[]) => Promise<void>): Promise<unknown> => {
  const all = Array.from({ length: requests }, (_, visitor) => visitor);
  const parts = Array.from({ length: Math.ceil(requests / each) }, (_, at) => all.slice(at * each, (at + 1) * each));
  return Promise.all(parts.map(one));
};

const askAll = async ({ url }: App, requests: number, maxSockets: number): Promise<void> => {
  const agent = new Agent({ keepAlive: maxSockets !== Infinity, maxSockets });
  await Promise.all(Array.from({ length: requests }, (_, visitor) => ask(url, visitor, agent)));
  agent.destroy();
};

const WAYS: readonly Way[] = [
  {
    number: 33,
    title: 'concurrent requests on connections of their own',
    frameworks: FRAMEWORKS,
    small: 300,
    full: 1_000,
    send: (app, requests) => askAll(app, requests, Infinity),
  },
  {
    number: 34,
    title: 'concurrent requests on connections that are kept',
    frameworks: FRAMEWORKS,
    small: 300,
    full: 5_000,
    send: (app, requests) => askAll(app, requests, 20),
  },
  {
    number: 34,
    title: 'pipelined requests',
    frameworks: FRAMEWORKS,
    small: 150,
    full: 5_000,
    send: ({ port }, requests) => spread(requests, 30, (visitors) => pipeline(port, visitors)),
  },
  {
    number: 34,
    title: 'streams of one HTTP/2 connection',
    frameworks: ['koa', 'fastify', 'nest on fastify'],
    http2: true,
    small: 150,
    full: 5_000,
    send: ({ url }, requests) => spread(requests, 50, (visitors) => streams(url, visitors)),
  },
];

export const visitors: Scenario[] = WAYS.flatMap(({ number, title, frameworks, http2 = false, small, full, send }) =>
  frameworks.map((framework) =>
    scenario(
      number,
      `${framework}: no event of ${title} carries another visitor`,
      { small: { requests: small }, full: { requests: full } },
      async (stage, { requests }) => {
        const collector = await stage.collector();
        const app = await stage.app(shop(framework, collector.url, http2));
        await send(app, requests);
        await until(
          'all have been tracked',
          () => stage.journal().accepted.size >= requests * (HANDOFFS + IN_CONTEXT.length),
        );
        await app.run(({ tracker }) => tracker.flush());
        const figures = { ...stage.verdict(), leaks: leaks(collector) };
        must('no event is foreign', figures.leaks.length === 0, { ...figures, leaks: figures.leaks.slice(0, 5) });
        const events = collector.requests.flatMap((request) => request.events);
        const current = events.filter(({ se_ac }) => se_ac === 'current').map(({ se_ca }) => String(se_ca));
        for (const way of IN_CONTEXT)
          must(`the context is there: ${way}`, current.filter((one) => one === way).length === requests, figures);
        const telling = events.filter((event) => JSON.stringify(event).includes(SECRET));
        must('no address tells a secret', telling.length === 0, telling[0]);
        must(
          'each has its page',
          events.every(({ url, refr }) => url !== undefined && refr !== undefined),
          events[0],
        );
        return { ...figures, leaks: 0 };
      },
    ),
  ),
);

const LINKER = (visitor: number): string => `_sp=${duid(String(visitor))}.1700000000000`;
const anonymousShop = (framework: Framework, endpoint: string): AppSettings => ({
  framework,
  tracker: { endpoint, encodeBase64: false },
  setup: ({ route, options }) => {
    options.anonymous = true;
    options.headers = ['x-forwarded-for', 'x-user', 'x-shelf', 'referer'];
    route('/tea', ({ query, tracker, send }) => {
      tracker.trackStructEvent({ category: 'shop', action: 'see', label: query.get('visitor') });
      send('ok');
    });
  },
});

const anonymousVisitors: Scenario[] = FRAMEWORKS.map((framework) =>
  scenario(
    34,
    `${framework}: no anonymous event tells who its visitor is, in no URL and in no header`,
    { small: { requests: 40 }, full: { requests: 2_000 } },
    async (stage, { requests }) => {
      const collector = await stage.collector();
      const app = await stage.app(anonymousShop(framework, collector.url));
      const agent = new Agent({ keepAlive: true, maxSockets: 20 });
      const open = async (visitor: number): Promise<void> => {
        const back = `back=${encodeURIComponent(`/tea?${LINKER(visitor)}&shelf=7`)}`;
        const headers: Record<string, string> = { ...headersOf(visitor), 'x-shelf': 'shelf-7' };
        headers['referer'] = `http://user:${SECRET}@other.test/?token=${SECRET}&${back}#${SECRET}`;
        await new Promise((resolve, reject) => {
          get(`${app.url}/tea?visitor=${visitor}&${back}`, { agent, headers }, (answer) =>
            answer.resume().once('end', resolve),
          ).once('error', reject);
        });
      };
      await Promise.all(Array.from({ length: requests }, (_, visitor) => open(visitor)));
      agent.destroy();
      await app.run(({ tracker }) => tracker.flush());
      const events = collector.requests.flatMap((request) => request.events);
      const telling = events.filter((event) => {
        const visitor = Number(event['se_la']);
        const text = JSON.stringify(event);
        return [SECRET, duid(String(visitor)), ip(visitor), `user-${visitor}`].some((sign) => text.includes(sign));
      });
      must('none tells', telling.length === 0, telling[0]);
      must('all have come', events.length === requests, { events: events.length });
      const whole = events.filter(({ co = '', url = '', refr = '' }) =>
        [co.includes('shelf-7'), co.includes('redacted'), url.includes('shelf'), refr.includes('shelf')].every(Boolean),
      );
      must('each has what may be told', whole.length === requests, events[0]);
      return { events: events.length };
    },
  ),
);

visitors.push(...anonymousVisitors);
