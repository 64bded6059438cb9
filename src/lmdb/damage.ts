// Whether a database file can be trusted. Reading a damaged one can kill the process, so another process reads it first.
import { spawnSync } from 'node:child_process';

const PATIENCE_MS = 120_000;
const DAMAGED = 3;
// What a process dies of that reads through a damaged file. Others, SIGKILL above all, come from outside.
const DEADLY: ReadonlySet<unknown> = new Set(['SIGBUS', 'SIGSEGV', 'SIGABRT', 'SIGILL', 'SIGFPE']);

/**
 * Reads every record of the file in a process of its own, and tries a write.
 *
 * @param lmdb Where the lmdb package is.
 * @returns false when that process died of it, found a record that is not what was written, or other counts than the
 *   file's own: twice, because setting a sound file aside would lose what is in it.
 */
export function isSound(lmdb: string, options: object): boolean {
  return !isDamaged(lmdb, options) || !isDamaged(lmdb, options);
}

// Where no process can be started, the checksums of the records have to do.
function isDamaged(lmdb: string, options: object): boolean {
  const script = `(${inspect.toString()})(require, process.argv[1], JSON.parse(process.argv[2]), ${DAMAGED})`;
  const { status, signal, error } = spawnSync(process.execPath, ['-e', script, lmdb, JSON.stringify(options)], {
    stdio: 'ignore',
    timeout: PATIENCE_MS,
    env: { ...process.env, NODE_OPTIONS: '', ELECTRON_RUN_AS_NODE: '1' },
  });
  return status === DAMAGED || DEADLY.has(signal) || (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
}

// Runs in the other process: it may use nothing from outside its own text.
function inspect(load: NodeJS.Require, lmdb: string, options: object, damaged: number): void {
  const { open, ABORT } = load(lmdb) as typeof import('lmdb');
  const { crc32 } = load('node:zlib') as typeof import('node:zlib');
  try {
    const database = open<Buffer>({ ...options, maxReaders: 126 });
    // Of another format, and no matter of ours: who opens it says so. Where the rest is as ours is, the word for it is damaged.
    const format = database.get('~format')?.toString() ?? '';
    const [first] = database.getKeys({ limit: 1 });
    const isOurs = database.get('~usage') !== undefined || (Array.isArray(first) && typeof first[0] === 'number');
    if (format !== '1') process.exit(isOurs && !/^\d+$/.test(format) ? damaged : 0);
    const snapshot = { transaction: database.useReadTransaction() };
    let events = 0;
    let bytes = 0;
    for (const { key, value } of database.getRange(snapshot)) {
      if (!Array.isArray(key) || typeof key[0] !== 'number') continue;
      if (crc32(value.subarray(4)) !== value.readUInt32LE(0)) process.exit(damaged);
      events++;
      bytes += value.length;
    }
    const usage = database.get('~usage', snapshot);
    if (events !== (usage?.readDoubleLE(0) ?? 0) || bytes !== (usage?.readDoubleLE(8) ?? 0)) process.exit(damaged);
    snapshot.transaction.done();
    // Space that is wrongly marked as free shows when it is used.
    database.transactionSync(() => {
      for (let index = 0; index < 200; index++) void database.put([Infinity, index], Buffer.alloc(1000));
      return ABORT;
    });
    process.exit(0);
  } catch (error) {
    // A full disk and a forbidden path are no damage; a newer format is not either.
    const found = /MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|PANIC|BAD_\w+|CURSOR_FULL|PROBLEM)|ERR_OUT_OF_RANGE/;
    process.exit(found.test(String(error)) || error instanceof RangeError ? damaged : 0);
  }
}
