// What only Express allows: an app that makes its own decisions, and the results of Express's getters.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express5, { type Express, type Request } from 'express';
import express4 from 'express4';
import { describe, expect, it } from 'vitest';
import { startCollector } from '../../../src/collector';
import { snowplow } from '../../../src/express';

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('%s', (_name, express) => {
  const decisions: Record<string, (app: Express, req: Request) => void> = {
    'for one request': (_app, req) => void Object.defineProperty(req, 'ip', { value: '198.51.100.7' }),
    'by a getter': (app, req) => {
      (req as { from?: string }).from = '198.51.100.7';
      const get = function (this: { from?: string }): string | undefined {
        return this.from;
      };
      Object.defineProperty(app.request, 'ip', { get, configurable: true });
    },
  };
  it.each(Object.keys(decisions).flatMap((how) => ['now', 'after the answer'].map((when) => [how, when] as const)))(
    "takes the app's own word on who came, given %s, tracked %s",
    async (how, when) => {
      const collector = await startCollector();
      const app = express();
      app.use(snowplow({ endpoint: collector.url, namespace: 'web', emitter: { batchSize: 1 } }));
      app.use((req, _res, next) => {
        decisions[how]?.(app, req);
        next();
      });
      app.get('/tea', (req, res) => {
        const track = (): unknown => req.tracker.trackStructEvent({ category: 'shop', action: 'look' });
        if (when === 'now') track();
        else res.on('close', () => setTimeout(track, 5));
        res.send('ok');
      });
      const server = createServer(app);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tea`;
        await fetch(url);
        const [event] = await collector.waitFor({ se_ac: 'look' });
        expect(event?.payload).toMatchObject({ ip: '198.51.100.7', url });
      } finally {
        server.closeAllConnections();
        server.close();
        await collector.close();
      }
    },
  );
});
