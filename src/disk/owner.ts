// What one owner has on the disk: a folder, and in it the sign that it lives.
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bootId, listenIn } from './alive';
import { ADOPTED, BOOT, ENDED, FORMAT, NEW, segmentsOf } from './folder';

export class Owner {
  readonly path: string;
  readonly #endSign: () => void;
  // Files that were made here, and those of them whose names are through to the disk.
  #names = 0;
  #savedNames = 0;

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
    let endSign: (() => void) | undefined;
    try {
      mkdirSync(join(draft, ADOPTED), { recursive: true, mode: 0o700 });
      writeFileSync(join(path, FORMAT), '', { mode: 0o600 });
      writeFileSync(join(draft, BOOT), bootId(), { mode: 0o600 });
      endSign = listenIn(draft);
      renameSync(draft, this.path);
    } catch (error) {
      endSign?.();
      rmSync(draft, { recursive: true, force: true });
      throw error;
    }
    this.#endSign = endSign;
  }

  /** A path for the next segment. */
  nextPath(): string {
    return join(this.path, `${String(++this.#names).padStart(9, '0')}.log`);
  }

  /** Resolves when the names of all files are through to the disk. */
  async saveNames(): Promise<void> {
    const names = this.#names;
    // Windows opens no folder, and writes names through with their files.
    if (names === this.#savedNames || process.platform === 'win32') return;
    for (const path of [join(this.path, BOOT), this.path, dirname(this.path)]) {
      const file = await open(path);
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
    this.#savedNames = names;
  }

  /** An empty folder is removed; one with events gets a name that says that any other owner may take it over. */
  close(): void {
    try {
      if (segmentsOf(this.path).length === 0) rmSync(this.path, { recursive: true, force: true });
      else renameSync(this.path, join(dirname(this.path), ENDED + basename(this.path)));
    } finally {
      this.#endSign();
    }
  }
}
