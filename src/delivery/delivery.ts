// How an emitter delivers, without where it keeps its events: what the workers of queues take from it.
import type { EmitterLike, EncodedEvent } from '../core/emitter';
import { ConfigError } from '../core/errors';
import { Log } from '../core/logger';
import { having, type OptionRules } from '../core/options';
import { type BatchEmitter, DELIVERY, type EngineSettings } from './engine/batch-emitter';
import { assemble } from './emitter';
import { ASYNC_EMITTER_RULES, type AsyncEmitterOptions, DEFAULTS } from './options';
import { asError, type Outcome, type Transport } from './transport';
import { overTransport } from './transport-emitter';

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
  if (!emitter) return partsOf(assemble(owner, options as AsyncEmitterOptions, undefined, ASYNC_EMITTER_RULES, 1));
  const { logger, ...own } = options;
  const [beside] = Object.keys(own);
  if (beside) throw new ConfigError(`${owner}: ${beside}`, 'left out beside `emitter`, which has options of its own');
  if (!(DELIVERY in emitter))
    return partsOf(overTransport(owner, { logger }, DEFAULTS.maxPostBytes, () => handOver(emitter)));
  const { settings, transport } = (emitter as BatchEmitter)[DELIVERY];
  return { settings, transport: borrowed(transport), log: new Log(logger) };
}

const partsOf = ([settings, , transport, log]: ConstructorParameters<typeof BatchEmitter>): Delivery => ({
  settings,
  transport,
  log,
});

// Who made it closes it.
const borrowed = (transport: Transport): Transport => ({
  fits: (event) => transport.fits(event),
  send: (events) => transport.send(events),
  close: async () => {},
});

// An emitter that is not ours takes events one by one, and what it took is its own.
function handOver(emitter: EmitterLike): Transport {
  // Awaited, because the answer of an emitter of the user's may be a promise.
  const give = async (event: EncodedEvent): Promise<Outcome> => {
    try {
      const answer = await (emitter.input(event.payload(), event) as unknown);
      if (answer !== false) return { status: 'sent' };
      return { status: 'retry', error: new Error('the emitter refused the event') };
    } catch (error) {
      return { status: 'retry', error: asError(error) };
    }
  };
  return { fits: () => true, send: (events) => Promise.all(events.map(give)), close: async () => {} };
}
