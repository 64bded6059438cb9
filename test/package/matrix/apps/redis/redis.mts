// A client of node-redis is a client as the package takes it.
import { createClient } from 'redis';
import { RedisEmitter, RedisWorker } from 'snowplow-middleware/redis';

export const emitter = (): RedisEmitter => new RedisEmitter({ redis: createClient() });
export const worker = (): RedisWorker => new RedisWorker({ redis: createClient({ RESP: 3 }), endpoint: 'a.example' });
