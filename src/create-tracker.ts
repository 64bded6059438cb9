// The composition root: creates an emitter, and a tracker that owns it, from one options object.
import { ConfigError } from './core/errors';
import { asChecked, custom, isPlain, type OptionRules, readOptions, resolveOptions, text } from './core/options';
import { Tracker, TRACKER_RULES, type TrackerOptions } from './core/tracker/tracker';
import { AsyncEmitter } from './delivery/emitter';
import { ASYNC_EMITTER_RULES, type AsyncEmitterOptions } from './delivery/options';
import type { EventStore } from './delivery/store/event-store';
import { DiskEventStore } from './disk/disk-event-store';

/** Options of {@link createTracker}: those of a tracker, and where its events go. */
export interface CreateTrackerOptions extends Omit<TrackerOptions, 'emitters'> {
  /** The collector: `collector.acme.com`, or a URL with http or https. */
  endpoint: string;
  /**
   * A directory that keeps accepted events until they are delivered, so that they survive the process. `bufferCapacityBytes` then
   * limits the bytes of all processes that use it; the number of events is not limited.
   */
  durable?: string | undefined;
  /** The emitter's other options: batching, buffer, method, callbacks. */
  emitter?: Partial<Omit<AsyncEmitterOptions, 'endpoint'>> | undefined;
}

const { emitters: _emitters, ...TRACKER_OWN } = TRACKER_RULES;

export const CREATE_TRACKER_RULES: OptionRules<CreateTrackerOptions> = {
  ...TRACKER_OWN,
  endpoint: text,
  durable: text,
  emitter: custom("a plain object of the emitter's options", isPlain),
};

/** Nested objects whose options are often passed to a tracker by mistake. */
export const ELSEWHERE = { emitter: ASYNC_EMITTER_RULES };

/**
 * Creates an AsyncEmitter, and a Tracker that owns it: closing the tracker closes both.
 *
 * @param owner The owner of the options, for error messages.
 * @throws ConfigError that names the option.
 * @example
 * const tracker = createTracker({ endpoint: 'collector.acme.com', namespace: 'jobs', appId: 'shop' });
 */
export function createTracker(options: CreateTrackerOptions, owner = 'createTracker'): Tracker {
  const {
    endpoint,
    durable,
    emitter = {},
    ...trackerOptions
  } = resolveOptions(owner, options, CREATE_TRACKER_RULES, {}, ELSEWHERE);
  if (endpoint === undefined) throw new ConfigError(`${owner}: endpoint`, 'a host name or a URL', 'nothing');
  const emitterOptions = readOptions(`${owner}: emitter`, emitter);
  if ('endpoint' in emitterOptions)
    throw new ConfigError(`${owner}: emitter.endpoint`, 'left out; `endpoint` belongs next to `emitter`');
  const eventStore = durable === undefined ? undefined : durableStore(owner, durable, emitterOptions);
  try {
    const store = eventStore ? { eventStore } : {};
    const { logger, onDrop } = trackerOptions;
    const own = { ...emitterOptions, ...store, endpoint };
    own.logger ??= logger;
    own.onDrop ??= onDrop;
    const known = ['endpoint'];
    if (eventStore) known.push('eventStore');
    for (const name of ['logger', 'onDrop'] as const) if (emitterOptions[name] === undefined) known.push(name);
    const made = new AsyncEmitter(asChecked(own, known));
    return new Tracker(asChecked({ ...trackerOptions, emitters: made }), [made]);
  } catch (error) {
    // Otherwise the store would stay open, with the events that it adopted.
    void eventStore?.close?.();
    throw error;
  }
}

function durableStore(owner: string, path: string, emitter: NonNullable<CreateTrackerOptions['emitter']>): EventStore {
  for (const option of ['eventStore', 'bufferCapacity'] as const)
    if (emitter[option] !== undefined)
      throw new ConfigError(`${owner}: emitter.${option}`, 'left out, because `durable` decides where events wait');
  return new DiskEventStore({ path, maxBytes: emitter.bufferCapacityBytes });
}
