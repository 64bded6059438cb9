// What the user's callbacks are told, and that nothing they do can harm the delivery.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Emitter, type EmitterOptions, type Logger } from 'snowplow-middleware';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failed, makeEngine, PortTransport, rejected, SENT } from '../../support/engine';
import { expectBalanced, Feed, sampleEvent } from '../../support/feed';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('callbacks and loggers', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  let collector: Collector;
  beforeEach(async () => {
    process.on('unhandledRejection', note).on('uncaughtException', note);
    collector = await startCollector();
  });
  afterEach(async () => {
    await turn();
    process.off('unhandledRejection', note).off('uncaughtException', note);
    await collector.close();
    expect(unhandled.splice(0)).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    [
      'throw',
      () => {
        throw new Error('broken');
      },
    ],
    [
      'throw what is no error',
      () => {
        throw undefined;
      },
    ], // oxlint-disable-line no-throw-literal
    ['reject', () => Promise.reject(new Error('broken'))],
    ['never settle', () => new Promise(() => {})],
  ])('that %s do not stop the delivery', async (_what, broken) => {
    const callback = broken as () => void;
    const logger: Logger = { debug: callback, info: callback, warn: callback, error: callback };
    // Refused for good are a batch, and then each of its two events.
    for (const status of [503, 400, 400, 400, 413]) collector.fail({ status, times: 1 });
    const emitter = new Emitter(collector.url, {
      batchSize: 2, maxBatchSize: 2, bufferCapacity: 10, maxRetryDelayMs: 5, logger, onSuccess: callback, onFailure: callback, onDrop: callback,
    }); // prettier-ignore
    const feed = new Feed(emitter);
    feed.offer(12);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(8), 30_000);
    feed.offer(2);
    expect((await emitter.flush()).sent).toBe(2);
    await emitter.close();
    expect(feed.balanced()).toMatchObject({ sent: 10, dropped: { rejected: 2 }, refused: { full: 2 } });
  });
});

it('every callback and every line of the log finds the counts in balance', async () => {
  const results = [SENT, failed(), rejected()];
  let next = 0;
  const check = (): void => void (emitter && expectBalanced(emitter));
  const checks: string[] = [];
  const looking = (name: string) => (): void => {
    check();
    checks.push(name);
  };
  const logger: Logger = {
    debug: looking('debug'),
    info: looking('info'),
    warn: looking('warn'),
    error: looking('error'),
  };
  const settings = {
    maxBatchSize: 4,
    onSuccess: looking('success'),
    onFailure: looking('failure'),
    onDrop: looking('drop'),
  };
  const transport = new PortTransport((events) => events.map(() => results[next++ % 3] ?? SENT));
  const { emitter, feed } = makeEngine(settings, { transport, logger });
  const guard = vi.spyOn(emitter, 'stats');
  feed.offer(40);
  for (let round = 0; round < 4; round++) await emitter.flush();
  await emitter.close({ timeoutMs: 30 });
  for (const result of guard.mock.results) {
    const { accepted, recovered, sent, dropped, waiting, inFlight } = result.value as ReturnType<typeof emitter.stats>;
    expect(sent + dropped.rejected + dropped.shutdown + waiting + inFlight).toBe(accepted + recovered);
  }
  expect(new Set(checks)).toEqual(new Set(['success', 'failure', 'drop', 'warn']));
});

it('timers and sends do not keep the context of the request in which an event was tracked', async () => {
  const collector = await startCollector();
  collector.fail({ status: 503, times: 1 });
  const storage = new AsyncLocalStorage<string>();
  const contexts: unknown[] = [];
  const look = (): void => void contexts.push(storage.getStore());
  const options: Partial<EmitterOptions> = {
    flushIntervalMs: 10, maxRetryDelayMs: 5, logger: false, onSuccess: look, onFailure: look,
  }; // prettier-ignore
  const emitter = new Emitter(collector.url, options);
  storage.run('the request', () => emitter.input(sampleEvent()));
  await vi.waitFor(() => expect(contexts).toHaveLength(2), 30_000);
  storage.run('another', () => {
    for (let count = 0; count < 10; count++) emitter.input(sampleEvent());
  });
  await vi.waitFor(() => expect(contexts).toHaveLength(3), 30_000);
  emitter.input(sampleEvent());
  await storage.run('a flush', () => emitter.flush());
  expect(contexts).toEqual([undefined, undefined, undefined, undefined]);
  await emitter.close();
  await collector.close();
});
