// The contract of every built-in emitter, wherever it sends: one suite, called once for each.
import type { BufferOptions, FlushReport } from 'snowplow-middleware';
import { ConfigError, Subject, structEvent, Tracker } from 'snowplow-middleware';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CountingEmitter, expectBalanced, Feed, sampleEvent, sum } from '../support/feed';

export interface BuiltInEmitter extends CountingEmitter {
  flush(options?: { timeoutMs?: number }): Promise<FlushReport>;
  close(options?: { timeoutMs?: number }): Promise<FlushReport>;
  stored(): Promise<void>;
  setFlushTimer(intervalMs: number): void;
  cancelFlushTimer(): void;
  cancelFlush(): void;
}

/** Where an emitter sends to, as a test controls it. */
export interface Destination {
  make(options: BufferOptions): BuiltInEmitter;
  /** The ids of the events that have arrived so far, each as often as it came. */
  arrived(): Promise<readonly string[]> | readonly string[];
  /** From now on nothing gets through; `repair` ends that. */
  break(): Promise<void> | void;
  repair(): Promise<void> | void;
  close(): Promise<void>;
}

/** Runs the suite. `open` makes a destination for each test. */
export function testEmitter(name: string, open: () => Promise<Destination>): void {
  describe(`${name}, as an emitter`, () => {
    let destination: Destination;
    const made: BuiltInEmitter[] = [];
    const make = (options: BufferOptions = {}): { emitter: BuiltInEmitter; feed: Feed } => {
      const emitter = destination.make({ logger: false, maxRetryDelayMs: 50, ...options });
      made.push(emitter);
      return { emitter, feed: new Feed(emitter) };
    };
    const arrived = async (): Promise<string[]> => [...(await destination.arrived())].toSorted();

    beforeEach(async () => void (destination = await open()));
    afterEach(async () => {
      await destination.repair();
      await Promise.all(made.splice(0).map((emitter) => emitter.close()));
      await destination.close();
    });

    it('delivers a full batch without a flush', async () => {
      const { feed } = make({ batchSize: 5, flushIntervalMs: 0 });
      feed.offer(5);
      await vi.waitFor(async () => expect(await arrived()).toEqual(feed.accepted.toSorted()), 30_000);
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(5), 30_000);
    });

    it('delivers an incomplete batch when its time is over', async () => {
      const { feed } = make({ flushIntervalMs: 20 });
      feed.offer(2);
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
      expect(await arrived()).toEqual(feed.accepted.toSorted());
    });

    it('delivers the remaining events on flush, and again on close', async () => {
      const { emitter, feed } = make({ flushIntervalMs: 0 });
      feed.offer(3);
      expect(await emitter.flush()).toEqual({ sent: 3, failed: 0, remaining: 0 });
      feed.offer(2);
      expect(await emitter.close()).toEqual({ sent: 2, failed: 0, remaining: 0 });
      expect(await arrived()).toEqual(feed.accepted.toSorted());
      expect(feed.balanced().sent).toBe(5);
    });

    it('delivers anonymous and other events', async () => {
      const { emitter, feed } = make({ flushIntervalMs: 0 });
      feed.offer(2);
      feed.offer(2, { anonymous: true });
      await emitter.flush();
      expect(await arrived()).toEqual(feed.accepted.toSorted());
      feed.balanced();
    });

    it('takes its events from a tracker', async () => {
      const { emitter } = make({ flushIntervalMs: 0 });
      const tracker = new Tracker({ emitters: emitter, subject: new Subject(), logger: false });
      const id = tracker.track(structEvent({ category: 'shop', action: 'add' }));
      await tracker.flush();
      expect(await arrived()).toEqual([id]);
      expectBalanced(emitter, 1);
    });

    it('refuses the new event when its buffer is full, reports it, and loses none that it accepted', async () => {
      const refused: string[] = [];
      const onDrop: BufferOptions['onDrop'] = ({ events, reason }) =>
        refused.push(...events.map(({ eid }) => `${reason} ${eid}`));
      const { emitter, feed } = make({ bufferCapacity: 5, batchSize: 5, flushIntervalMs: 0, onDrop });
      expect(feed.offer(8)).toBe(5);
      expect(refused).toEqual(feed.refused.map((id) => `full ${id}`));
      expect(feed.balanced().refused.full).toBe(3);
      await emitter.flush();
      expect(await arrived()).toEqual(feed.accepted.toSorted());
    });

    it('keeps its events while nothing gets through, and delivers them once it does', async () => {
      const { emitter, feed } = make({ batchSize: 2, flushIntervalMs: 0 });
      await destination.break();
      feed.offer(6);
      await vi.waitFor(() => expect(feed.balanced().retried).toBeGreaterThan(0), 30_000);
      expect(sum(feed.balanced().dropped)).toBe(0);
      await destination.repair();
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(6), 30_000);
      expect(new Set(await arrived())).toEqual(new Set(feed.accepted));
      await emitter.close();
      feed.balanced();
    });

    it('closes in time when nothing gets through, and reports the rest', async () => {
      const dropped: unknown[] = [];
      const { emitter, feed } = make({ onDrop: ({ events, reason }) => dropped.push(events.length, reason) });
      await destination.break();
      feed.offer(3);
      const report = await emitter.close({ timeoutMs: 100 });
      expect(report).toEqual({ sent: 0, failed: 3, remaining: 0 });
      expect(dropped).toEqual([3, 'shutdown']);
      expect(feed.balanced().dropped.shutdown).toBe(3);
    });

    it('is closed once, and refuses from then on', async () => {
      const { emitter, feed } = make();
      const closed = emitter.close();
      expect(emitter.close()).toBe(closed);
      await closed;
      expect(feed.offer(1)).toBe(0);
      expect(feed.balanced().refused.closed).toBe(1);
      expect(await emitter.flush()).toEqual({ sent: 0, failed: 0, remaining: 0 });
    });

    it('refuses a value that is not an event, and does not throw', () => {
      const { emitter } = make();
      for (const junk of [{}, { e: 'pv' }, null, undefined, 'text'])
        expect(emitter.input(junk as Record<string, string>)).toBe(false);
      expect(expectBalanced(emitter, 5).refused.invalid).toBe(5);
    });

    it('is not harmed by callbacks and loggers that throw or reject', async () => {
      const broken = (): never => {
        throw new Error('the app is broken');
      };
      const { emitter, feed } = make({
        bufferCapacity: 2,
        onDrop: broken,
        logger: { debug: broken, info: broken, warn: broken, error: broken },
      });
      feed.offer(3);
      expect((await emitter.flush()).sent).toBe(2);
      expect(feed.balanced()).toMatchObject({ sent: 2, refused: { full: 1 } });
    });

    it('calls no callback for an event that a callback tracked', async () => {
      const told: string[] = [];
      const given = new Set<string>();
      let free = (): void => {};
      const flushed = new Promise<void>((resolve) => (free = resolve));
      const give = (): void => {
        const event = sampleEvent();
        given.add(event['eid'] as string);
        emitter.input(event);
      };
      const onDrop: BufferOptions['onDrop'] = ({ events, reason }) => {
        told.push(...events.map(({ eid }) => `${reason} ${eid}`));
        give();
        void flushed.then(give);
      };
      const { emitter, feed } = make({ bufferCapacity: 3, batchSize: 5, flushIntervalMs: 0, onDrop });
      feed.offer(3);
      const one = sampleEvent();
      emitter.input(one);
      await emitter.flush();
      free();
      await new Promise(setImmediate);
      expect(told, 'refused at once, and accepted later').toEqual([`full ${one['eid']}`]);
      expect(expectBalanced(emitter, 6)).toMatchObject({ accepted: 4, refused: { full: 2 } });
      await destination.break();
      await emitter.close({ timeoutMs: 50 });
      expect(told).toHaveLength(1);
      expect([given.size, expectBalanced(emitter, 6).dropped.shutdown]).toEqual([2, 1]);
    });

    it.each([20_000, { timeoutMs: 20_000 }, null, undefined, 'SIGTERM', { timeoutMs: NaN }])(
      'takes a limit of its flush and its close as %j, and both can be handed around',
      async (limit) => {
        const { emitter, feed } = make({ flushIntervalMs: 0 });
        feed.offer(1);
        const { flush, close } = emitter as { flush(limit: unknown): unknown; close(limit: unknown): unknown };
        expect(await flush(limit)).toEqual({ sent: 1, failed: 0, remaining: 0 });
        expect(await close(limit)).toEqual({ sent: 0, failed: 0, remaining: 0 });
      },
    );

    it.each(['flush', 'close'] as const)(
      'ends a %s in time when nothing gets through, by a number too',
      async (end) => {
        const { emitter, feed } = make({ flushIntervalMs: 0 });
        await destination.break();
        feed.offer(1);
        const { sent, failed, remaining } = await emitter[end](50 as never);
        expect([sent, failed + remaining]).toEqual([0, end === 'close' ? 1 : failed + remaining]);
      },
    );

    it.each(['flush', 'close'] as const)('completes a %s while a test fakes the time', async (end) => {
      const { emitter, feed } = make({ flushIntervalMs: 0 });
      feed.offer(1);
      vi.useFakeTimers();
      try {
        expect(await emitter[end]()).toEqual({ sent: 1, failed: 0, remaining: 0 });
        await destination.break();
        feed.offer(1);
        expect((await emitter[end]({ timeoutMs: 50 })).sent).toBe(end === 'close' ? 1 : 0);
      } finally {
        vi.useRealTimers();
      }
    });

    it('has a flush timer that can be replaced and stopped', async () => {
      const { emitter, feed } = make({ flushIntervalMs: 0 });
      feed.offer(1);
      emitter.setFlushTimer(10);
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(1), 30_000);
      emitter.cancelFlushTimer();
      emitter.cancelFlush();
      expect(() => emitter.setFlushTimer(-1)).toThrow(ConfigError);
    });

    it('says when its events are stored', async () => {
      const { emitter, feed } = make();
      feed.offer(1);
      await expect(emitter.stored()).resolves.toBeUndefined();
    });

    it('takes the same event object twice without harm', async () => {
      const { emitter } = make({ flushIntervalMs: 0 });
      const event = sampleEvent();
      emitter.input(event);
      emitter.input(event);
      await emitter.flush();
      expect(await arrived()).toEqual([event['eid'], event['eid']]);
      expectBalanced(emitter, 2);
    });

    it.each([
      ['batchSize', 0],
      ['maxBatchSize', 1.5],
      ['byteLimit', -1],
      ['flushIntervalMs', 2 ** 31],
      ['bufferCapacity', '10'],
      ['bufferCapacityBytes', NaN],
      ['maxRetryDelayMs', Infinity],
      ['eventStore', {}],
      ['onDrop', 'log'],
      ['logger', console.log],
    ])('says what is wrong with %s: %s', (option, value) => {
      expect(() => destination.make({ [option]: value })).toThrow(ConfigError);
      expect(() => destination.make({ [option]: value })).toThrow(option);
    });
  });
}
