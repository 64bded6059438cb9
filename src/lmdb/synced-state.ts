// The last state that is safe on the disk. LMDB reuses pages and overwrites its two heads in turn, and without waiting for
// the disk a power cut may leave a head whose pages never arrived: so the head of a state that did arrive is kept beside.
import { closeSync, existsSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../core/errors';
import type { QueueFile } from './queue-file';

// Where a head says what it is: the two heads are the first two pages.
const [PAGE_NUMBER_BYTES, PAGE_SIZE_AT, CHANGE_AT, HEAD_BYTES] = [8, 48, 152, 168];
const RETRIES = 100;
const PATIENCE_MS = 5_000;

/** Writes the file through to the disk, and may keep what was written from being overwritten until the next time. */
export class SyncedState {
  readonly #path: string;
  readonly #file: QueueFile;
  readonly #keeps: boolean;
  #release: () => void = () => {};
  #saved: Buffer | undefined;

  /**
   * @param keeps Whether what was saved stays safe while the file goes on changing: it then needs more space.
   * @throws ConfigError when another process with the same number keeps states of the file.
   */
  constructor(path: string, file: QueueFile, keeps: boolean) {
    this.#path = path;
    this.#file = file;
    this.#keeps = keeps;
    if (keeps) enlist(file);
  }

  async save(): Promise<void> {
    const { head, release } = this.#pin();
    if (this.#saved?.equals(head)) return release();
    const [draft, saved] = [join(this.#path, `synced-${process.hrtime.bigint()}`), join(this.#path, 'synced')];
    try {
      await this.#file.sync();
      await writeFile(draft, head, { flag: 'wx', mode: 0o600 });
      await syncPath(draft);
      await rename(draft, saved);
      await syncPath(this.#path).catch(() => {});
    } catch (error) {
      // On a full disk holding on to old states would leave no room to get away from it.
      for (const name of [draft, saved]) rmSync(name, { force: true });
      release();
      this.close();
      throw error;
    }
    this.#release();
    this.#saved = head;
    this.#release = release;
    if (!this.#keeps) this.close();
  }

  close(): void {
    this.#release();
    this.#release = () => {};
    this.#saved = undefined;
  }

  // The head of the state that a reader holds from now on: as long as it does, no page of that state is used again.
  #pin(): { head: Buffer; release: () => void } {
    for (let tries = 0; tries < RETRIES; tries++) {
      const before = newestHead(this.#path);
      const release = this.#file.pin();
      const head = newestHead(this.#path);
      if (before.equals(head)) return { head, release };
      // Another process has changed the file in between.
      release();
    }
    throw new Error('the event store changes too fast to be written through');
  }
}

/**
 * Puts the head of the last synced state into the place of those that are there.
 *
 * @param isSound Whether the file can be trusted as it is now.
 * @returns whether it can be trusted now; false leaves it as it was.
 */
export function mend(path: string, isSound: () => boolean): boolean {
  const [saved, claimed] = [join(path, 'synced'), join(path, 'synced-claimed')];
  try {
    renameSync(saved, claimed);
  } catch {
    // There is none, or another process is at it.
    const deadline = performance.now() + PATIENCE_MS;
    if (!existsSync(claimed)) return false;
    while (existsSync(claimed) && performance.now() < deadline)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    return isSound();
  }
  const file = openSync(join(path, 'data.mdb'), 'r+');
  const head = readAt(openSync(claimed, 'r'), 0, true);
  const places = [0, head.readUInt32LE(PAGE_SIZE_AT)];
  const found = places.map((place) => readAt(file, place));
  for (const place of places)
    writeSync(file, head, PAGE_NUMBER_BYTES, HEAD_BYTES - PAGE_NUMBER_BYTES, place + PAGE_NUMBER_BYTES);
  fsyncSync(file);
  const sound = isSound();
  if (!sound)
    for (const [index, place] of places.entries()) writeSync(file, found[index] as Buffer, 0, HEAD_BYTES, place);
  closeSync(file);
  rmSync(claimed);
  return sound;
}

function enlist(file: QueueFile): void {
  try {
    file.enlist();
  } catch {
    void file.close();
    const expected = `'none' where another process has the number ${process.pid} too, as in containers on one volume`;
    throw new ConfigError('LmdbEventStore: sync', expected, 'group');
  }
}

function newestHead(path: string): Buffer {
  const file = openSync(join(path, 'data.mdb'), 'r');
  try {
    const first = readAt(file, 0);
    const second = readAt(file, first.readUInt32LE(PAGE_SIZE_AT));
    return first.readBigUInt64LE(CHANGE_AT) > second.readBigUInt64LE(CHANGE_AT) ? first : second;
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, place: number, last = false): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  readSync(file, head, 0, HEAD_BYTES, place);
  if (last) closeSync(file);
  return head;
}

// A new name is safe when its directory is too; not every system lets a directory be opened.
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
