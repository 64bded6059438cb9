// The folder that all owners on a path share: what it is, whose folders are in it, and what they hold.
import { accessSync, constants, mkdirSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, show } from '../core/errors';

/** What the name of an owner's folder begins with as long as it is being made. */
export const NEW = '.new-';
/** What the name of an owner's folder begins with once the owner has ended in order and has left events. */
export const ENDED = 'ended-';
/** An empty file that says whose folder it is, and in which version. */
export const FORMAT = 'snowplow-events-1';
/** In an owner's folder: the folders of dead owners that it has adopted. */
export const ADOPTED = 'adopted';
/** In an owner's folder: the kernel under which it was made. */
export const BOOT = 'boot';

const DRAFT = /^\.new-[0-9a-f]{16}$/;
const OWNER = /^(?:ended-)?[0-9a-f]{16}$/;
const SEGMENT = /^\d+\.log$/;
// NFS, SMB (three), 9p and FUSE: a socket on them tells nothing of another machine's owners.
const FOREIGN_DISKS: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546]);
const LOOKED_INTO = 50;

const refusal = (path: string, expected: string): ConfigError =>
  new ConfigError('DiskEventStore: path', expected, show(path));

/** What the system has against a path. */
export const unusable = (path: string, { code, message }: NodeJS.ErrnoException): ConfigError =>
  refusal(path, `a folder that can be made, read and written (${code ?? message})`);

/** @throws ConfigError for a path that is not, and cannot become, the folder of an event store. */
export function prepare(path: string): void {
  let names: string[];
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    names = readdirSync(path);
  } catch (error) {
    throw unusable(path, error as Error);
  }
  if (process.platform === 'linux' && FOREIGN_DISKS.has(statfsSync(path).type))
    throw refusal(path, 'a folder on a local disk');
  const version = names.find((name) => name.startsWith('snowplow-events-')) ?? FORMAT;
  if (version !== FORMAT) throw refusal(path, `a folder of this version, ${FORMAT}, not ${version}`);
  if (!names.includes(FORMAT) && names.some((name) => !OWNER.test(name) && !DRAFT.test(name)))
    throw refusal(path, 'an empty folder, or one of an event store');
}

// None where somebody has just moved or removed it.
function pathsIn(folder: string, pattern: RegExp): string[] {
  try {
    const names = readdirSync(folder).filter((name) => pattern.test(name));
    return names.toSorted().map((name) => join(folder, name));
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    return [];
  }
}

/** The folders of owners in this one. */
export const ownersIn = (folder: string): string[] => pathsIn(folder, OWNER);

/** The folders in this one that are being made, or whose makers have died. */
export const draftsIn = (folder: string): string[] => pathsIn(folder, DRAFT);

/** The segments of an owner and of those that it has adopted, each one's in their order. */
export const segmentsOf = (owner: string): string[] =>
  [...ownersIn(join(owner, ADOPTED)), owner].flatMap((folder) => pathsIn(folder, SEGMENT));

/** About how many bytes these segments have: of many the last ones stand for all. */
export function bytesIn(segments: readonly string[]): number {
  const some = segments.slice(-LOOKED_INTO);
  const bytes = some.reduce((total, path) => total + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
  return some.length === 0 ? 0 : Math.ceil((bytes * segments.length) / some.length);
}
