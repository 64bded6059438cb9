// A client of valkey-glide is a client as the package takes it.
import { GlideClient } from '@valkey/valkey-glide';
import { RedisEmitter, RedisWorker } from 'snowplow-middleware/redis';

const client = await GlideClient.createClient({ addresses: [{ host: '127.0.0.1' }] });
export const emitter = (): RedisEmitter => new RedisEmitter({ redis: client });
export const worker = (): RedisWorker => new RedisWorker({ redis: client, endpoint: 'a.example' });
