// What one owner has on the disk: a folder with the sign that it lives, and the segment that takes what is put.
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { EncodedEvent } from '../core/emitter';
import { bootId, SignOfLife } from './alive';
import { ADOPTED, BOOT, ENDED, FORMAT, NEW, ownersIn, segmentsOf } from './folder';
import { type Entry, Segment, SEGMENT_BYTES } from './segment';

export class Owner {
  readonly path: string;
  readonly #sign: SignOfLife;
  #segments = 0;
  // The names of all files are through to the disk.
  #isNamed = false;
  /** Takes what is put next, as long as it is not full. */
  tail: Segment | undefined;

  /**
   * Makes the folder under another name, and gives it its own when the socket in it listens.
   *
   * @param path The folder of all owners.
   * @throws Error where the disk has no room for it, or allows no sockets.
   */
  constructor(path: string) {
    const name = randomBytes(8).toString('hex');
    const draft = join(path, NEW + name);
    this.path = join(path, name);
    let sign: SignOfLife | undefined;
    try {
      mkdirSync(join(draft, ADOPTED), { recursive: true, mode: 0o700 });
      writeFileSync(join(path, FORMAT), '', { mode: 0o600 });
      writeFileSync(join(draft, BOOT), bootId(), { mode: 0o600 });
      sign = new SignOfLife(draft);
      renameSync(draft, this.path);
    } catch (error) {
      sign?.close();
      rmSync(draft, { recursive: true, force: true });
      throw error;
    }
    this.#sign = sign;
  }

  /**
   * Writes events; throws when the disk takes none.
   *
   * @returns where they are; undefined where the folder is gone, and nothing was written.
   */
  append(events: readonly EncodedEvent[]): Segment | undefined {
    let tail: Segment | undefined;
    try {
      tail = this.#tail();
      return tail.append(events) ? tail : undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      // A limit on the size of a file leaves room for another one.
      if (code !== 'EFBIG' || !tail || tail.isEmpty || this.#roll() === tail) throw error;
      return this.append(events);
    }
  }

  /** Moves an event of another file to the tail, where that is possible. Returns the tail. */
  rewrite(entry: Entry): Segment {
    const tail = this.tail?.isRead ? this.#tail() : this.#roll();
    tail.moveIn(entry);
    return tail;
  }

  #tail(): Segment {
    return this.tail && this.tail.end < SEGMENT_BYTES ? this.tail : this.#roll();
  }

  /** A path for the next segment. */
  nextPath(): string {
    this.#isNamed = false;
    return join(this.path, `${String(++this.#segments).padStart(9, '0')}.log`);
  }

  /** Resolves when the names of all files are through to the disk; rejects where they are gone. */
  async saveNames(): Promise<void> {
    // Windows opens no folder, and writes names through with their files.
    const isSaved = this.#isNamed || process.platform === 'win32';
    this.#isNamed = true;
    if (isSaved) return void (await stat(this.path));
    for (const path of [join(this.path, BOOT), this.path, dirname(this.path)])
      await saveThrough(path).catch((error: unknown) => {
        this.#isNamed = false;
        throw error;
      });
  }

  /** Takes a dead owner's folder, and those that it had adopted: these first, one by one, so that nothing nests. */
  adopt(dead: string): void {
    for (const folder of [...ownersIn(join(dead, ADOPTED)), dead]) this.#take(folder);
    // Another adopter may have left one in there when it died.
    for (const inner of ownersIn(join(this.path, ADOPTED, basename(dead), ADOPTED))) this.#take(inner);
  }

  /** The folders that it has adopted. */
  get adopted(): string[] {
    return ownersIn(join(this.path, ADOPTED));
  }

  /** An empty folder is removed; one with events gets a name that says that any other owner may take it over. */
  close(): void {
    try {
      if (segmentsOf(this.path).length === 0) rmSync(this.path, { recursive: true, force: true });
      else renameSync(this.path, join(dirname(this.path), ENDED + basename(this.path)));
    } finally {
      this.#sign.close();
    }
  }

  /** The next segment. Where none can be made, the last one goes on. */
  #roll(): Segment {
    try {
      return (this.tail = new Segment(this.nextPath(), false));
    } catch (error) {
      if (this.tail?.isInPlace) return this.tail;
      throw error;
    }
  }

  // Where another owner was faster, it has it.
  #take(folder: string): void {
    try {
      renameSync(folder, join(this.path, ADOPTED, basename(folder)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

async function saveThrough(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
