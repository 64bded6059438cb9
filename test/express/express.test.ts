// The Express door, from the outside: real apps of Express 4 and 5, real requests, a real collector.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express5, { type Express } from 'express';
import express4 from 'express4';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../src/collector';
import { type ExpressOptions, snowplow } from '../../src/express';

const DUID = '6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11';
const SID = 'b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22';
const BROWSER = {
  'user-agent': 'Mozilla/5.0 (X11)',
  'accept-language': 'et-EE,et;q=0.9',
  cookie: `_sp_id.1fff=${DUID}.1700000000.3.1700000100.1699990000.${SID}; _sp_ses.1fff=*`,
  referer: 'https://search.test/?q=tea',
};

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('the %s middleware', (_name, express) => {
  let collector: Collector;
  let server: Server;
  let app: Express;
  let url: string;

  beforeEach(async () => {
    collector = await startCollector();
    app = express();
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await collector.close();
  });
  const mount = (options: Partial<ExpressOptions> = {}): void => {
    app.use(
      snowplow({
        endpoint: collector.url,
        namespace: 'web',
        appId: 'shop',
        emitter: { batchSize: 1 },
        ...options,
      } as ExpressOptions),
    );
  };

  it("puts the visitor's address, user agent, language, ids and page on the request's events", async () => {
    mount();
    app.get('/basket', (req, res) => {
      req.tracker.trackStructEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 });
      res.send('ok');
    });
    await fetch(`${url}/basket?size=2`, { headers: BROWSER });
    const [event] = await collector.waitFor({ se_ca: 'shop' });
    expect(event?.payload).toMatchObject({
      e: 'se', se_ac: 'add-to-basket', se_va: '2', p: 'srv', tna: 'web', aid: 'shop',
      ip: '127.0.0.1', ua: 'Mozilla/5.0 (X11)', lang: 'et-EE', duid: DUID, sid: SID, vid: '3',
      url: `${url}/basket?size=2`, refr: 'https://search.test/?q=tea',
    }); // prettier-ignore
    collector.assertAllGood();
  });

  it('gives each of 1,000 concurrent requests a tracker of its own, after awaits, timers and streams', async () => {
    mount({ emitter: { batchSize: 50 } });
    app.get('/work', (req, res) => {
      const label = new URL(req.url, url).searchParams.get('n') ?? '';
      void (async () => {
        await sleep(Math.random() * 5);
        req.tracker.trackStructEvent({ category: 'await', action: 'a', label });
        await new Promise((resolve) => setImmediate(resolve));
        setTimeout(() => req.tracker.trackStructEvent({ category: 'timer', action: 'a', label }), 1);
        req.on('end', () => req.tracker.trackStructEvent({ category: 'stream', action: 'a', label }));
        req.resume();
        res.on('finish', () => req.tracker.trackStructEvent({ category: 'finish', action: 'a', label }));
        res.send('ok');
      })();
    });
    const one = async (n: number): Promise<void> => {
      const duid = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
      const cookie = `_sp_id.1fff=${duid}.1700000000.3.1700000100..${SID}`;
      await fetch(`${url}/work?n=${n}`, { headers: { 'user-agent': `agent-${n}`, cookie } });
    };
    for (let round = 0; round < 10; round++)
      await Promise.all(Array.from({ length: 100 }, (_, index) => one(round * 100 + index)));
    const seen = new Map<string, number>();
    const count = (): number => {
      seen.clear();
      for (const { payload } of collector.good())
        seen.set(String(payload['se_ca']), (seen.get(String(payload['se_ca'])) ?? 0) + 1);
      return collector.good().length;
    };
    // The collector keeps the newest thousand; every one of them must be whole.
    await collector.waitFor({ se_la: '999' }, 4);
    expect(count()).toBeGreaterThan(900);
    for (const { payload } of collector.good()) {
      const n = Number(payload['se_la']);
      expect(payload['ua']).toBe(`agent-${n}`);
      expect(payload['duid']).toBe(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
    }
  });
});
