// Adapter contract: how requests and servers end.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { closeOnShutdown } from '../../src/middleware/shutdown';
import { until } from '../support/until';
import type { Call, World } from './adapter-world';

const STRUCT = { category: 'shop', action: 'add' };

export function testLifecycle(world: World): void {
  it('passes a stream through unchanged, and tracks its page after the last byte', async () => {
    await world.start(
      (call) => {
        const pieces = async function* (): AsyncGenerator<string> {
          for (const piece of ['<h1>', 'Tea', '</h1>']) {
            await new Promise((resolve) => setTimeout(resolve, 2));
            call.tracker.trackStructEvent({ ...STRUCT, label: piece });
            yield piece;
          }
        };
        return call.send(200, Readable.from(pieces()), { 'content-type': 'text/html' });
      },
      { pageViews: true },
    );
    expect((await world.get('/r/a')).body).toBe('<h1>Tea</h1>');
    const events = await world.events();
    expect(events.map(({ e, se_la }) => se_la ?? e)).toEqual(['<h1>', 'Tea', '</h1>', 'pv']);
    for (const { ip } of events) expect(ip).toBe('127.0.0.1');
  });

  it('tracks no page that the visitor did not wait for, but still knows the visitor', async () => {
    let begin: (call: Call) => void = () => {};
    const begun = new Promise<Call>((resolve) => (begin = resolve));
    await world.start(
      (call) => {
        begin(call);
        return new Promise(() => {});
      },
      { pageViews: true },
    );
    const client = world.open('/r/a', { 'user-agent': 'impatient' });
    client.on('error', () => {});
    const { raw, tracker } = await begun;
    client.destroy();
    if (!raw.res.closed) await once(raw.res, 'close');
    tracker.trackStructEvent(STRUCT);
    expect(await world.events()).toMatchObject([
      { e: 'se', ua: 'impatient', ip: '127.0.0.1', url: `${world.url}/r/a` },
    ]);
  });

  it.each(['sync', 'async'])(
    "leaves an error to the app's own handler, where the tracker is the same (%s)",
    async (how) => {
      let same = false;
      let tracker: unknown;
      await world.start(
        (call) => {
          ({ tracker } = call);
          call.tracker.trackStructEvent(STRUCT);
          const error = new Error('out of tea');
          if (how === 'sync') throw error;
          return Promise.reject(error);
        },
        { pageViews: true },
        {
          onError: (call, error) => {
            same = call.tracker === tracker;
            call.tracker.trackError(error);
          },
        },
      );
      expect(await world.get('/r/a')).toMatchObject({ status: 418, body: 'Error: out of tea' });
      const events = await world.events();
      expect(events.map(({ e }) => e)).toEqual(['se', 'ue']);
      expect(same).toBe(true);
    },
  );

  it('sends its events when the server closes', async () => {
    await world.start((call) => {
      call.tracker.trackStructEvent(STRUCT);
      return call.send(200, 'ok', { connection: 'close' });
    });
    await world.get('/r/a');
    expect(world.collector.good()).toEqual([]);
    const { app } = world;
    world.app = undefined;
    await app?.close();
    await world.collector.waitFor({ e: 'se', ip: '127.0.0.1' });
  });

  it.each(['one request', 'no request'])('leaves no signal listener after it has closed, after %s', async (how) => {
    const before = process.listenerCount('SIGUSR2');
    const shutdown = { signals: ['SIGUSR2'] } as const;
    await world.start((call) => call.send(200, 'ok', { connection: 'close' }), { shutdown });
    // One, however many have asked.
    expect(process.listenerCount('SIGUSR2')).toBe(before + 1);
    const other = closeOnShutdown({ ...shutdown, server: () => [], tracker: world.tracker });
    expect(process.listenerCount('SIGUSR2')).toBe(before + 1);
    if (how === 'one request') await world.get('/r/a');
    const { app } = world;
    world.app = undefined;
    await app?.close();
    expect(process.listenerCount('SIGUSR2')).toBe(before + 1);
    expect(other()).toBe(true);
    await until('nobody listens', () => process.listenerCount('SIGUSR2') === before);
  });
}
