// The registry: the trackers of this process by name, for code that cannot reach them in another way.
import { isAbsent } from './core/contracts';
import { ConfigError } from './core/errors';
import { readOptions } from './core/options';
import type { Tracker } from './core/tracker/tracker';
import { createTracker, type CreateTrackerOptions } from './create-tracker';

const trackers = new Map<string, Tracker>();

/**
 * A registry of trackers by namespace.
 *
 * @example
 * Snowplow.createTracker({ endpoint: 'collector.acme.com', namespace: 'jobs' });
 * Snowplow.getTracker('jobs')?.trackScreenView({ name: 'Report' });
 */
export const Snowplow = {
  /**
   * Creates a tracker and registers it.
   *
   * @throws ConfigError if there is no namespace, or another tracker has it.
   */
  createTracker(options: CreateTrackerOptions & { namespace: string }): Tracker {
    const { namespace } = readOptions('Snowplow.createTracker', options);
    if (isAbsent(namespace))
      throw new ConfigError('Snowplow.createTracker: namespace', 'a non-empty string', 'nothing');
    if (trackers.has(namespace)) throw taken('createTracker');
    return Snowplow.addTracker(createTracker(options, 'Snowplow.createTracker'));
  },

  /** Registers a tracker. @throws ConfigError if it has no namespace, or another tracker has the same. */
  addTracker(tracker: Tracker): Tracker {
    const namespace = namespaceOf(tracker);
    if (!namespace) throw new ConfigError('Snowplow.addTracker: tracker', 'a tracker with a namespace');
    if ((trackers.get(namespace) ?? tracker) !== tracker) throw taken('addTracker');
    trackers.set(namespace, tracker);
    return tracker;
  },

  getTracker(namespace: string): Tracker | undefined {
    return trackers.get(namespace);
  },

  /** Removes a tracker from the registry; the caller closes it. */
  removeTracker(tracker: Tracker | string): boolean {
    return trackers.delete(typeof tracker === 'string' ? tracker : (namespaceOf(tracker) ?? ''));
  },

  /** Removes every tracker from the registry. */
  reset(): void {
    trackers.clear();
  },
};

function namespaceOf(tracker: Tracker): string | undefined {
  try {
    const { namespace } = tracker;
    return typeof namespace === 'string' ? namespace : undefined;
  } catch {
    return undefined;
  }
}

const taken = (method: string): ConfigError =>
  new ConfigError(`Snowplow.${method}: namespace`, 'one that no registered tracker has');
