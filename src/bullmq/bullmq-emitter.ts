// The emitter into a job queue: the counterpart of a task queue's producer. Sending happens in the queue's workers.
import { ConfigError } from '../core/errors';
import { having, type OptionRules, resolveOptions } from '../core/options';
import { BatchEmitter } from '../delivery/engine/batch-emitter';
import { BUFFER_RULES, type BufferOptions, DEFAULTS } from '../delivery/options';
import { overTransport } from '../delivery/transport-emitter';
import { QueueTransport, type QueueLike } from './queue-transport';

/** Options of a {@link BullMqEmitter}. */
export interface BullMqEmitterOptions extends BufferOptions {
  /** Your queue, which you close. */
  queue: QueueLike;
}

const RULES: OptionRules<BullMqEmitterOptions> = {
  ...BUFFER_RULES,
  queue: having('a queue with an add method', 'add'),
};

/**
 * Puts events into a job queue, a batch a job, for a worker with {@link createProcessor} to deliver. While the queue is
 * away, events wait in the emitter's own bounded buffer. A job is tried for about a day, and one that failed for good stays
 * in the queue's failed jobs, unless the queue's own `defaultJobOptions` say otherwise.
 *
 * @throws ConfigError that names the option.
 * @example
 * const emitter = new BullMqEmitter({ queue: new Queue('snowplow', { connection }) });
 */
export class BullMqEmitter extends BatchEmitter {
  constructor(options: BullMqEmitterOptions) {
    const { queue, ...buffer } = resolveOptions('BullMqEmitter', options, RULES, {});
    if (!queue) throw new ConfigError('BullMqEmitter: queue', RULES.queue.expected, 'nothing');
    // One job is what one request to the collector carries.
    super(...overTransport('BullMqEmitter', buffer, DEFAULTS.maxPostBytes, () => new QueueTransport(queue)));
  }
}
