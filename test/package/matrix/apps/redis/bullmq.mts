// A queue of BullMQ is a queue as the package takes it, and its workers take our processor.
import { Queue, Worker } from 'bullmq';
import { BullMqEmitter, createProcessor } from 'snowplow-middleware/bullmq';

const connection = { host: '127.0.0.1' };
export const emitter = (): BullMqEmitter => new BullMqEmitter({ queue: new Queue('a', { connection }) });
export const worker = (): Worker => new Worker('a', createProcessor({ endpoint: 'a.example' }), { connection });
