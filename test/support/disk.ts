// What the tests of the disk store share: stores on a path, what they hold, and processes that have one too.
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import type { EncodedEvent } from '../../src/core/emitter';
import type { EventStore, Lease } from '../../src/delivery/store/event-store';
import { Child } from './child';

const DIST = resolve('dist/index.js');
const CHILD = resolve('test/support/disk-child.mjs');

export const ALL = { maxEvents: 1_000_000, maxBytes: Infinity, overhead: 0 };

/** A new folder for a test, below one that is removed when the file's tests are over. */
export function folder(): string {
  return mkdtempSync(join(home, 'disk-'));
}
const home = mkdtempSync(join(tmpdir(), 'disk-tests-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

export const ids = (events: readonly EncodedEvent[] = []): string[] => events.map(({ eventId }) => eventId);

/** Takes what waits until nothing does, and acknowledges it. */
export function drain(from: EventStore): string[] {
  const drained: string[] = [];
  for (let lease: Lease | undefined; (lease = from.take(ALL) as Lease | undefined);) {
    drained.push(...ids(lease.events));
    void lease.ack();
  }
  return drained;
}

/** The folders of owners on a path, by their names: whoever lives, has died, or has ended. */
export const ownersOn = (path: string): string[] => readdirSync(path).filter((name) => /[0-9a-f]{16}$/.test(name));

/** The files with events, below a path. */
export const segmentsOn = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(path, name));

/** What a crash at this moment would leave of a path, made into a path of its own: its owners have ended. */
export function crashed(path: string, into: string): void {
  for (const name of readdirSync(path)) {
    const target = join(into, name.length === 16 ? `ended-${name}` : name);
    cpSync(join(path, name), target, { recursive: true, filter: (from) => !from.endsWith('.sock') });
  }
}

/** What a child said of its events. */
export interface Said {
  readonly ids: readonly string[];
  readonly answers: Readonly<Record<string, number>>;
  readonly error?: string;
}

/** A child with a store of its own that has put so many events. `thread`: in a worker thread. */
export async function childWith(
  options: object,
  count: number,
  { thread = false, wrap = [] as readonly string[] } = {},
): Promise<{ readonly child: Child; readonly said: Said }> {
  const program = [
    process.execPath,
    CHILD,
    ...(thread ? ['thread'] : []),
    DIST,
    JSON.stringify(options),
    String(count),
  ];
  const [command, ...args] = [...wrap, ...program] as [string, ...string[]];
  const child = new Child(command, args);
  const [line] = await child.printed(/^\{.*\}$/m);
  return { child, said: JSON.parse(line) as Said };
}
