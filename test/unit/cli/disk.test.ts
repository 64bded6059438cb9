// The disk command on real folders, in a separate process: what it shows, that it changes nothing, and what it delivers.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EncodedEvent } from '../../../src/core/emitter';
import { encodedEvent } from '../../../src/core/tracker/encode';
import { DiskEventStore } from '../../../src/disk/disk-event-store';
import { Child } from '../../support/child';
import { sampleEvent } from '../../support/feed';
import { type RecordingCollector, startRecordingCollector } from '../../support/recording-collector';

const CLI = resolve('dist/cli/main.js');
const PATIENCE_MS = 30_000;
const OLDEST = '2026-01-02T03:04:05.678Z';
const NOBODY = 'http://127.0.0.1:1';

let folder: string;
let path: string;
const stores: DiskEventStore[] = [];
const children: Child[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'disk-cli-'));
  path = join(folder, 'events');
});

afterEach(async () => {
  await Promise.all([
    ...children.splice(0).map((each) => each.stop()),
    ...stores.splice(0).map((each) => each.close()),
  ]);
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command to its end, while this process stands still: a store that lives in it takes over nothing meanwhile. */
const disk = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [CLI, 'disk', ...args], { encoding: 'utf8' });

function start(...args: string[]): Child {
  const child = new Child(process.execPath, [CLI, 'disk', ...args]);
  children.push(child);
  return child;
}

/** Events of which the first was created at the given time. */
function events(count: number, created = OLDEST): EncodedEvent[] {
  return Array.from({ length: count }, (_each, index) => {
    const eventId = randomUUID();
    const json = JSON.stringify({ ...sampleEvent(eventId), dtm: String(Date.parse(created) + index) });
    return encodedEvent(json, eventId, false);
  });
}

const idsOf = (those: readonly EncodedEvent[]): string[] => those.map(({ eventId }) => eventId);

function live(at: string, those: readonly EncodedEvent[]): DiskEventStore {
  const store = new DiskEventStore({ path: at });
  stores.push(store);
  expect(store.put(those)).toBe(true);
  return store;
}

async function ended(at: string, those: readonly EncodedEvent[]): Promise<void> {
  const store = new DiskEventStore({ path: at });
  expect(store.put(those)).toBe(true);
  await store.close();
}

/** A process that holds events, and takes over nothing because it is stopped. */
async function stopped(at: string, those: readonly EncodedEvent[]): Promise<Child> {
  const child = Child.program(`
    const { DiskEventStore } = require(${JSON.stringify(resolve('dist/disk'))});
    const { encodedEvent } = require(${JSON.stringify(resolve('dist/core/tracker/encode'))});
    const events = ${JSON.stringify(those.map(({ json, eventId }) => [json, eventId]))};
    new DiskEventStore({ path: ${JSON.stringify(at)} }).put(events.map((each) => encodedEvent(...each, false)));
    console.log('ready');
    setInterval(() => {}, 1_000);
  `);
  children.push(child);
  await child.printed(/ready/, PATIENCE_MS);
  child.kill('SIGSTOP');
  return child;
}

async function dead(at: string, those: readonly EncodedEvent[]): Promise<void> {
  await (await stopped(at, those)).stop();
}

const ownersIn = (at: string): string[] => readdirSync(at).filter((name) => /[0-9a-f]{16}$/.test(name));
const segmentOf = (owner: string): string => join(owner, readdirSync(owner).find((name) => name.endsWith('.log')) as string); // prettier-ignore

/** Moves what is in one folder into another, and returns the names of its owners. */
function moveIn(from: string, to: string): string[] {
  mkdirSync(to, { recursive: true });
  return ownersIn(from).map((name) => {
    renameSync(join(from, name), join(to, name));
    return name;
  });
}

/** All that is below a folder: its names, kinds, modes, times and bytes. */
const stateOf = (at: string): unknown[] =>
  readdirSync(at, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { mode, mtimeMs, ctimeMs, size } = lstatSync(join(at, name));
      return [name, mode, mtimeMs, ctimeMs, size, name.endsWith('.log') && readFileSync(join(at, name), 'latin1')];
    });

interface Figures {
  events: number;
  bytes: number;
  oldest: string | null;
  damaged: number;
  files: number;
}
interface Shown {
  path: string;
  owners: ({ name: string; state: string } & Figures)[];
  total: Figures;
}

