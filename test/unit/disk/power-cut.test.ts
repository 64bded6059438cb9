// A power cut, by its model: of what was not written through each page may be on the disk or not, and each new file too.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { DiskEventStore } from '../../../src/disk';
import { crashed, drain, folder, segmentsOn } from '../../support/disk';
import { encodedEvents } from '../../support/events';

const RUNS = Number(process.env['POWER_CUT_RUNS'] ?? 5);
const PAGE = 4096;

/** Each page as it was or as it is; a file that is new since then may be missing. */
function cut(old: string, now: string): void {
  for (const file of segmentsOn(now)) {
    const before = join(old, file.slice(now.length));
    const [was, is] = [
      statSync(before, { throwIfNoEntry: false }) ? readFileSync(before) : undefined,
      readFileSync(file),
    ];
    if (!was && Math.random() < 0.5) rmSync(file);
    else {
      const disk = Buffer.alloc(Math.random() < 0.5 && was ? was.length : is.length);
      for (let at = 0; at < disk.length; at += PAGE)
        disk.set((Math.random() < 0.5 && was ? was : is).subarray(at, Math.min(at + PAGE, disk.length)), at);
      writeFileSync(file, disk);
    }
  }
  // What was removed since may still be there.
  for (const file of segmentsOn(old)) {
    const target = join(now, file.slice(old.length));
    if (statSync(target, { throwIfNoEntry: false }) || Math.random() < 0.5) continue;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
}

test('what stored() had covered is there after a power cut, whatever came after it', { timeout: 180_000 }, async () => {
  for (const level of ['error', 'warn'] as const) vi.spyOn(console, level).mockImplementation(() => {});
  for (let run = 0; run < RUNS; run++) {
    const home = folder();
    const path = join(home, 'events');
    const store = new DiskEventStore({ path, sync: 'group' });
    const owed = new Set<string>();
    const busy = (rounds: number): void => {
      for (let round = 0; round < rounds; round++) {
        const events = encodedEvents(20, { padding: 20_000 });
        if (store.put(events)) for (const { eventId } of events) owed.add(eventId);
        const lease = store.take({ maxEvents: 15, maxBytes: Infinity, overhead: 0 });
        void lease?.ack();
        for (const { eventId } of lease?.events ?? []) owed.delete(eventId);
      }
    };
    busy(5 + Math.floor(Math.random() * 40));
    await store.stored();
    const covered = new Set(owed);
    const written = join(home, 'written');
    crashed(path, written);
    // Owed no more is what is settled now, covered or not.
    busy(20);
    const disk = join(home, 'disk');
    crashed(path, disk);
    cut(written, disk);
    const again = new DiskEventStore({ path: disk });
    const must = [...covered].filter((id) => owed.has(id));
    await vi.waitFor(() => expect(again.recovered).toBeGreaterThanOrEqual(Math.min(must.length, 1_000)), 30_000);
    const found = new Set<string>();
    await vi.waitFor(() => {
      for (const id of drain(again)) found.add(id);
      expect(must.filter((id) => !found.has(id))).toEqual([]);
    }, 30_000);
    await Promise.all([store, again].map((each) => each.close()));
    expect(readdirSync(home)).toContain('disk');
    rmSync(home, { recursive: true, force: true });
  }
});
