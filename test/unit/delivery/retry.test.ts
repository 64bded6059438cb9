// The engine when sending fails: what is kept, when it is tried again, and how often.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failed, makeEngine, PortTransport, rejected, SENT, TOO_LARGE } from '../../support/engine';
import type { Answer } from '../../support/engine';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Answers in turn, and with the last one from then on. */
const inTurn = (...answers: readonly Answer[]): PortTransport => {
  let next = 0;
  return new PortTransport(() => answers[Math.min(next++, answers.length - 1)] as Answer);
};

/** Lets the clock run until a promise has settled. */
async function run<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  void promise.catch(() => {}).finally(() => (settled = true));
  for (let ms = 0; !settled && ms < 60_000; ms += 10) await pass(10);
  return promise;
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('after a failure', () => {
  it('keeps the events, waits, and sends the same ones again without being asked', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const { feed, transport, emitter } = makeEngine({}, { transport: inTurn(failed(), failed(), SENT) });
    feed.offer(10);
    await pass(1);
    expect(transport.sizes).toEqual([10]);
    expect(feed.balanced()).toMatchObject({ waiting: 10, inFlight: 0, retried: 10 });
    await pass(490);
    expect(transport.sizes).toEqual([10]);
    await pass(20);
    expect(transport.sizes).toEqual([10, 10]);
    await pass(1_010);
    expect(transport.sizes).toEqual([10, 10, 10]);
    expect(transport.sends[2]?.ids).toEqual(transport.sends[0]?.ids);
    expect(feed.balanced()).toMatchObject({ sent: 10, retried: 20, waiting: 0 });
    await run(emitter.close());
    feed.balanced();
  });

  it('asks with one request at a time, and not more often because events keep coming', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const transport = new PortTransport(() => failed());
    const { feed, emitter } = makeEngine({ threads: 8, maxBatchSize: 10 }, { transport });
    for (let step = 0; step < 60; step++) {
      feed.offer(10);
      await pass(100);
    }
    // 8 at first, all in the air before the first failure; then after 0.5, 1, 2 and 4 s.
    expect(transport.sends.length).toBeLessThanOrEqual(8 + 4);
    const probes = transport.sends.slice(-3);
    expect(new Set(probes.map(({ at }) => at)).size).toBe(3);
    transport.reply = () => SENT;
    await run(emitter.close());
    expect(feed.balanced()).toMatchObject({ sent: 600, waiting: 0 });
  });

  it('opens further requests again once one has succeeded', async () => {
    const transport = inTurn(failed());
    const { feed, emitter } = makeEngine({ threads: 4, maxBatchSize: 10 }, { transport });
    feed.offer(10);
    await pass(1);
    feed.offer(70);
    transport.reply = undefined;
    await pass(600);
    expect(transport.sends.slice(1)).toHaveLength(1);
    transport.sends[1]?.answer(SENT);
    await pass(1);
    expect(transport.sends.slice(2)).toHaveLength(4);
    for (let index = 2; index < 9; index++) {
      transport.sends[index]?.answer(SENT);
      await pass(1);
      feed.balanced();
    }
    expect(feed.balanced().sent).toBe(80);
    await run(emitter.close());
  });

  it('does not take a rejection for a recovery: only a success ends the backoff', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const { feed, transport, emitter } = makeEngine(
      { maxBatchSize: 10 },
      { transport: inTurn(failed(), rejected(401, 'caller'), failed(), SENT) },
    );
    feed.offer(20);
    await pass(510);
    // The second attempt was rejected; what follows it comes at once, as the next probe, and fails for the second time.
    expect(transport.sizes).toEqual([10, 10, 10]);
    await pass(950);
    expect(transport.sizes).toHaveLength(3);
    await pass(60);
    expect(transport.sizes).toHaveLength(4);
    expect(feed.balanced()).toMatchObject({ sent: 10, dropped: { rejected: 10 } });
    await run(emitter.close());
  });

  it('counts events that were in one request, sent, rejected and kept, each for itself', async () => {
    const { feed, transport, emitter } = makeEngine(
      { batchSize: 3 },
      { transport: inTurn([SENT, rejected(), failed()], SENT) },
    );
    feed.offer(3);
    await pass(1);
    expect(feed.balanced()).toMatchObject({ sent: 1, waiting: 1, dropped: { rejected: 1 }, retried: 1 });
    await pass(600);
    expect(transport.sends[1]?.ids).toEqual([feed.accepted[2]]);
    expect(feed.balanced()).toMatchObject({ sent: 2, waiting: 0 });
    await run(emitter.close());
  });

  it.each([
    ['nothing', undefined],
    ['no list', { status: 'odd' }],
    ['a list that is too short', [SENT]],
  ])('keeps the events and backs off when the answer makes no sense: %s', async (_what, answer) => {
    const transport = inTurn(answer as never, SENT);
    const { feed, emitter } = makeEngine({ batchSize: 2 }, { transport });
    feed.offer(2);
    await pass(1);
    expect(feed.balanced().waiting).toBe(Array.isArray(answer) ? 1 : 2);
    await pass(90);
    expect(transport.sends).toHaveLength(1);
    await pass(600);
    expect(feed.balanced().sent).toBe(2);
    await run(emitter.close());
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['rejects with something that is no error', () => Promise.reject(undefined as unknown as Error)],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
  ])('keeps the events when the transport %s', async (_what, reply) => {
    const transport = new PortTransport(reply as never);
    const { feed, emitter } = makeEngine({ batchSize: 2 }, { transport });
    feed.offer(2);
    await pass(1);
    expect(feed.balanced()).toMatchObject({ waiting: 2, inFlight: 0 });
    transport.reply = () => SENT;
    await pass(600);
    expect(feed.balanced().sent).toBe(2);
    await run(emitter.close());
  });
});

