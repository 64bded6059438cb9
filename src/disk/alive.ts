// The sign that an owner lives: it listens on a socket in its folder. Another owner finds out by connecting, without a clock.
import { closeSync, openSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { NEW } from './folder';

const SOCKET = 'alive.sock';
// What the systems' address of a socket holds, without its closing zero.
const MOST_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
const PATIENCE_MS = 2_000;

/** The running kernel; an owner that another one has is not to be asked by its socket. */
export const bootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
};

/** A path to the socket of a folder that is short enough, and what keeps it valid. */
function addressOf(folder: string): { readonly path: string; release(): void } {
  // A name for the whole machine, so it is the owner's, which is random.
  if (process.platform === 'win32')
    return { path: `\\\\.\\pipe\\snowplow-${basename(folder).replace(NEW, '')}`, release() {} };
  const path = join(folder, SOCKET);
  if (Buffer.byteLength(path) <= MOST_PATH_BYTES) return { path, release() {} };
  if (process.platform !== 'linux')
    throw new Error(`its name is longer than ${MOST_PATH_BYTES - SOCKET.length - 24} bytes`);
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/${SOCKET}`, release: () => closeSync(descriptor) };
}

/** Listens in a folder for as long as the owner lives. */
export class SignOfLife {
  readonly #server: Server;
  readonly #release: () => void;
  readonly #sockets = new Set<Socket>();

  /** @throws Error where the disk allows no sockets. */
  constructor(folder: string) {
    const { path, release } = addressOf(folder);
    this.#release = release;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket.unref());
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('error', () => {}).unref();
    // Of this process, where a cluster's primary would else listen for all.
    this.#server.listen({ path, exclusive: true });
    if (this.#server.listening) return;
    release();
    // Throws where this process may open no more files, and that is why.
    readdirSync(folder);
    throw new Error('no socket can be made there');
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#release();
  }
}

/**
 * Connects to the owner of a folder. The connection ends when the owner does; one that is dead refuses at once.
 *
 * @throws Error where the folder is gone, or no file can be opened, and its path is a long one.
 */
export function connectTo(folder: string): Socket {
  const { path, release } = addressOf(folder);
  // It tells of its errors later, and never throws.
  const socket = connect(path).unref();
  return socket
    .setTimeout(PATIENCE_MS, () => socket.destroy())
    .once('connect', () => socket.setTimeout(0))
    .once('close', release)
    .resume();
}

// A pipe of Windows is in no folder.
const signIn = (folder: string): string => (process.platform === 'win32' ? folder : join(folder, SOCKET));

/** When the socket of a folder was last touched, by the clock of the disk; undefined where there is none. */
export const touchedAt = (folder: string): number | undefined =>
  statSync(signIn(folder), { throwIfNoEntry: false })?.mtimeMs;

/** Touches the socket, for owners under another kernel, who cannot connect. Returns false where it is gone. */
export function touch(folder: string): boolean {
  try {
    utimesSync(signIn(folder), new Date(), new Date());
    return true;
  } catch {
    return false;
  }
}
