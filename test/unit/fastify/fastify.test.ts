// The Fastify plugin beyond the adapter contract: HTTP/2, pipelined requests, the whole app's scope, its close.
import fastify from 'fastify';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { snowplow } from '../../../src/fastify';

describe('the Fastify plugin', () => {
  let collector: Collector;
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(() => collector.close());
  const options = (): { endpoint: string; namespace: string; pageViews: true } => ({
    endpoint: collector.url,
    namespace: 'web',
    pageViews: true,
  });
  const seen = (): unknown[][] => collector.good().map(({ payload }) => [payload['e'], payload['ua'], payload['url']]);

  it('tells 100 streams of one HTTP/2 connection apart, and sees their pages', async () => {
    const app = fastify({ http2: true });
    await app.register(snowplow, options());
    app.get('/page', async (_request, reply) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      return reply.type('text/html').send('<h1>Tea</h1>');
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const client = connectHttp2(`http://127.0.0.1:${port}`);
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const stream = client.request({ ':path': `/page?n=${n}`, 'user-agent': `agent-${n}` });
        for await (const _chunk of stream);
      }),
    );
    client.close();
    await app.close();
    const expected = Array.from({ length: 100 }, (_, n) => [
      'pv',
      `agent-${n}`,
      `http://127.0.0.1:${port}/page?n=${n}`,
    ]);
    expect(new Set(seen())).toEqual(new Set(expected));
    expect(collector.good()).toHaveLength(100);
  });

  it('tells pipelined requests of one socket apart', async () => {
    const app = fastify();
    await app.register(snowplow, options());
    app.get('/page', async (_request, reply) => reply.type('text/html').send('<h1>Tea</h1>'));
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const agents = Array.from({ length: 20 }, (_, n) => `agent-${n}`);
    const last = 'Connection: close\r\n';
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(agents.map((agent, n) => `GET /page HTTP/1.1\r\nHost: a\r\nUser-Agent: ${agent}\r\n${n === 19 ? last : ''}\r\n`).join('')),
      );
      socket.on('error', reject).on('close', () => resolve()).resume();
    }); // prettier-ignore
    await app.close();
    expect(new Set(seen().map(([, agent]) => agent))).toEqual(new Set(agents));
    expect(collector.good()).toHaveLength(20);
  });

  it('is for the whole app, also for routes that came before it, and its close sends what is left', async () => {
    const app = fastify();
    app.get('/before', async (request) => request.tracker.track({} as never) ?? 'refused');
    await app.register(snowplow, { ...options(), contracts: 'log', logger: false });
    await app.register(async (branch) => {
      branch.get('/branch', async (request) => {
        request.tracker.trackStructEvent({ category: 'c', action: 'branch' });
        return 'ok';
      });
    });
    expect((await app.inject('/before')).body).toBe('refused');
    expect((await app.inject('/branch')).body).toBe('ok');
    expect(collector.good()).toEqual([]);
    await app.close();
    expect(collector.good()).toMatchObject([{ payload: { se_ac: 'branch' } }]);
  });

  it('refuses a wrong option when the app gets ready', async () => {
    const app = fastify();
    void app.register(snowplow, { ...options(), pageView: true } as never);
    await expect(app.ready()).rejects.toThrow(/snowplow: Unknown option `pageView`; did you mean `pageViews`\?/);
    await app.close();
  });
});
