// A collector, and trackers that send to it, for the parity tests.
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import { Emitter, type EmitterOptions, type Payload, Tracker, type TrackerOptions } from 'snowplow-middleware';

export interface Shop {
  readonly collector: Collector;
  /** An emitter to the collector, closed after the test. */
  readonly emitter: (options?: Partial<EmitterOptions>) => Emitter;
  readonly tracker: (options?: Partial<TrackerOptions>, emitter?: Partial<EmitterOptions>) => Tracker;
  /** Sends what waits; the payloads that the collector found good, all of them. */
  readonly arrived: (tracker: Tracker) => Promise<Payload[]>;
}

/** Starts a collector for the tests of a file, forgets its events after each and closes it in the end. */
export function useShop(): Shop {
  let collector: Collector;
  const open: Emitter[] = [];
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterEach(async () => {
    collector.reset();
    await Promise.all(open.splice(0).map((emitter) => emitter.close({ timeoutMs: 1_000 })));
    collector.reset();
  });
  afterAll(() => collector.close());

  const emitter: Shop['emitter'] = (options) => {
    const made = new Emitter(collector.url, { logger: false, ...options });
    open.push(made);
    return made;
  };
  return {
    get collector() {
      return collector;
    },
    emitter,
    tracker: (options, emitterOptions) => new Tracker({ emitters: emitter(emitterOptions), logger: false, ...options }),
    async arrived(tracker) {
      await tracker.flush();
      collector.assertAllGood();
      return collector.good().map(({ payload }) => payload);
    },
  };
}
