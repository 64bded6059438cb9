// Under load requests are few and full: what comes within a twentieth of a second shares one.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makeEngine, PortTransport, SENT } from '../../support/engine';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const sending = (): PortTransport => new PortTransport(() => SENT);

it('sends the first batch at once, and those that follow closely in one request for each fifty milliseconds', async () => {
  const { feed, transport, emitter } = makeEngine({ batchSize: 10 }, { transport: sending() });
  for (let tens = 0; tens < 20; tens++) {
    feed.offer(10);
    await pass(10);
  }
  const gaps = transport.sends.slice(1).map(({ at }, index) => at - (transport.sends[index]?.at ?? 0));
  expect(transport.sizes[0]).toBe(10);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
  await pass(50);
  expect(feed.balanced()).toMatchObject({ sent: 200, waiting: 0 });
  await pass(50);
  feed.offer(10);
  await pass(1);
  expect(transport.sizes.at(-1)).toBe(10);
  vi.useRealTimers();
  await emitter.close();
});

it('keeps no full request waiting, and none of a flush', async () => {
  const { feed, transport, emitter } = makeEngine({ batchSize: 10, maxBatchSize: 20 }, { transport: sending() });
  for (let ms = 0; ms < 5; ms++) {
    feed.offer(20);
    await pass(1);
  }
  expect(transport.sizes).toEqual([20, 20, 20, 20, 20]);
  for (let round = 0; round < 3; round++) {
    feed.offer(3);
    const report = emitter.flush();
    await pass(0);
    expect(await report).toMatchObject({ sent: 3, remaining: 0 });
  }
  vi.useRealTimers();
  await emitter.close();
});