const shown = (): Shown => {
  const { status, stdout, stderr } = disk(path, '--json');
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Shown;
};

describe('the look', () => {
  test('shows each owner with its state and figures, adopted folders with theirs, and changes nothing', async () => {
    await dead(join(folder, 'dead'), events(3, '2026-02-01T00:00:00.000Z'));
    await ended(join(folder, 'ended'), events(5, '2026-03-01T00:00:00.000Z'));
    await ended(join(folder, 'adopted'), events(4));
    const mine = live(path, events(2, '2026-04-01T00:00:00.000Z'));
    const [living] = ownersIn(path) as [string];
    // From here on this process stands still.
    moveIn(join(folder, 'adopted'), join(path, living, 'adopted'));
    const [killed] = moveIn(join(folder, 'dead'), path) as [string];
    const [closed] = moveIn(join(folder, 'ended'), path) as [string];
    appendFileSync(segmentOf(join(path, killed)), 'what is this\nand this');
    const before = stateOf(path);
    const { status, stdout, stderr } = disk(path);
    const document = shown();
    expect(stateOf(path)).toEqual(before);

    expect([status, stderr]).toEqual([0, '']);
    const rows = stdout.trimEnd().split('\n').map((line) => line.trim().split(/\s{2,}/)); // prettier-ignore
    expect(rows[0]).toEqual(['owner', 'state', 'events', 'bytes', 'oldest event', 'files', 'damaged']);
    const row = (name: string) => rows.find(([owner]) => owner === name.replace('ended-', '').slice(0, 8));
    expect(row(living)).toEqual([living.slice(0, 8), 'alive', '6', expect.stringMatching(/B$/), OLDEST, '2', '0']);
    expect(row(killed)).toEqual([killed.slice(0, 8), 'dead', '3', expect.stringMatching(/B$/), '2026-02-01T00:00:00.000Z', '1', '2']); // prettier-ignore
    expect(row(closed)?.slice(1, 3)).toEqual(['ended', '5']);
    expect(rows.at(-1)).toEqual(['total', '14', expect.stringMatching(/KiB$/), OLDEST, '4', '2']);

    expect(document.path).toBe(path);
    const owner = (name: string) => document.owners.find((each) => each.name === name);
    expect(owner(living)).toMatchObject({ state: 'alive', events: 6, oldest: OLDEST, damaged: 0, files: 2 });
    expect(owner(living)?.bytes).toBeGreaterThan(mine.bytes);
    expect(owner(killed)).toMatchObject({ state: 'dead', events: 3, damaged: 2 });
    expect(owner(closed)).toMatchObject({ state: 'ended', events: 5, damaged: 0 });
    const bytes = document.owners.reduce((total, each) => total + each.bytes, 0);
    expect(document.total).toEqual({ events: 14, bytes, oldest: OLDEST, damaged: 2, files: 4 });
  });

  test('does not count what is delivered, nor the line that a living owner is about to write', () => {
    const those = events(3);
    const store = live(path, those);
    void store.take({ maxEvents: 1, maxBytes: Infinity, overhead: 0 })?.ack();
    appendFileSync(segmentOf(join(path, ownersIn(path)[0] as string)), '-0123');
    const bytes = those.slice(1).reduce((total, each) => total + each.bytes, 0);
    const oldest = new Date(Date.parse(OLDEST) + 1).toISOString();
    expect(shown().total).toEqual({ events: 2, bytes, oldest, damaged: 0, files: 1 });
  });

  test('an owner without a socket, one whose socket is none, and a folder without owners', () => {
    mkdirSync(path);
    writeFileSync(join(path, 'snowplow-events-1'), '');
    expect(shown()).toEqual({ path, owners: [], total: { events: 0, bytes: 0, oldest: null, damaged: 0, files: 0 } });
    expect(disk(path).stdout).toMatch(/^owner .*files\ntotal +0 +0 B  - +0\n$/);
    const names = ['0000000000000000', '1111111111111111'] as const;
    for (const name of names) mkdirSync(join(path, name));
    mkdirSync(join(path, names[1], 'alive.sock'));
    expect(shown().owners.map(({ state }) => state)).toEqual(['ended', expect.stringMatching(/^(dead|unknown)$/)]);
  });

  test.skipIf(process.getuid?.() === 0)('a file that may not be read is an error', async () => {
    await ended(path, events(1));
    chmodSync(segmentOf(join(path, ownersIn(path)[0] as string)), 0);
    expect(disk(path)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('EACCES') });
  });
});

