// The entry point `snowplow-middleware/bullmq`: events travel in the jobs of a queue, and its workers deliver them.
export type { DeliveryOptions } from '../delivery/delivery';
export { BullMqEmitter, type BullMqEmitterOptions } from './bullmq-emitter';
export { createProcessor, type JobLike } from './processor';
export type { QueueLike } from './queue-transport';
