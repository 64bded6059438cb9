// Adapter contract: requests without a connection, as from app.inject and serverless gateways.
import { once } from 'node:events';
import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import type { World } from './adapter-world';

interface Gateway {
  /** What Node says of an answer in a stand-in for a connection may be that it is never written. */
  readonly writes: boolean;
  /** What the gateway itself says at the end: nothing, once, or more than that. */
  readonly closes: number;
  /** Whether the response knows its request. */
  readonly linked: boolean;
}

const GATEWAYS: [string, Gateway][] = [
  ['never closes the answer', { writes: true, closes: 0, linked: true }],
  ['never closes the answer, and has it unwritten', { writes: false, closes: 0, linked: true }],
  ['closes the answer unwritten', { writes: false, closes: 1, linked: true }],
  ['closes the answer twice', { writes: true, closes: 2, linked: true }],
];

async function dispatch(server: Server, path: string, { writes, closes, linked }: Gateway): Promise<ServerResponse> {
  const req = new IncomingMessage(new Socket());
  Object.assign(req, { method: 'GET', url: path, httpVersion: '1.1', headers: { host: 'a.test' } });
  req.push(null);
  const res = new ServerResponse(req);
  const out = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (!writes) Object.defineProperty(out, 'writableLength', { value: 1 });
  res.assignSocket(out as Socket);
  if (!linked) Object.assign(res, { req: undefined });
  const finished = once(res, 'finish');
  server.emit('request', req, res);
  await finished;
  for (let times = 0; times < closes; times++) res.emit('close');
  return res;
}

export function testInjected(world: World): void {
  const page = { 'content-type': 'text/html; charset=utf-8' };

  it.each(GATEWAYS)('tracks one page view and releases the request, if a gateway %s', async (_how, gateway) => {
    let decided = 0;
    await world.start(
      (call) => call.send(200, '<h1>Tea</h1>', page),
      // Asked at the end, and no more: also not for what is tracked later.
      { pageViews: true, anonymous: () => decided++ < 0 },
    );
    const { server } = world.app as NonNullable<typeof world.app>;
    const res = await dispatch(server, '/r/a', gateway);
    expect(await world.events()).toMatchObject([{ e: 'pv', url: 'http://a.test/r/a' }]);
    const before = decided;
    res.emit('finish');
    res.emit('close');
    expect(await world.events()).toHaveLength(1);
    expect(decided).toBe(before);
  });

  it('accepts a response without a request', async () => {
    await world.start((call) => {
      call.tracker.trackStructEvent({ category: 'shop', action: 'add' });
      return call.send(200, 'ok');
    });
    const { server } = world.app as NonNullable<typeof world.app>;
    const res = await dispatch(server, '/r/a', { writes: true, closes: 0, linked: false });
    expect(res.statusCode).toBe(200);
    expect(await world.events()).toMatchObject([{ e: 'se', url: 'http://a.test/r/a' }]);
  });

  it('tracks no page view if the visitor left while half of the page was buffered', async () => {
    let ended = (): void => {};
    const end = new Promise<void>((resolve) => (ended = resolve));
    await world.start(
      (call) => {
        call.raw.res.on('close', ended);
        return call.send(200, 'x'.repeat(30_000_000), page);
      },
      { pageViews: true },
    );
    const client = world.open('/r/a').on('error', () => {});
    client.on('response', () => client.destroy());
    await end;
    expect(await world.events()).toEqual([]);
  });
}
