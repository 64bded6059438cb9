// The other owners on a path: which of them live, and when one of them has died.
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import { connectTo, hasThisKernel, touchedAt } from './alive';
import { draftsIn, ENDED, NEW, ownersIn } from './folder';

// What refuses and is under another kernel, or is still being made, is dead when its socket has stood still for so long.
const STILL_MS = 60_000;
// A living owner whose socket was removed notices within a second, and makes a new folder.
const GONE_MS = 3_000;
// One that ends every connection lives, and may open no more files: it is not asked again and again without a pause.
const PAUSE_MS = 50;

export class Neighbours {
  readonly #path: string;
  readonly #onDead: (folder: string) => void;
  // Those that live or are asked, with the connection that ends when they do.
  readonly #known = new Map<string, Socket>();
  // Sockets whose refusal is no proof: when they were touched last, and since when we have known that.
  readonly #seen = new Map<string, { readonly touched: number | undefined; readonly since: number }>();
  #isClosed = false;

  /** @param onDead Called with the folder of an owner that lives no more; again with the next look, if it is still there. */
  constructor(path: string, onDead: (folder: string) => void) {
    this.#path = path;
    this.#onDead = onDead;
  }

  /** Asks those that are not known yet. Returns the folders of all owners but one. @param own That one's folder. */
  look(own: string): string[] {
    const others = ownersIn(this.#path).filter((folder) => folder !== own);
    for (const folder of [...others, ...draftsIn(this.#path)]) this.#ask(folder);
    return others;
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#known.values()) socket.destroy();
  }

  #ask(folder: string): void {
    if (this.#isClosed || this.#known.has(folder)) return;
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
    socket.once('connect', () => (answer = 'alive'));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => (answer = String(code)));
    socket.once('close', () => {
      this.#known.delete(folder);
      if (answer === 'alive') setTimeout(() => this.#ask(folder), PAUSE_MS).unref();
      else if (!this.#isClosed && this.#isDead(folder, answer)) this.#onDead(folder);
    });
  }

  #isDead(folder: string, answer: string): boolean {
    if (answer !== 'ECONNREFUSED' && answer !== 'ENOENT') return false;
    // A maker that lives refuses between two calls to the system, and one under another kernel always.
    const isDraft = basename(folder).startsWith(NEW);
    if (answer === 'ECONNREFUSED' && !isDraft && hasThisKernel(folder)) return true;
    const touched = touchedAt(folder);
    const seen = this.#seen.get(folder);
    const now = performance.now();
    if (seen && seen.touched === touched)
      return now - seen.since >= (answer === 'ENOENT' && !isDraft ? GONE_MS : STILL_MS);
    this.#seen.set(folder, { touched, since: now });
    return false;
  }
}
