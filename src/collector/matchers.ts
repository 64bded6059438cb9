// Matchers for `expect.extend`, in Vitest and in Jest.
import { ConfigError, show } from '../core/errors';
import type { Collector } from './collector';
import { explainMiss, nameOf, word } from './expect/explain';
import { type EventFilter, matcherOf } from './expect/match';

interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/**
 * `expect(collector).toHaveTracked(filter)`: at least one good event in the collector matches. It checks only events that have
 * arrived: call `await collector.waitFor(filter)` first if the tracker may still be sending.
 *
 * @example
 * expect.extend(trackingMatchers);
 * expect(collector).toHaveTracked({ event: 'page_view', page_url: 'https://shop.example/catalogue' });
 * expect(collector).not.toHaveTracked({ event: 'struct', se_action: 'buy' });
 */
export const trackingMatchers = {
  /** @throws ConfigError for a value that is not a collector, or a filter that no event can match. */
  toHaveTracked(received: unknown, filter: EventFilter): MatcherResult {
    if (!isCollector(received)) throw new ConfigError('toHaveTracked: expect(…)', 'a collector', show(received));
    const good = received.good();
    const found = good.find(matcherOf('toHaveTracked', filter));
    const wanted = typeof filter === 'function' ? 'that the function accepts' : `like ${word(filter)}`;
    return {
      pass: found !== undefined,
      message: () =>
        found
          ? `Expected no event ${wanted}, but event ${found.number} is one: ${nameOf(found)}.`
          : `Expected an event ${wanted}.\n${explainMiss(filter, good, received.bad())}`,
    };
  },
};

function isCollector(value: unknown): value is Pick<Collector, 'good' | 'bad'> {
  const candidate = value as Partial<Collector> | null | undefined;
  return typeof candidate?.good === 'function' && typeof candidate.bad === 'function';
}

declare global {
  // Both Jest's and Vitest's types look here, so neither has to be installed.
  namespace jest {
    interface Matchers<R, T = {}> {
      /** Passes when at least one good event matches; see {@link trackingMatchers}. */
      toHaveTracked(filter: EventFilter): R;
    }
  }
}

/** @ts-ignore -- `@jest/globals` gets its types from here; without Jest there is nothing to extend. */
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> {
    /** Passes when at least one good event matches; see {@link trackingMatchers}. */
    toHaveTracked(filter: EventFilter): R;
  }
}
