// Processes that open the file while another one writes: LMDB then takes an older state for the last one.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LmdbEventStore } from 'snowplow-middleware/lmdb';
import { encodedEvents } from '../support/events';

const lmdb = createRequire(resolve('package.json')).resolve('lmdb');
const all = { maxEvents: Infinity, maxBytes: Infinity, overhead: 0 };
let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lmdb-opening-'));
});

afterEach(() => {
  rmSync(path, { recursive: true, force: true });
});

/** Puts events, one change of the file each, until told to stop; the ids of those accepted. */
async function putUntil(store: LmdbEventStore, isOver: () => boolean): Promise<string[]> {
  const accepted: string[] = [];
  while (!isOver()) {
    for (const event of encodedEvents(20)) if (store.put([event])) accepted.push(event.eventId);
    void store.take({ ...all, maxEvents: 10 })?.nack();
    await turn();
  }
  return accepted;
}

async function left(): Promise<Set<string>> {
  const heir = new LmdbEventStore({ path });
  const ids = new Set<string>();
  for (let lease; (lease = heir.take(all));) for (const { eventId } of lease.events) ids.add(eventId);
  await heir.close();
  return ids;
}

test(
  'a process that opens and closes the file again and again undoes nothing that was accepted',
  { timeout: 60_000 },
  async () => {
    const store = new LmdbEventStore({ path });
    const visitor = `(async () => {
    const { open } = require(process.argv[1]);
    for (let visits = 0; visits < 100; visits++)
      await open({ path: process.argv[2], noSubdir: false, encoding: 'binary', noSync: true }).close();
  })()`;
    const command = [process.execPath, '-e', visitor, lmdb, path];
    // The moment is short; where strace is at hand, it holds each visit up right there.
    if (spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0)
      command.unshift(...'strace -f -qq -o /dev/null -e trace=pread64 -e inject=pread64:delay_exit=2000'.split(' '));
    const [program = '', ...rest] = command;
    const visiting = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
    const exited = once(visiting, 'exit');
    const accepted = await putUntil(store, () => visiting.exitCode !== null || visiting.signalCode !== null);
    expect((await exited)[0]).toBe(0);
    await store.close();
    const found = await left();
    expect(accepted.length).toBeGreaterThan(100);
    expect(accepted.filter((id) => !found.has(id))).toEqual([]);
  },
);

test('a state that was turned back is turned forward before the next change', async () => {
  const store = new LmdbEventStore({ path });
  const events = encodedEvents(5);
  const [first, second, ...others] = events.map((event) => [event]);
  store.put(first as never);
  store.put(second as never);
  // What opening does at the worst of moments, from outside: a file that this process closes is one that it has not locked.
  const rewind = `const fs = require('fs');
    const file = fs.openSync(process.argv[1], 'r+');
    const word = Buffer.alloc(8);
    fs.readSync(file, word, 0, 8, 8);
    word.writeBigUInt64LE(word.readBigUInt64LE() - 1n);
    fs.writeSync(file, word, 0, 8, 8);`;
  for (const event of others) {
    expect(spawnSync(process.execPath, ['-e', rewind, join(path, 'lock.mdb')]).status).toBe(0);
    expect(store.put(event)).toBe(true);
  }
  expect(store.size).toBe(5);
  await store.close();
  expect([...(await left())].toSorted()).toEqual(events.map(({ eventId }) => eventId).toSorted());
});
