// Flush and close: what they wait for, what they report, and that nothing makes them hang.
import { describe, expect, it, vi } from 'vitest';
import { createTracker, structEvent } from '../../../src';
import { failed, makeEngine, PortTransport, rejected, SENT } from '../../support/engine';
import { hang, startScriptedCollector } from '../../support/scripted-collector';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('a flush', () => {
  it('sends what waits, whatever its number, and reports it', async () => {
    const { feed, emitter } = makeEngine({}, { transport: new PortTransport(() => SENT) });
    feed.offer(3);
    expect(await emitter.flush()).toEqual({ sent: 3, failed: 0, remaining: 0 });
    expect(feed.balanced().sent).toBe(3);
    expect(await emitter.flush()).toEqual({ sent: 0, failed: 0, remaining: 0 });
    await emitter.close();
  });

  it('waits for what is in flight as well', async () => {
    const { feed, emitter, transport } = makeEngine();
    feed.offer(10);
    await turn();
    feed.offer(2);
    let done = false;
    const flushed = emitter.flush().finally(() => (done = true));
    await turn();
    expect(transport.sizes).toEqual([10]);
    transport.sends[0]?.answer(SENT);
    await turn();
    expect([transport.sizes, done]).toEqual([[10, 2], false]);
    feed.balanced();
    transport.sends[1]?.answer(SENT);
    expect(await flushed).toEqual({ sent: 12, failed: 0, remaining: 0 });
    await emitter.close();
    feed.balanced();
  });

  it('does not wait for events that came after it was called', async () => {
    const { feed, emitter, transport } = makeEngine({ maxBatchSize: 5, batchSize: 5 });
    feed.offer(4);
    const flushed = emitter.flush();
    feed.offer(10);
    transport.sends[0]?.answer(SENT);
    expect(await flushed).toEqual({ sent: 4, failed: 0, remaining: 10 });
    feed.balanced();
    transport.reply = () => SENT;
    transport.sends[1]?.answer(SENT);
    await emitter.close();
    expect(feed.balanced().sent).toBe(14);
  });

  it('ends while events keep coming without a pause', async () => {
    const { feed, emitter, transport } = makeEngine({ maxBatchSize: 5, batchSize: 5 });
    transport.reply = async () => {
      feed.offer(5);
      await turn();
      return SENT;
    };
    feed.offer(20);
    expect((await emitter.flush()).sent).toBeGreaterThanOrEqual(20);
    transport.reply = () => SENT;
    await emitter.close();
    feed.balanced();
  });

  it('is shared by those that call it together, and made anew for those with later events', async () => {
    const { feed, emitter, transport } = makeEngine();
    feed.offer(3);
    const [first, second] = [emitter.flush(), emitter.flush()];
    expect(transport.sizes).toEqual([3]);
    feed.offer(1);
    const third = emitter.flush();
    transport.sends[0]?.answer(SENT);
    expect([await first, await second]).toEqual([
      { sent: 3, failed: 0, remaining: 1 },
      { sent: 3, failed: 0, remaining: 1 },
    ]);
    await turn();
    transport.sends[1]?.answer(SENT);
    expect(await third).toEqual({ sent: 1, failed: 0, remaining: 0 });
    await emitter.close();
    feed.balanced();
  });

  it('reports what failed and keeps it, and what was rejected and drops it', async () => {
    const transport = new PortTransport((events) => (events.length === 5 ? failed() : rejected()));
    const { feed, emitter } = makeEngine({ maxBatchSize: 5 }, { transport });
    feed.offer(8);
    expect(await emitter.flush()).toEqual({ sent: 0, failed: 8, remaining: 5 });
    expect(feed.balanced()).toMatchObject({ waiting: 5, dropped: { rejected: 3 } });
    transport.reply = () => SENT;
    await emitter.close();
    feed.balanced();
  });

  it('goes on behind a batch that was rejected: one call is enough', async () => {
    let calls = 0;
    const transport = new PortTransport(() => (calls++ === 0 ? rejected(401, 'caller') : SENT));
    const { feed, emitter } = makeEngine({ maxBatchSize: 10 }, { transport });
    feed.offer(9);
    feed.offer(91);
    expect(await emitter.flush()).toEqual({ sent: 90, failed: 10, remaining: 0 });
    await emitter.close();
    feed.balanced();
  });

  it('gives up waiting after its time, and the send goes on', async () => {
    const { feed, emitter, transport } = makeEngine();
    feed.offer(3);
    expect(await emitter.flush({ timeoutMs: 20 })).toEqual({ sent: 0, failed: 0, remaining: 3 });
    expect(feed.balanced().inFlight).toBe(3);
    transport.sends[0]?.answer(SENT);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(3), 30_000);
    await emitter.close();
  });

  it('with no limit to its time waits all the same', async () => {
    const { feed, emitter, transport } = makeEngine();
    feed.offer(1);
    let done = false;
    const flushed = emitter.flush({ timeoutMs: Infinity }).finally(() => (done = true));
    await turn();
    await turn();
    expect(done).toBe(false);
    transport.sends[0]?.answer(SENT);
    expect((await flushed).sent).toBe(1);
    await emitter.close();
  });

  it('called and awaited inside a callback does not deadlock', async () => {
    const reports: unknown[] = [];
    const flushAgain = async (events: readonly unknown[]): Promise<void> => {
      if (events.length === 3) feed.offer(2);
      reports.push(await emitter.flush());
    };
    const onSuccess = flushAgain as (events: readonly unknown[]) => void;
    const { feed, emitter } = makeEngine({ onSuccess }, { transport: new PortTransport(() => SENT) });
    feed.offer(3);
    await emitter.flush();
    // What a callback has offered calls no callback again.
    await vi.waitFor(() => expect(reports).toHaveLength(1), 30_000);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(5), 30_000);
    await emitter.close();
  });

  it('after the close returns at once', async () => {
    const { feed, emitter } = makeEngine({}, { transport: new PortTransport(() => failed()) });
    feed.offer(2);
    await emitter.close({ timeoutMs: 10 });
    expect(await emitter.flush()).toEqual({ sent: 0, failed: 0, remaining: 0 });
  });
});

