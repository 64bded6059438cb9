// The door `snowplow-middleware/lmdb`: accepted events on disk, for processes that may be killed.
// Floor 2: may import delivery and core, and the optional peer lmdb. Next: lmdb-event-store.ts.
export { LmdbEventStore, type LmdbStoreOptions } from './lmdb-event-store';
