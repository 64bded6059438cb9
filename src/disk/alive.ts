// The sign that an owner lives: it listens on a socket in its folder. Another owner finds out by connecting, without a clock.
import { closeSync, openSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { BOOT, NEW } from './folder';

const SOCKET = 'alive.sock';
const IS_WINDOWS = process.platform === 'win32';
// What the systems' address of a socket holds, without its closing zero.
const MOST_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
const PATIENCE_MS = 2_000;

// Nothing where it cannot be read: a cleaner has been there, or this system has no such file.
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}

/** The running kernel; an owner that another one has is not to be asked by its socket. */
export const bootId = (): string => textOf('/proc/sys/kernel/random/boot_id');

/** Whether the owner of a folder has, or had, the running kernel. */
export const hasThisKernel = (folder: string): boolean => textOf(join(folder, BOOT)) === bootId();

/** A path to the socket of a folder that is short enough, and what keeps it valid. */
function addressOf(folder: string): { readonly path: string; release(): void } {
  // A name for the whole machine, so it is the owner's, which is random.
  const path = IS_WINDOWS ? `\\\\.\\pipe\\snowplow-${basename(folder).replace(NEW, '')}` : join(folder, SOCKET);
  if (IS_WINDOWS || Buffer.byteLength(path) <= MOST_PATH_BYTES) return { path, release() {} };
  if (process.platform !== 'linux')
    throw new Error(`its name is longer than ${MOST_PATH_BYTES - SOCKET.length - 24} bytes`);
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/${SOCKET}`, release: () => closeSync(descriptor) };
}

/**
 * Listens in a folder until the function that it returns is called.
 *
 * @throws Error where the disk allows no sockets.
 */
export function listenIn(folder: string): () => void {
  const { path, release } = addressOf(folder);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.unref());
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.on('error', () => {}).unref();
  // Of this process, where a cluster's primary would else listen for all.
  server.listen({ path, exclusive: true });
  const end = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
    release();
  };
  if (server.listening) return end;
  end();
  // Throws where this process may open no more files, and that is why.
  readdirSync(folder);
  throw new Error('no socket can be made there');
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
const signIn = (folder: string): string => (IS_WINDOWS ? folder : join(folder, SOCKET));

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
