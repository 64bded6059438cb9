// The other owners on a path: which of them live, and when one of them has died.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { ask, bootId, touchedAt } from './alive';
import { ownersOn } from './folder';

// An owner under another kernel is taken for dead when its socket has not been touched for so long.
const STILL_MS = 60_000;

export class Neighbours {
  readonly #path: string;
  readonly #onDead: (folder: string) => void;
  // Those that live, with the connection that ends when they do; true while one is asked.
  readonly #known = new Map<string, Socket | true>();
  // Sockets of owners under another kernel: when they were touched last, and since when we have known that.
  readonly #seen = new Map<string, { readonly touched: number | undefined; readonly since: number }>();
  #closed = false;

  /** @param onDead Called with the folder of an owner that lives no more; again with the next look, if it is still there. */
  constructor(path: string, onDead: (folder: string) => void) {
    this.#path = path;
    this.#onDead = onDead;
  }

  /** Asks those that are not known yet. @param own The folder that is not asked. */
  look(own: string | undefined): void {
    for (const folder of ownersOn(this.#path)) {
      if (folder === own || this.#known.has(folder)) continue;
      this.#known.set(folder, true);
      void this.#ask(folder);
    }
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#known.values()) if (socket !== true) socket.destroy();
  }

  async #ask(folder: string): Promise<void> {
    const found = await ask(folder);
    this.#known.delete(folder);
    if (typeof found === 'object' && !this.#closed) {
      this.#known.set(folder, found);
      // What ends the connection is asked about at once.
      found.on('error', () => {}).once('close', () => {
        this.#known.delete(folder);
        if (!this.#closed) void this.#ask(folder);
      }).resume(); // prettier-ignore
    } else if (typeof found === 'object') found.destroy();
    else if (found === 'dead' && !this.#closed && this.#isProof(folder)) this.#onDead(folder);
  }

  // Another kernel's sockets refuse whether their owner lives or not.
  #isProof(folder: string): boolean {
    let boot: string | undefined;
    try {
      boot = readFileSync(join(folder, 'boot'), 'latin1');
    } catch {
      // A cleaner has been here; the owner's kernel is not known.
    }
    if (boot === bootId()) return true;
    const touched = touchedAt(folder);
    const seen = this.#seen.get(folder);
    const now = performance.now();
    if (seen && seen.touched === touched) return now - seen.since >= STILL_MS;
    this.#seen.set(folder, { touched, since: now });
    return false;
  }
}