describe('a Retry-After', () => {
  it('holds back every request until then, with events arriving all the time', async () => {
    const transport = inTurn(failed(30_000), SENT);
    const { feed, emitter } = makeEngine({ threads: 8, flushIntervalMs: 100 }, { transport });
    feed.offer(10);
    await pass(1);
    for (let second = 0; second < 29; second++) {
      feed.offer(100);
      await pass(1_000);
    }
    expect(transport.sends).toHaveLength(1);
    await pass(1_500);
    expect(transport.sends.length).toBeGreaterThan(1);
    expect((transport.sends[1]?.at ?? 0) - (transport.sends[0]?.at ?? 0)).toBeLessThanOrEqual(30_500);
    expect(feed.balanced()).toMatchObject({ sent: 2_910 });
    await run(emitter.close());
  });

  it('is never shorter than the backoff', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const transport = inTurn(failed(1), SENT);
    const { feed, emitter } = makeEngine({}, { transport });
    feed.offer(10);
    await pass(490);
    expect(transport.sends).toHaveLength(1);
    await pass(20);
    expect(transport.sends).toHaveLength(2);
    await run(emitter.close());
    feed.balanced();
  });

  it('is not overridden by a flush, which returns at once', async () => {
    const transport = inTurn(failed(30_000), SENT);
    const { feed, emitter } = makeEngine({}, { transport });
    feed.offer(10);
    await pass(1);
    expect(await run(emitter.flush())).toEqual({ sent: 0, failed: 0, remaining: 10 });
    expect(transport.sends).toHaveLength(1);
    await pass(30_001);
    expect(feed.balanced().sent).toBe(10);
    await run(emitter.close());
  });

  it('that comes in the middle of a flush ends it', async () => {
    const transport = inTurn(failed(30_000), SENT);
    const { feed, emitter } = makeEngine({ maxBatchSize: 10 }, { transport });
    feed.offer(9);
    feed.offer(20);
    expect(await run(emitter.flush())).toEqual({ sent: 0, failed: 10, remaining: 29 });
    expect(feed.balanced()).toMatchObject({ waiting: 29, inFlight: 0 });
    await pass(30_500);
    expect(feed.balanced().sent).toBe(29);
    expect(transport.sends[1]?.ids).toEqual(feed.accepted.slice(0, 10));
    await run(emitter.close());
  });

  it('that is longer than a close has time for ends the close', async () => {
    const { feed, emitter } = makeEngine({}, { transport: inTurn(failed(30_000)) });
    feed.offer(10);
    await pass(1);
    expect(await run(emitter.close({ timeoutMs: 5_000 }))).toEqual({ sent: 0, failed: 10, remaining: 0 });
    expect(feed.balanced().dropped.shutdown).toBe(10);
  });
});

