// What the network may send to an Express app: nothing throws, and no event is one that the pipeline refuses.
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import express from 'express';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { snowplow } from '../../../src/express';

describe('a request with hostile strings', () => {
  let collector: Collector;
  let server: Server;
  let port: number;

  beforeAll(async () => {
    collector = await startCollector();
    const app = express();
    app.set('trust proxy', true);
    app.use(
      snowplow({
        endpoint: collector.url,
        namespace: 'web',
        appId: 'shop',
        clientSession: true,
        headers: ['x-odd'],
        emitter: { flushIntervalMs: 0, batchSize: 1000 },
      }),
    );
    app.use((req, res) => {
      const id = req.tracker.trackPageView({ pageTitle: 'any' }).subject ? 'tracked' : 'lost';
      res.send(id);
    });
    app.use(((error, _req, res, _next) => res.status(500).send(String(error))) as express.ErrorRequestHandler);
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await collector.close();
  });

  /** Sends the bytes as they are; resolves with the status line's code, undefined where Node itself hung up. */
  const send = (target: string, headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve) => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(`GET ${target} HTTP/1.1\r\n${lines.join('')}Connection: close\r\n\r\n`, 'latin1'),
      );
      let answer = '';
      socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
      socket.on('error', () => resolve(undefined));
      socket.on('close', () => resolve(answer === '' ? undefined : Number(answer.split(' ')[1])));
    });

  // Bytes that Node's parser lets through in a header.
  const header = fc.string({
    unit: fc
      .oneof(fc.integer({ min: 32, max: 126 }), fc.integer({ min: 128, max: 255 }), fc.constant(9))
      .map((code) => String.fromCharCode(code)),
    maxLength: 300,
  });
  const target = fc.oneof(
    fc
      .string({
        unit: fc
          .oneof(fc.integer({ min: 33, max: 126 }), fc.integer({ min: 128, max: 255 }))
          .map((code) => String.fromCharCode(code)),
        maxLength: 200,
      })
      .map((text) => `/${text}`),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.constantFrom(
      '/?_sp=a.b',
      '/?_sp=%ff',
      '/%E0%A4%A',
      '/?x=%',
      '//evil.test/x',
      '/\\evil',
      '/?a=[b]&{c}|d^`"<>',
      `/${'p'.repeat(5000)}`,
      `/?q=${'é'.repeat(3000)}`,
    ),
  );
  const cookie = fc.oneof(
    header,
    header.map((text) => `_sp_id.1fff=${text}; _sp_ses.1fff=*; sp=${text}`),
    fc.constantFrom(
      '_sp_id.1fff=%E0%A4%A.1.2.3.4.5',
      '__proto__=1; _sp_id.1fff=a.b.c.d.e.f',
      '_sp_id.1fff=6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11.1.99999999999.3..not-a-uuid; _sp_ses.1fff=*',
    ),
  );

  it('is served, and its event is one that the pipeline takes', { timeout: 60_000 }, async () => {
    let served = 0;
    await fc.assert(
      fc.asyncProperty(
        target,
        cookie,
        header,
        header,
        header,
        header,
        async (path, cookies, agent, language, referer, odd) => {
          const status = await send(path, {
            Host: 'shop.test',
            Cookie: cookies,
            'User-Agent': agent,
            'Accept-Language': language,
            Referer: referer,
            'X-Forwarded-For': odd,
            'X-Forwarded-Proto': odd.replaceAll(/[^a-z]/g, ''),
            'X-Odd': odd,
          });
          // 400 is Node's own answer to what is no HTTP.
          expect([200, 400, undefined]).toContain(status);
          if (status === 200) served++;
        },
      ),
      { numRuns: 400 },
    );
    expect(served).toBeGreaterThan(100);
    server.close();
    await collector.waitFor({ e: 'pv' }, served);
    collector.assertAllGood();
    expect(collector.bad()).toEqual([]);
  });
});

describe('a wrong set-up', () => {
  const endpoint = 'collector.acme.test';
  it.each([
    ['no endpoint', {}, /snowplow: endpoint must be/],
    ['an unknown option', { endpoint, nameSpace: 'web' }, /Unknown option `nameSpace`; did you mean `namespace`\?/],
    ['port 0', { endpoint, emitter: { port: 0 } }, /port must be an integer from 1 to 65535, got 0/],
    [
      'another protocol',
      { endpoint: 'ftp://collector.acme.test' },
      /endpoint must be a host name or a URL with 'https' or 'http', got "ftp"/,
    ],
    [
      'an unknown option of the emitter',
      { endpoint, emitter: { batchsize: 3 } },
      /Unknown option `batchsize`; did you mean `batchSize`\?/,
    ],
    ['a secret header', { endpoint, headers: ['Cookie'] }, /headers must be a list of header names without cookies/],
    ['an origin with a path', { endpoint, origin: 'https://a.test/b' }, /origin must be an origin such as/],
    [
      'a signal that cannot be caught',
      { endpoint, shutdown: { signals: ['SIGKILL'] } },
      /signals must be a list of signal names/,
    ],
  ])('is a ConfigError that names the option: %s', (_what, options, message) => {
    expect(() => snowplow(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_SNOWPLOW_CONFIG', message: expect.stringMatching(message) as string }),
    );
  });
});
