// The folder of an owner: made under another name, and given its own when the socket in it listens. And the folder of all.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, show } from '../core/errors';
import { bootId, NEW, SignOfLife } from './alive';
import { numberOf, SEGMENT_BYTES, unsettledBytes } from './segment';

const OWNER = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Says whose folder it is, and in which version. */
const FORMAT = 'snowplow-events-1';
const ADOPTED = 'adopted';
// NFS, SMB (three), 9p and FUSE: a socket on them tells nothing of another machine's owners.
const FOREIGN_DISKS: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546]);

const isOwner = (name: string): boolean => OWNER.test(name);

/**
 * Makes the folder that all owners share, or finds that it is one.
 *
 * @throws ConfigError when it is something else, or lies where it cannot work.
 */
export function prepare(path: string): void {
  const refuse = (expected: string): never => {
    throw new ConfigError('DiskEventStore: path', expected, show(path));
  };
  let names: string[];
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    names = readdirSync(path);
  } catch (error) {
    return refuse(`a folder that can be made and read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (process.platform === 'linux' && FOREIGN_DISKS.has(statfsSync(path).type)) refuse('a folder on a local disk');
  if (names.includes(FORMAT)) return;
  const version = names.find((name) => name.startsWith('snowplow-events-'));
  if (version) refuse(`a folder of this version, ${FORMAT}, not ${version}`);
  if (names.some((name) => !isOwner(name) && !name.startsWith(NEW)))
    refuse('an empty folder, or one of an event store');
  try {
    writeFileSync(join(path, FORMAT), '', { mode: 0o600 });
  } catch {
    // A full disk: with the first owner's folder it is told by that.
  }
}

/** The folders of all owners on a path. */
export const ownersOn = (path: string): string[] =>
  readdirSync(path)
    .filter(isOwner)
    .map((name) => join(path, name));

/** The folders that an owner has taken over. */
export function adoptedBy(folder: string): string[] {
  const adopted = join(folder, ADOPTED);
  return namesIn(adopted).map((name) => join(adopted, name));
}

// None where somebody has just moved or removed it.
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The segments of a folder, in their order. */
export function segmentsIn(folder: string): string[] {
  const numbered = namesIn(folder).flatMap((name) => {
    const number = numberOf(name);
    return number === undefined ? [] : [{ number, path: join(folder, name) }];
  });
  return numbered.toSorted((a, b) => a.number - b.number).map(({ path }) => path);
}

// Of many segments most are full.
const LOOKED_INTO = 50;

/** About how many bytes another owner holds. */
export function bytesIn(owner: string): number {
  let bytes = 0;
  for (const folder of [owner, ...adoptedBy(owner)])
    try {
      const segments = segmentsIn(folder);
      bytes += Math.max(0, segments.length - LOOKED_INTO) * SEGMENT_BYTES;
      for (const segment of segments.slice(-LOOKED_INTO)) bytes += unsettledBytes(segment);
    } catch {
      // It has just been moved or removed.
    }
  return bytes;
}

/** A folder of this process's own. */
export class Folder {
  readonly path: string;
  readonly #sign: SignOfLife;

  /** @throws Error where the disk has no room for it, or allows no sockets. */
  constructor(path: string) {
    const owner = randomUUID();
    const draft = join(path, NEW + owner);
    let sign: SignOfLife | undefined;
    try {
      mkdirSync(join(draft, ADOPTED), { recursive: true, mode: 0o700 });
      writeFileSync(join(draft, 'boot'), bootId(), { mode: 0o600 });
      sign = new SignOfLife(draft);
      renameSync(draft, join(path, owner));
    } catch (error) {
      sign?.close();
      rmSync(draft, { recursive: true, force: true });
      throw error;
    }
    this.#sign = sign;
    this.path = join(path, owner);
  }

  touch(): void {
    this.#sign.touch(this.path);
  }

  /**
   * Takes a dead owner's folder, and those that it had taken over: these first, one by one, so that nothing nests.
   *
   * @returns the folders that are here now; where another owner was faster, it has the others.
   */
  adopt(dead: string): string[] {
    const taken = [...adoptedBy(dead), dead].flatMap((folder) => this.#take(folder) ?? []);
    // Another adopter may have left one in there when it died.
    return taken.flatMap((folder) => [folder, ...adoptedBy(folder).flatMap((inner) => this.#take(inner) ?? [])]);
  }

  /** The owner ends. An empty folder is removed; any other owner on the path may take over a folder with events. */
  close(isEmpty: boolean): void {
    if (isEmpty) rmSync(this.path, { recursive: true, force: true });
    this.#sign.close();
  }

  #take(folder: string): string | undefined {
    const target = join(this.path, ADOPTED, folder.slice(-36));
    try {
      renameSync(folder, target);
      return target;
    } catch {
      return undefined;
    }
  }
}
