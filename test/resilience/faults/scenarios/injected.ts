// Requests without a connection, as app.inject and serverless gateways make them: their answers finish and never close.
import { FRAMEWORKS } from '../harness/app';
import type { Inside } from '../harness/inside';
import { type Scenario, scenario } from '../harness/scenario';
import { must } from './expect';

const shop = ({ route }: Inside): void => route('/page', ({ send }) => send('<h1>Tea</h1>', 'text/html'));

/** Has the app answer so many requests, one after the other; what remains of them is counted. */
const inject = async ({ server, require }: Inside, requests: number): Promise<number> => {
  const { IncomingMessage, ServerResponse } = require('node:http') as typeof import('node:http');
  const { Socket } = require('node:net') as typeof import('node:net');
  const { PassThrough } = require('node:stream') as typeof import('node:stream');
  const weak: WeakRef<object>[] = [];
  for (let count = 0; count < requests; count++)
    await new Promise((resolve) => {
      const req = new IncomingMessage(new Socket());
      Object.assign(req, { method: 'GET', url: '/page', httpVersion: '1.1', headers: { host: 'a.test' } });
      req.push(null);
      const res = new ServerResponse(req);
      weak.push(new WeakRef(res));
      res.assignSocket(new PassThrough().resume() as unknown as InstanceType<typeof Socket>);
      res.on('finish', resolve);
      server.emit('request', req, res);
    });
  await new Promise((resolve) => setTimeout(resolve, 10));
  (globalThis as unknown as { gc(): void }).gc();
  return weak.filter((one) => one.deref() !== undefined).length;
};

export const injected: Scenario[] = FRAMEWORKS.map((framework) =>
  scenario(
    36,
    `${framework}: requests without a connection are one page view each, and are let go`,
    { small: { requests: 50 }, full: { requests: 5_000 } },
    async (stage, { requests }) => {
      const collector = await stage.collector();
      const tracker = { endpoint: collector.url };
      const app = await stage.app({ framework, tracker, middleware: { pageViews: true }, setup: shop });
      const kept = await app.run(inject, requests);
      await app.run(({ tracker: own }) => own.flush());
      const pages = collector.requests.flatMap(({ events }) => events).filter(({ e }) => e === 'pv').length;
      const figures = { pages, kept };
      must('one page view each', pages === requests, figures);
      must('none is kept', kept <= 5, figures);
      return figures;
    },
  ),
);
