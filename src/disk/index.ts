// The entry point `snowplow-middleware/disk`: accepted events on disk, for processes that may be killed.
// Floor 2: may import delivery and core. Next: disk-event-store.ts.
export { DiskEventStore, type DiskStoreOptions } from './disk-event-store';
