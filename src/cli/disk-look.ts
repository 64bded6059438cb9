// Reads the folder of a store from outside: its owners, which of them are alive, and what they hold. It changes nothing.
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { ConfigError, show } from '../core/errors';
import { connectTo, touchedAt } from '../disk/alive';
import { ENDED, FORMAT, ownersIn, segmentsOf } from '../disk/folder';
import { HEADER_BYTES, type Lines, readHeader, readLines } from '../disk/record';

/** The contents of segments. */
export interface Held {
  events: number;
  /** UTF-8 bytes of the events. */
  bytes: number;
  files: number;
  /** Parts of the files that are not events. */
  damaged: number;
  /** When the first event was created, in milliseconds since the epoch; Infinity if unknown. */
  oldest: number;
  /** Bytes of the largest event. */
  largest: number;
}

/** An owner, named after its folder, with all its events, its own and adopted ones. */
export interface FoundOwner extends Held {
  readonly name: string;
  readonly state: 'alive' | 'dead' | 'ended' | 'unknown';
}

const CREATED = /[{,]"dtm":"(\d{1,15})"/;
// The errors of a connection to a process that listens, but is busy or belongs to another user.
const BUSY: ReadonlySet<string> = new Set(['EAGAIN', 'EACCES', 'EPERM']);

/** @throws ConfigError if the path is not the folder of a store. */
export function checkFolder(path: string): void {
  const refuse = (found: string): never => {
    throw new ConfigError('path', 'the folder of a DiskEventStore', `${show(path)} (${found})`);
  };
  let names: string[] = [];
  try {
    names = readdirSync(path);
  } catch (error) {
    refuse(String((error as NodeJS.ErrnoException).code));
  }
  const version = names.find((name) => name.startsWith('snowplow-events-'));
  if (version !== undefined && version !== FORMAT) refuse(`of version ${version}, not ${FORMAT}`);
  if (version === undefined && ownersIn(path).length === 0) refuse('no store has used it');
}

/**
 * Reads all owners on a path, one after another.
 *
 * @throws Error if a file exists but may not be read.
 */
export async function look(path: string): Promise<FoundOwner[]> {
  const found: FoundOwner[] = [];
  for (const folder of ownersIn(path)) {
    const state = await stateOf(folder);
    const held = ifThere(() => heldBy(folder, state === 'alive'));
    if (held) found.push({ name: basename(folder), state, ...held });
  }
  return found;
}

/** The sum of several contents. */
export function together(all: readonly Held[]): Held {
  const total: Held = { events: 0, bytes: 0, files: 0, damaged: 0, oldest: Infinity, largest: 0 };
  for (const held of all) {
    for (const name of ['events', 'bytes', 'files', 'damaged'] as const) total[name] += held[name];
    total.oldest = Math.min(total.oldest, held.oldest);
    total.largest = Math.max(total.largest, held.largest);
  }
  return total;
}

async function stateOf(folder: string): Promise<FoundOwner['state']> {
  // A store does not connect to these either.
  if (basename(folder).startsWith(ENDED)) return 'ended';
  try {
    const socket = connectTo(folder).ref();
    // A timeout closes it without an error: a process listens, and is busy.
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    socket.destroy();
    return 'alive';
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    if (BUSY.has(code)) return 'alive';
    if (code === 'ECONNREFUSED') return 'dead';
    return code === 'ENOENT' && touchedAt(folder) === undefined ? 'ended' : 'unknown';
  }
}

function heldBy(folder: string, isAlive: boolean): Held {
  // Throws if access is denied; the list of segments would only be empty.
  readdirSync(folder);
  const all = segmentsOf(folder).map((path) => ifThere(() => heldIn(path, isAlive && dirname(path) === folder)));
  return together(all.filter((held) => held !== undefined));
}

/** @param isInUse Its owner may be writing the last line, or may have emptied the file during the read: then it is read again. */
function heldIn(path: string, isInUse: boolean): Held {
  const read = (): Lines => {
    const bytes = readFileSync(path);
    return readLines(bytes.subarray(readHeader(bytes.subarray(0, HEADER_BYTES))), !isInUse);
  };
  let { events, damaged } = read();
  if (isInUse && damaged > 0) ({ events, damaged } = read());
  const held: Held = { events: events.length, bytes: 0, files: 1, damaged, oldest: Infinity, largest: 0 };
  for (const event of events) {
    held.bytes += event.bytes;
    held.largest = Math.max(held.largest, event.bytes);
    held.oldest = Math.min(held.oldest, Number(CREATED.exec(event.json)?.[1] ?? Infinity));
  }
  return held;
}

/** Undefined if the file is gone, because living owners remove and move files. */
function ifThere<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