describe('a flush during the backoff', () => {
  it('tries every batch once, at once, and counts that as one failure', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const transport = new PortTransport(() => failed());
    const { feed, emitter } = makeEngine({ maxBatchSize: 10 }, { transport });
    feed.offer(10);
    await pass(1);
    feed.offer(50);
    expect(await run(emitter.flush())).toEqual({ sent: 0, failed: 60, remaining: 60 });
    expect(transport.sends).toHaveLength(1 + 6);
    expect(new Set(transport.sends.slice(1).flatMap(({ ids }) => ids)).size).toBe(60);
    // Two failures in a row, not seven: the next attempt is due within a second.
    await pass(1_010);
    expect(transport.sends).toHaveLength(8);
    expect(transport.sends[7]?.ids).toEqual(feed.accepted.slice(0, 10));
    transport.reply = () => SENT;
    await run(emitter.close());
    expect(feed.balanced().sent).toBe(60);
  });
});

describe('a batch that is too large', () => {
  const upTo = (limit: number): PortTransport =>
    new PortTransport((events) => (events.length > limit ? TOO_LARGE : SENT));

  it('is halved until it fits, the smaller size is remembered, and forgotten step by step', async () => {
    const transport = upTo(10);
    const { feed, emitter } = makeEngine({}, { transport });
    feed.offer(250);
    await run(emitter.flush());
    const refused = transport.sizes.filter((size) => size > 10).length;
    expect(refused).toBeLessThanOrEqual(Math.log2(250) + 2);
    expect(feed.balanced()).toMatchObject({ sent: 250, waiting: 0 });
    transport.sends.length = 0;
    feed.offer(250);
    await run(emitter.flush());
    expect(transport.sizes.filter((size) => size > 10).length).toBeLessThanOrEqual(2);
    transport.reply = () => SENT;
    for (let count = 0; count < 250; count++) {
      feed.offer(10);
      await run(emitter.flush());
    }
    transport.sends.length = 0;
    feed.offer(250);
    await run(emitter.flush());
    expect(transport.sizes).toEqual([250]);
    await run(emitter.close());
    feed.balanced();
  });

  it('is not waited for: the halves follow at once', async () => {
    const transport = upTo(3);
    const { feed, emitter } = makeEngine({}, { transport });
    feed.offer(10);
    await pass(1);
    expect(feed.balanced()).toMatchObject({ sent: 10, retried: 0 });
    await run(emitter.close());
  });

  it('that holds one event gives it up, and the others pass', async () => {
    const dropped: unknown[] = [];
    const transport = new PortTransport((events) => (events.some(({ bytes }) => bytes > 1_000) ? TOO_LARGE : SENT));
    const { feed, emitter } = makeEngine(
      {
        batchSize: 100,
        onDrop: ({ events, reason, error }) => dropped.push(events[0]?.['eid'], reason, error?.message),
      },
      { transport },
    );
    feed.offer(20);
    feed.offer(1, { title: 'x'.repeat(1_000) });
    feed.offer(20);
    await run(emitter.flush());
    expect(feed.balanced()).toMatchObject({ sent: 40, dropped: { 'too-large': 1 }, waiting: 0 });
    expect(dropped).toEqual([feed.accepted[20], 'too-large', 'too much']);
    expect(transport.sends.filter(({ ids }) => ids.includes(feed.accepted[20] as string)).length).toBeLessThanOrEqual(
      7,
    );
    await run(emitter.close());
  });

  it('of many events is not learnt from one large event for ever', async () => {
    const transport = new PortTransport((events) => (events.some(({ bytes }) => bytes > 1_000) ? TOO_LARGE : SENT));
    const { feed, emitter } = makeEngine({ batchSize: 300 }, { transport });
    feed.offer(1, { title: 'x'.repeat(1_000) });
    feed.offer(200);
    await run(emitter.flush());
    transport.sends.length = 0;
    feed.offer(200);
    await run(emitter.flush());
    expect(transport.sizes).toEqual([200]);
    await run(emitter.close());
    feed.balanced();
  });
});