test('mistakes are reported on stderr, with exit code 1, and change nothing', () => {
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'other', 'deeper'), { recursive: true });
  mkdirSync(join(folder, 'newer'));
  writeFileSync(join(folder, 'newer', 'snowplow-events-2'), '');
  const before = stateOf(folder);
  const delivery = ['--drain', '--endpoint', NOBODY];
  const mistakes: [string[], string][] = [
    [[], 'disk must be given one path, got nothing'],
    [['a', 'b'], 'disk must be given one path, got "a b"'],
    [['a', '--wrong'], "Unknown option '--wrong'"],
    [['a', '--drain'], "--endpoint must be the collector's URL, got nothing"],
    [['a', '--endpoint', NOBODY], '--endpoint must be left out without --drain'],
    [['a', '--drain', '--endpoint', 'ftp://x'], 'disk: endpoint must be a host name or a URL'],
    [['a', ...delivery, '--timeout', 'soon'], '--timeout must be a number of seconds above 0, got "soon"'],
    [['missing'], 'path must be the folder of a DiskEventStore, got "missing" (ENOENT)'],
    [['missing', ...delivery], 'path must be the folder of a DiskEventStore, got "missing" (ENOENT)'],
    [['file'], 'path must be the folder of a DiskEventStore, got "file" (ENOTDIR)'],
    [['other'], 'path must be the folder of a DiskEventStore, got "other" (no store has used it)'],
    [['newer'], 'path must be the folder of a DiskEventStore, got "newer" (of version snowplow-events-2,'],
  ];
  // One process for all of them: each would take as long to start.
  const all = `(async () => { for (const args of ${JSON.stringify(mistakes.map(([args]) => args))}) {
    await require(${JSON.stringify(resolve('dist/cli/disk.js'))}).runDisk(args); process.stderr.write('\\0');
  } })()`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', all], { encoding: 'utf8', cwd: folder });
  expect([status, stdout]).toEqual([1, '']);
  const said = stderr.split('\0');
  for (const [index, [, message]] of mistakes.entries()) {
    expect(said[index]).toContain(message);
    expect(said[index]).toContain('See --help.');
  }
  expect(stateOf(folder)).toEqual(before);
  expect(disk(path)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('(ENOENT). See --help.') });
});

