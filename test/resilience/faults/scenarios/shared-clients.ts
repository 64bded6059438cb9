// A client with callbacks and one connection, opened in the first request: it runs in that request's context for good.
import { Agent, get } from 'node:http';
import { FRAMEWORKS } from '../harness/app';
import type { Inside } from '../harness/inside';
import { type Scenario, scenario } from '../harness/scenario';
import { must } from './expect';

const shop = ({ route, options, snowplow, note, require }: Inside): void => {
  const { connect, createServer } = require('node:net') as typeof import('node:net');
  options.subject = (req, subject) => void subject.setUserId(String(req.headers['x-user']));
  const server = createServer((socket) => void socket.on('data', (data) => socket.write(data))).listen(0, '127.0.0.1');
  server.unref();
  const waiting: (() => void)[] = [];
  let socket: ReturnType<typeof connect> | undefined;
  route('/ask', async ({ query, send, tracker: own }) => {
    await new Promise<void>((resolve) => {
      socket ??= connect((server.address() as { port: number }).port, '127.0.0.1').on('data', (data) => {
        for (const _byte of data) waiting.shift()?.();
      });
      waiting.push(() => {
        const event = snowplow.structEvent({
          category: 'client',
          action: 'asked',
          label: String(query.get('visitor')),
        });
        for (const tracker of [own, snowplow.currentTracker()]) {
          const id = tracker?.track(event);
          if (id) note('accepted', [id]);
        }
        resolve();
      });
      socket.write('?');
    });
    send('ok');
  });
};

const ask = (url: string, visitor: string, agent: Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    get(`${url}/ask?visitor=${visitor}`, { agent, headers: { 'x-user': visitor } }, (answer) =>
      answer.resume().once('end', resolve),
    ).once('error', reject);
  });

export const sharedClients: Scenario[] = FRAMEWORKS.map((framework) =>
  scenario(
    34,
    `${framework}: a client that one request has opened is no visitor to those that come later`,
    { small: { requests: 20 }, full: { requests: 500 } },
    async (stage, { requests }) => {
      const collector = await stage.collector();
      const app = await stage.app({ framework, tracker: { endpoint: collector.url }, setup: shop });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let visitor = 0; visitor < requests; visitor++) await ask(app.url, `user-${visitor}`, agent);
      agent.destroy();
      await app.run(({ tracker }) => tracker.flush());
      const events = collector.requests.flatMap((request) => request.events);
      const foreign = events.filter(({ uid, se_la }) => uid !== se_la);
      const figures = { ...stage.verdict(), foreign: foreign.length };
      must('no event is foreign', foreign.length === 0, figures);
      // One by each visitor's own tracker, and the first one's by that of the scope as well.
      must('none is missing', figures.accepted === requests + 1, figures);
      const late = await app.run(({ tracker }) => tracker.stats().lateLookups);
      must('what had no answer is counted', late === requests - 1, { ...figures, late });
      return figures;
    },
  ),
);
