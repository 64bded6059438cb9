// Adapter contract: HTTP/2, where an ended stream no longer knows its address and protocol.
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed';
import { NAVIGATION } from '../support/go-to';
import type { Call, World } from './adapter-world';

const HTML = { 'content-type': 'text/html' };

export function testHttp2(world: World): void {
  describe('over HTTP/2', () => {
    let session: ClientHttp2Session | undefined;
    let authority = '';
    beforeEach(() => {
      session = undefined;
    });
    afterEach(() => session?.destroy());

    const open = (path: string, headers = {}): ReturnType<ClientHttp2Session['request']> => {
      authority = `localhost:${new URL(world.url).port}`;
      session ??= connect(world.url, { ca: SELF_SIGNED_CERTIFICATE });
      return session.request({ ':path': path, ':authority': authority, ...headers });
    };
    const get = async (path: string, headers = {}): Promise<void> => {
      const stream = open(path, headers).resume();
      await once(stream, 'close');
    };

    it.each(['at once', 'after the answer'])('knows who came, and to which page, %s', async (when) => {
      await world.start(
        (call) => {
          const track = (): unknown => call.tracker.trackStructEvent({ category: 'shop', action: 'look' });
          if (when === 'at once') track();
          else call.raw.res.on('close', track);
          return call.send(200, 'ok');
        },
        {},
        { http2: true },
      );
      await get('/r/tea?size=2');
      expect(await world.events()).toMatchObject([{ ip: '127.0.0.1', url: `https://${authority}/r/tea?size=2` }]);
    });

    it('uses the address that the app sets while the connection is open', async () => {
      await world.start(
        (call) => {
          call.raw.res.on('close', () => call.tracker.trackStructEvent({ category: 'shop', action: 'look' }));
          return call.send(200, 'ok');
        },
        { ip: (req) => (req as Call['raw']['req']).socket.remoteAddress?.replace('127.0.0.1', '198.51.100.7') },
        { http2: true },
      );
      await get('/r/tea');
      expect(await world.events()).toMatchObject([{ ip: '198.51.100.7' }]);
    });

    it('knows the visitor who did not wait for the response', async () => {
      let begin: (call: Call) => void = () => {};
      const begun = new Promise<Call>((resolve) => (begin = resolve));
      await world.start(
        (call) => {
          begin(call);
          return new Promise(() => {});
        },
        {},
        { http2: true },
      );
      const stream = open('/r/tea');
      stream.on('error', () => {});
      const { tracker, raw } = await begun;
      const closed = once(raw.res, 'close');
      stream.close();
      await closed;
      tracker.trackStructEvent({ category: 'shop', action: 'leave' });
      expect(await world.events()).toMatchObject([{ ip: '127.0.0.1', url: `https://${authority}/r/tea` }]);
    });

    it('counts a page that a visitor navigates to, however its head is set', async () => {
      await world.start(
        (call) => {
          const how = call.query.get('how');
          if (how === 'framework') return call.send(200, 'Tea', HTML);
          const res = call.takeRaw();
          if (how === 'list') res.writeHead(200, ['Content-Type', 'text/html']);
          else res.writeHead(200, HTML);
          return res.end('Tea');
        },
        { pageViews: true },
        { http2: true },
      );
      for (const how of ['framework', 'list', 'object']) {
        await get(`/r/tea?how=${how}`, NAVIGATION);
        await get(`/r/tea?how=${how}`, { ...NAVIGATION, 'sec-fetch-dest': 'iframe' });
      }
      const pages = (await world.events()).map(({ url }) => url);
      const page = `https://${authority}/r/tea?how=`;
      expect(pages.toSorted()).toEqual([`${page}framework`, `${page}list`, `${page}object`]);
    });
  });
}
