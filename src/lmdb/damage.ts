// Whether a database file can be trusted. Reading a damaged one can kill the process, so another process reads it first.
import { spawnSync } from 'node:child_process';

const PATIENCE_MS = 120_000;

/**
 * Reads every record of the file in a process of its own, and tries a write.
 *
 * @param lmdb Where the lmdb package is.
 * @returns false when that process died, found a record that is not what was written, or other counts than the file's own.
 */
export function isSound(lmdb: string, options: object): boolean {
  const { status, error } = spawnSync(
    process.execPath,
    ['-e', `(${inspect.toString()})(require, ...JSON.parse(process.argv[1]))`, JSON.stringify([lmdb, options])],
    { stdio: 'ignore', timeout: PATIENCE_MS, env: { ...process.env, NODE_OPTIONS: '', ELECTRON_RUN_AS_NODE: '1' } },
  );
  // Where no process can be started, the checksums of the records have to do.
  return status === 0 || (error !== undefined && 'code' in error && error.code !== 'ETIMEDOUT');
}

// Runs in the other process: it may use nothing from outside its own text.
function inspect(load: NodeJS.Require, lmdb: string, options: object): void {
  const { open, ABORT } = load(lmdb) as typeof import('lmdb');
  const { crc32 } = load('node:zlib') as typeof import('node:zlib');
  const database = open<Buffer>({ ...options, maxReaders: 126 });
  // Of another format, and no matter of ours: who opens it says so.
  if (database.get('~format')?.toString() !== '1') process.exit(0);
  const snapshot = { transaction: database.useReadTransaction() };
  let events = 0;
  let bytes = 0;
  for (const { key, value } of database.getRange(snapshot)) {
    if (!Array.isArray(key) || typeof key[0] !== 'number') continue;
    if (crc32(value.subarray(4)) !== value.readUInt32LE(0)) process.exit(1);
    events++;
    bytes += value.length;
  }
  const usage = database.get('~usage', snapshot);
  if (events !== (usage?.readDoubleLE(0) ?? 0) || bytes !== (usage?.readDoubleLE(8) ?? 0)) process.exit(1);
  snapshot.transaction.done();
  // Space that is wrongly marked as free shows when it is used.
  database.transactionSync(() => {
    for (let index = 0; index < 200; index++) void database.put([Infinity, index], Buffer.alloc(1000));
    return ABORT;
  });
  process.exit(0);
}
