// How an emitter delivers, without where it keeps its events: what the workers of queues take from it.
import type { EmitterLike, EncodedEvent } from '../core/emitter';
import { ConfigError } from '../core/errors';
import { Log } from '../core/logger';
import { having, type OptionRules } from '../core/options';
import { type BatchEmitter, DELIVERY, type EngineSettings } from './engine/batch-emitter';
import { assemble } from './emitter';
import { ASYNC_EMITTER_RULES, type AsyncEmitterOptions, batching, DEFAULTS } from './options';
import { asError, type Outcome, type Transport } from './transport';

/** How a worker delivers: by `endpoint` and an emitter's other options, or as an emitter of yours does. */
export interface DeliveryOptions extends Omit<Partial<AsyncEmitterOptions>, 'eventStore'> {
  /** Deliver as this emitter does: with its options and callbacks, over its connections. You close it. */
  emitter?: EmitterLike | undefined;
}

export interface Delivery {
  readonly settings: EngineSettings;
  readonly transport: Transport;
  readonly log: Log;
}

const { eventStore: _eventStore, ...EMITTER_OWN } = ASYNC_EMITTER_RULES;

export const DELIVERY_RULES: OptionRules<DeliveryOptions> = {
  ...EMITTER_OWN,
  emitter: having('an emitter', 'input'),
};

/**
 * @param options Checked already.
 * @throws ConfigError when there is neither an endpoint nor an emitter, or both.
 */
export function deliveryOf(owner: string, { emitter, ...options }: DeliveryOptions): Delivery {
  if (!emitter) {
    const [settings, , transport, log] = assemble(
      owner,
      options as AsyncEmitterOptions,
      undefined,
      ASYNC_EMITTER_RULES,
      1,
    );
    return { settings, transport, log };
  }
  const { logger, ...own } = options;
  const [beside] = Object.keys(own);
  if (beside) throw new ConfigError(`${owner}: ${beside}`, 'left out beside `emitter`, which has options of its own');
  const log = new Log(logger);
  if (DELIVERY in emitter) {
    const { settings, transport } = (emitter as BatchEmitter)[DELIVERY];
    return { settings, transport: borrowed(transport), log };
  }
  const settings = {
    ...batching(owner, {}),
    byteLimit: Infinity,
    maxBytes: DEFAULTS.maxPostBytes,
    flushIntervalMs: DEFAULTS.flushIntervalMs,
    maxRetryDelayMs: DEFAULTS.maxRetryDelayMs,
    threads: 1,
  };
  return { settings, transport: new HandOver(emitter), log };
}

// Who made it closes it.
const borrowed = (transport: Transport): Transport => ({
  fits: (event) => transport.fits(event),
  send: (events) => transport.send(events),
  close: async () => {},
});

// An emitter that is not ours takes events one by one, and what it took is its own.
class HandOver implements Transport {
  readonly #emitter: EmitterLike;

  constructor(emitter: EmitterLike) {
    this.#emitter = emitter;
  }

  fits(): boolean {
    return true;
  }

  send(events: readonly EncodedEvent[]): Promise<readonly Outcome[]> {
    return Promise.all(events.map((event) => this.#give(event)));
  }

  // Awaited, because the answer of an emitter of the user's may be a promise.
  async #give(event: EncodedEvent): Promise<Outcome> {
    try {
      const answer = await (this.#emitter.input(event.payload(), event) as unknown);
      if (answer !== false) return { status: 'sent' };
      return { status: 'retry', error: new Error('the emitter refused the event') };
    } catch (error) {
      return { status: 'retry', error: asError(error) };
    }
  }

  async close(): Promise<void> {}
}
