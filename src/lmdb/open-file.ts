// Opens the database file: made where there is none, set aside where it is damaged, refused clearly where it cannot be used.
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { ConfigError } from '../core/errors';
import { isMissing } from '../core/missing-peer';
import type { Log } from '../core/logger';
import { isSound } from './damage';
import { QueueFile, type Transaction } from './queue-file';
import { mend } from './synced-state';

const OPTION = 'LmdbEventStore: path';
const FORMAT = '~format';
const VERSION = 1;
// Room for what a full page cannot hold, for records besides events, and for pages that are not free yet: address space, not disk.
const SPACE_FACTOR = 4;
const LOCK_BYTES = 64 * 1024;
const SPARE_BYTES = 64 * 1024 * 1024;

type Lmdb = typeof import('lmdb') & { readonly nativeAddon: { readonly Txn: Transaction } };

/**
 * @param path A directory of its own.
 * @throws ConfigError when lmdb is not installed, or the path cannot be used.
 */
export function openFile(path: string, maxBytes: number, log: Log): QueueFile {
  const lmdb = load();
  const data = join(path, 'data.mdb');
  const options = {
    path,
    noSubdir: false,
    encoding: 'binary' as const,
    permissionsMode: 0o600,
    mapSize: Math.ceil((maxBytes * SPACE_FACTOR + SPARE_BYTES) / 65_536) * 65_536,
    noSync: true,
  };
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    makeLock(path);
    closeSync(openSync(data, 'a', 0o600));
  } catch (error) {
    throw unusable(error);
  }
  const { size, ino } = statSync(data);
  const sound = (): boolean => isSound(require.resolve('lmdb'), options);
  // It may be another file by now: one that another process has started in its place.
  if (size > 0 && !sound()) {
    if (mend(path, sound))
      log.warn('the event store was damaged: it is back at its last state that was written through');
    else if (statSync(data).ino === ino) setAside(path, size, log);
  }
  return open(lmdb, path, options);
}

// The lock file is written through a memory map, and on a full disk that kills the process: its space is claimed before.
function makeLock(path: string): void {
  const lock = join(path, 'lock.mdb');
  if (existsSync(lock)) return;
  const draft = `${lock}.${randomUUID()}`;
  try {
    writeFileSync(draft, Buffer.alloc(LOCK_BYTES), { mode: 0o600 });
    linkSync(draft, lock);
  } catch (error) {
    // Another process was faster, or the disk knows no links.
    if (!existsSync(lock) && (error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function load(): Lmdb {
  try {
    return require('lmdb') as Lmdb;
  } catch (error) {
    if (!isMissing(error, 'lmdb')) throw error;
    throw new ConfigError('LmdbEventStore', "used with the package 'lmdb' installed: npm install lmdb@^3.5");
  }
}

function open({ open: openDatabase, nativeAddon }: Lmdb, path: string, options: object): QueueFile {
  let database: RootDatabase<Buffer> | undefined;
  let format;
  try {
    database = openDatabase<Buffer>(options);
    const file = new QueueFile(database, path, nativeAddon.Txn);
    format = formatOf(database, file);
    if (format === VERSION) return file;
  } catch (error) {
    void database?.close();
    throw unusable(error);
  }
  void database.close();
  throw new ConfigError(
    OPTION,
    `free, or a store of format ${VERSION}`,
    format > VERSION ? `one of format ${format}, made by a newer version` : 'a database of something else',
  );
}

/** What the file says of itself, 0 when that is nothing; an empty one is told what it is. */
function formatOf(database: RootDatabase<Buffer>, file: QueueFile): number {
  return file.transact(() => {
    const found = database.get(FORMAT);
    if (found) return Number(found.toString());
    for (const _key of database.getKeys({ limit: 1 })) return 0;
    file.claim(0, 0);
    void database.put(FORMAT, Buffer.from(String(VERSION)));
    return VERSION;
  });
}

// Nothing is deleted. The lock file goes along: a process that still has the old file open goes on with the two.
function setAside(path: string, bytes: number, log: Log): void {
  const suffix = `.corrupt-${Date.now()}`;
  for (const name of ['data.mdb', 'lock.mdb'].map((file) => join(path, file)))
    if (existsSync(name)) renameSync(name, name + suffix);
  log.error('the event store was damaged: it was set aside and a new one started', { bytes, suffix });
}

function unusable(error: unknown): ConfigError {
  const { code, message } = error as NodeJS.ErrnoException;
  const cause = typeof code === 'string' ? code : message;
  return new ConfigError(OPTION, 'a directory that can be written, on a disk with space left', cause);
}
