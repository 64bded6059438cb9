// A power cut, by its model: whatever was not written through may be on the disk or not, each page for itself.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LmdbEventStore } from 'snowplow-middleware/lmdb';
import type { Lease } from '../../src/delivery/event-store';
import { encodedEvents } from '../support/events';

const RUNS = Number(process.env['POWER_CUT_RUNS'] ?? 5);
const PAGE = 4096;
const clock = (): void => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });

beforeEach(clock);
afterEach(() => {
  vi.useRealTimers();
});

/** Each page as it was, or as it is; where the file was shorter, nothing or the new. */
function after(old: Buffer, now: Buffer): Buffer {
  const disk = Buffer.alloc(now.length);
  for (let at = 0; at < now.length; at += PAGE) {
    const page = (Math.random() < 0.5 ? old : now).subarray(at, at + PAGE);
    disk.set(page, at);
  }
  return disk;
}

test('what stored() had covered is there after a power cut, whatever came after it', { timeout: 120_000 }, async () => {
  for (const level of ['error', 'warn'] as const) vi.spyOn(console, level).mockImplementation(() => {});
  let lostWithout = 0;
  for (let run = 0; run < RUNS; run++) {
    vi.advanceTimersByTime(60_000);
    const home = mkdtempSync(join(tmpdir(), 'lmdb-power-'));
    const [path, disk, bare] = ['before', 'after', 'bare'].map((name) => join(home, name)) as [string, string, string];
    const store = new LmdbEventStore({ path, sync: 'group' });
    const batch = { maxEvents: 20, maxBytes: Infinity, overhead: 0 };
    const busy = (): void => {
      for (let index = 0; index < 60; index++) store.put(encodedEvents(1, { padding: 300 }));
      void store.take(batch)?.ack();
    };
    for (let round = 0; round < 5; round++) busy();
    await store.stored();
    const written = readFileSync(join(path, 'data.mdb'));
    const covered = store.take({ ...batch, maxEvents: Infinity }) as Lease;
    void covered.nack();
    const removed = store.take(batch) as Lease;
    void removed.ack();
    for (let round = 0; round < 5; round++)
      for (let index = 0; index < 60; index++) store.put(encodedEvents(1, { padding: 300 }));

    const remains = after(written, readFileSync(join(path, 'data.mdb')));
    for (const place of [disk, bare]) {
      rmSync(place, { recursive: true, force: true });
      // Made by a store, so that it is as a store makes it.
      await new LmdbEventStore({ path: place }).close();
      writeFileSync(join(place, 'data.mdb'), remains);
      rmSync(join(place, 'lock.mdb'));
      rmSync(join(place, 'synced'));
    }
    copyFileSync(join(path, 'synced'), join(disk, 'synced'));
    // The machine's clock begins anew with its start.
    clock();
    const again = new LmdbEventStore({ path: disk });
    const ids = new Set<string>();
    for (let lease; (lease = again.take({ ...batch, maxEvents: Infinity }));)
      for (const { eventId } of lease.events) ids.add(eventId);
    const owed = covered.events.filter((event) => !removed.events.some(({ eventId }) => eventId === event.eventId));
    expect(owed.filter(({ eventId }) => !ids.has(eventId))).toEqual([]);
    const without = new LmdbEventStore({ path: bare });
    if (readdirSync(bare).some((name) => name.includes('corrupt'))) lostWithout++;
    await Promise.all([store, again, without].map((each) => each.close()));
    rmSync(home, { recursive: true, force: true });
  }
  // Else the model would cut the power too gently to tell anything.
  expect(lostWithout).toBeGreaterThan(0);
});
