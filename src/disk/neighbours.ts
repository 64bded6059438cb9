// The other owners on a path: which of them live, and when one of them has died.
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename, join } from 'node:path';
import { bootId, connectTo, touchedAt } from './alive';
import { BOOT, ENDED, ownersIn } from './folder';

// An owner under another kernel is taken for dead when its socket has stood still for so long.
const STILL_MS = 60_000;
// A living owner whose socket was removed notices within a second, and makes a new folder.
const GONE_MS = 3_000;
// A connection that has lasted so long is held.
const HOLD_MS = 100;

export class Neighbours {
  readonly #path: string;
  readonly #onDead: (folder: string) => void;
  // Those that live or are asked, with the connection that ends when they do.
  readonly #known = new Map<string, Socket>();
  // Sockets that are gone or under another kernel: when they were touched last, and since when we have known that.
  readonly #seen = new Map<string, { readonly touched: number | undefined; readonly since: number }>();
  #closed = false;

  /** @param onDead Called with the folder of an owner that lives no more; again with the next look, if it is still there. */
  constructor(path: string, onDead: (folder: string) => void) {
    this.#path = path;
    this.#onDead = onDead;
  }

  /** Asks those that are not known yet. @param own The folder that is not asked. */
  look(own: string | undefined): void {
    for (const folder of ownersIn(this.#path)) if (folder !== own && !this.#known.has(folder)) this.#ask(folder);
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#known.values()) socket.destroy();
  }

  #ask(folder: string): void {
    if (basename(folder).startsWith(ENDED)) return this.#onDead(folder);
    let socket: Socket;
    try {
      socket = connectTo(folder);
    } catch {
      // It is asked again at the next look, if it is still there.
      return;
    }
    this.#known.set(folder, socket);
    let answer = 'none';
    let since = Infinity;
    socket.once('connect', () => {
      answer = 'alive';
      since = performance.now();
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => (answer = String(code)));
    socket.once('close', () => {
      this.#known.delete(folder);
      if (this.#closed) return;
      // One that ends every connection lives, and may open no more files: it is asked again at the next look.
      if (answer === 'alive' && performance.now() - since > HOLD_MS) this.#ask(folder);
      else if (this.#isDead(folder, answer)) this.#onDead(folder);
    });
  }

  // A socket that refuses is proof under the same kernel alone: another one's refuses whether its owner lives or not.
  #isDead(folder: string, answer: string): boolean {
    if (answer !== 'ECONNREFUSED' && answer !== 'ENOENT') return false;
    if (answer === 'ECONNREFUSED' && bootOf(folder) === bootId()) return true;
    const touched = touchedAt(folder);
    const seen = this.#seen.get(folder);
    const now = performance.now();
    if (seen && seen.touched === touched) return now - seen.since >= (answer === 'ENOENT' ? GONE_MS : STILL_MS);
    this.#seen.set(folder, { touched, since: now });
    return false;
  }
}

// None where a cleaner has been.
function bootOf(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, BOOT), 'latin1');
  } catch {
    return undefined;
  }
}
