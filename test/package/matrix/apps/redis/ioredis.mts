// A client of ioredis is a client as the package takes it, and so is a cluster.
import { Cluster, Redis } from 'ioredis';
import { RedisEmitter, RedisWorker } from 'snowplow-middleware/redis';

export const emitter = (): RedisEmitter => new RedisEmitter({ redis: new Redis() });
export const worker = (): RedisWorker => new RedisWorker({ redis: new Cluster([]), endpoint: 'a.example' });