describe('--drain', () => {
  let collector: RecordingCollector;
  beforeEach(async () => {
    collector = await startRecordingCollector();
  });
  afterEach(() => collector.close());

  const drain = (...args: string[]): Child => start(path, '--drain', '--endpoint', collector.url, ...args);
  const taken = (): string[] => [...collector.taken.keys()].toSorted();

  test('delivers the events of dead and ended owners, and none of a living one', async () => {
    const kept = events(4);
    const left = [...events(300), ...events(700)];
    await dead(join(folder, 'dead'), left.slice(0, 300));
    await ended(join(folder, 'ended'), left.slice(300));
    const living = await stopped(path, kept);
    moveIn(join(folder, 'dead'), path);
    moveIn(join(folder, 'ended'), path);
    const child = drain();
    expect(await child.exited, child.output).toEqual({ code: 0, signal: null });
    expect(child.output).toContain('Delivering 1000 events');
    expect(child.output).toContain('Done: 1000 events sent\n');
    expect(taken()).toEqual(idsOf(left).toSorted());
    expect(shown().owners).toMatchObject([{ state: 'alive', events: 4 }]);
    await living.stop();
    expect(shown().owners).toMatchObject([{ state: 'dead', events: 4 }]);
    expect((await drain('--quiet').exited).code).toBe(0);
    expect(taken()).toEqual(idsOf([...left, ...kept]).toSorted());
    expect(readdirSync(path)).toEqual(['snowplow-events-1']);
    const again = drain('--json');
    expect((await again.exited).code).toBe(0);
    expect(JSON.parse(again.output)).toMatchObject({ message: 'Nothing is left to deliver', sent: 0, remaining: 0 });
  });

  test('stops if the collector is down, with exit code 1, and keeps all events', async () => {
    const left = events(300);
    await dead(path, left);
    collector.answer = 503;
    const child = drain('--timeout', '1');
    expect(await child.exited, child.output).toEqual({ code: 1, signal: null });
    expect(child.output).toContain('warn: No event was delivered for 1 s\n');
    expect(child.output).toContain('Done: 0 events sent, 300 remain in the folder\n');
    expect(shown()).toMatchObject({ owners: [{ state: 'ended' }], total: { events: 300, damaged: 0 } });
    collector.answer = 200;
    expect((await drain().exited).code).toBe(0);
    expect(taken()).toEqual(idsOf(left).toSorted());
  });

  test('waits for a collector that recovers; --json writes each line as an object', async () => {
    await dead(path, events(30));
    collector.answer = 503;
    const child = drain('--json');
    await child.printed(/"message":"sent 0 of 30 /, PATIENCE_MS);
    collector.answer = 200;
    expect(await child.exited, child.output).toEqual({ code: 0, signal: null });
    const lines = child.output.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    for (const { time, level, message } of lines) {
      expect(new Date(time as string).toISOString()).toBe(time);
      expect(['info', 'warn']).toContain(level);
      expect(message).toBeTypeOf('string');
    }
    expect(lines).toContainEqual(expect.objectContaining({ sent: 0, total: 30, perSecond: 0, rejected: 0 }));
    expect(lines.at(-1)).toMatchObject({ sent: 30, rejected: 0, damaged: 0, others: 0, remaining: 0 });
  });

  test('rejected events and damaged lines are counted, with exit code 1', async () => {
    const left = events(20);
    await dead(path, left);
    appendFileSync(segmentOf(join(path, ownersIn(path)[0] as string)), 'what is this');
    const [, refused] = idsOf(left) as [string, string];
    collector.answer = (eids) => (eids.includes(refused) ? 400 : 200);
    const child = drain('--quiet');
    expect(await child.exited, child.output).toEqual({ code: 1, signal: null });
    expect(child.output).toContain('Done: 19 events sent, 1 rejected by the collector, 1 damaged\n');
    expect(taken()).toEqual(idsOf(left).filter((id) => id !== refused).toSorted()); // prettier-ignore
    expect(readdirSync(path)).toEqual(['snowplow-events-1']);
  });

  test('an event above the usual size limit is delivered too', async () => {
    const eventId = randomUUID();
    const json = JSON.stringify(sampleEvent(eventId, 'x'.repeat(400_000)));
    await ended(path, [encodedEvent(json, eventId, false)]);
    expect((await drain().exited).code).toBe(0);
    expect(taken()).toEqual([eventId]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it gracefully, and reports what remains', async (signal) => {
    await dead(path, events(50));
    collector.answer = 503;
    const child = drain();
    await child.printed(/events could not be sent/, PATIENCE_MS);
    child.kill(signal);
    expect(await child.exited, child.output).toEqual({ code: 1, signal: null });
    expect(child.output).toContain('Stopping');
    expect(child.output).toContain('Done: 0 events sent, 50 remain in the folder\n');
    expect(shown()).toMatchObject({ owners: [{ state: 'ended' }], total: { events: 50, damaged: 0 } });
  });

  test('a second signal ends it at once, and nothing is lost', async () => {
    await dead(path, events(50));
    collector.answer = 503;
    const child = drain();
    await child.printed(/events could not be sent/, PATIENCE_MS);
    child.kill('SIGINT');
    await child.printed(/Stopping/, PATIENCE_MS);
    child.kill('SIGINT');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGINT' });
    expect(shown().total).toMatchObject({ events: 50, damaged: 0 });
  });

  const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;
  test.skipIf(!hasScript)('draws a bar on a terminal', async () => {
    await dead(path, events(50));
    const command = [process.execPath, CLI, 'disk', path, '--drain', '--endpoint', collector.url].join(' ');
    const child = new Child('script', ['-qec', command, '/dev/null']);
    children.push(child);
    expect((await child.exited).code, child.output).toBe(0);
    expect(child.output).toMatch(/\r\[\.{25}\] sent 0 of 50 \(0\/s\) /);
    expect(child.output).toMatch(/\r\d\d:\d\d:\d\d  Done: 50 events sent/);
  });
});