describe('a close', () => {
  it('sends what is left, closes the transport and refuses from then on', async () => {
    const dropped: unknown[] = [];
    const transport = new PortTransport(() => SENT);
    const { feed, emitter } = makeEngine(
      { onDrop: ({ events, reason }) => dropped.push(events.length, reason) },
      { transport },
    );
    feed.offer(3);
    expect(await emitter.close()).toEqual({ sent: 3, failed: 0, remaining: 0 });
    expect(transport.closed).toBe(1);
    expect(feed.offer(1)).toBe(0);
    expect(feed.balanced().refused.closed).toBe(1);
    expect(dropped).toEqual([1, 'closed']);
  });

  it('is one, however often it is called, also from inside itself', async () => {
    const closings: unknown[] = [];
    const { feed, emitter, transport } = makeEngine(
      { onSuccess: () => closings.push(emitter.close()) },
      { transport: new PortTransport(() => SENT) },
    );
    feed.offer(1);
    const [first, second] = [emitter.close(), emitter.close({ timeoutMs: 1 })];
    expect(second).toBe(first);
    await first;
    expect(emitter.close()).toBe(first);
    expect(closings).toEqual([first]);
    expect(transport.closed).toBe(1);
  });

  it('refuses events from the moment it is called', async () => {
    const { feed, emitter } = makeEngine({}, { transport: new PortTransport(() => SENT) });
    feed.offer(1);
    const closed = emitter.close();
    expect(feed.offer(1)).toBe(0);
    await closed;
    expect(feed.balanced()).toMatchObject({ sent: 1, refused: { closed: 1 } });
  });

  it('during a flush lets the flush end as well', async () => {
    const { feed, emitter, transport } = makeEngine();
    feed.offer(3);
    const flushed = emitter.flush();
    const closed = emitter.close();
    transport.sends[0]?.answer(SENT);
    expect(await flushed).toEqual({ sent: 3, failed: 0, remaining: 0 });
    expect(await closed).toEqual({ sent: 3, failed: 0, remaining: 0 });
    feed.balanced();
  });

  it('tries again and again until its time is over, and reports the rest', async () => {
    const dropped: unknown[] = [];
    const transport = new PortTransport(() => failed());
    const { feed, emitter, log } = makeEngine(
      { onDrop: ({ events, reason }) => dropped.push(events.length, reason) },
      { transport },
    );
    feed.offer(3);
    expect(await emitter.close({ timeoutMs: 700 })).toEqual({ sent: 0, failed: 3, remaining: 0 });
    expect(transport.sends.length).toBeGreaterThanOrEqual(2);
    expect(feed.balanced().dropped.shutdown).toBe(3);
    expect(dropped).toEqual([3, 'shutdown']);
    expect(log.lines.filter((line) => line.includes('shutdown'))).toHaveLength(1);
  });

  it('delivers to a receiver that comes back while it waits', async () => {
    let calls = 0;
    const transport = new PortTransport(() => (calls++ === 0 ? failed() : SENT));
    const { feed, emitter } = makeEngine({}, { transport });
    feed.offer(3);
    expect(await emitter.close({ timeoutMs: 3_000 })).toEqual({ sent: 3, failed: 0, remaining: 0 });
    feed.balanced();
  });

  it('is bounded when a send never settles, and reports those events once', async () => {
    const dropped: string[] = [];
    const { feed, emitter, transport } = makeEngine({
      onDrop: ({ events }) => dropped.push(...events.map(({ eid = '' }) => eid)),
    });
    feed.offer(10);
    await turn();
    feed.offer(3);
    expect(await emitter.close({ timeoutMs: 50 })).toEqual({ sent: 0, failed: 13, remaining: 0 });
    expect(dropped).toEqual(feed.accepted);
    transport.sends[0]?.answer(SENT);
    await turn();
    expect(feed.balanced()).toMatchObject({ sent: 0, inFlight: 0, waiting: 0, dropped: { shutdown: 13 } });
  });

  it('has reported what it gave up by the time that the tracker is closed, however late the loop is', async () => {
    await using collector = await startScriptedCollector({ otherwise: hang() });
    const dropped: string[] = [];
    const onDrop = ({ events }: { events: readonly { eid?: string }[] }): void =>
      void dropped.push(...events.map(({ eid = '' }) => eid));
    const tracker = createTracker({ endpoint: collector.url, logger: false, emitter: { onDrop } });
    const ids = Array.from({ length: 30 }, () => tracker.track(structEvent({ category: 'a', action: 'b' })));
    await collector.requested(1);
    const closed = tracker.close({ timeoutMs: 50 });
    const end = performance.now() + 500;
    while (performance.now() < end);
    expect(await closed).toEqual({ sent: 0, failed: 30, remaining: 0 });
    expect(dropped.toSorted()).toEqual(ids.toSorted());
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['never settles', () => new Promise(() => {})],
  ])('ends when closing the transport or the store %s', async (_what, broken) => {
    const transport = Object.assign(new PortTransport(() => failed()), { close: broken as () => Promise<void> });
    const { MemoryEventStore } = await import('snowplow-middleware');
    const store = Object.assign(new MemoryEventStore(), { close: broken as () => Promise<void> });
    const { feed, emitter } = makeEngine({}, { transport, store });
    feed.offer(2);
    expect(await emitter.close({ timeoutMs: 20 })).toEqual({ sent: 0, failed: 2, remaining: 0 });
    expect(feed.balanced().dropped.shutdown).toBe(2);
  });
});
