// The entry point `snowplow-middleware/redis`: events wait in a Redis list, and workers deliver them.
export type { DeliveryOptions } from '../delivery/delivery';
export type { RedisClientLike } from './client/client';
export { RedisEmitter, type RedisEmitterOptions } from './redis-emitter';
export { RedisWorker, type RedisWorkerOptions, type WorkerReport } from './worker/redis-worker';
