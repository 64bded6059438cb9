// The entry point `snowplow-middleware/bullmq`: events travel in the jobs of a queue, and its workers deliver them.
// Floor 2: may import delivery and core; takes the user's queue by its shape. Next: bullmq-emitter.ts, processor.ts.
export type { DeliveryOptions } from '../delivery/delivery';
export { BullMqEmitter, type BullMqEmitterOptions } from './bullmq-emitter';
export { createProcessor, type JobLike } from './processor';
export type { QueueLike } from './queue-transport';
