// A disk that is full: the new event is refused with its reason, the process lives, and room made later is used again.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { AsyncEmitter } from 'snowplow-middleware';
import { LmdbEventStore } from 'snowplow-middleware/lmdb';
import { encodedEvents } from '../support/events';
import { startRecordingCollector } from '../support/recording-collector';

const disk = mkdtempSync(join(tmpdir(), 'lmdb-disk-'));
// Only root may mount; elsewhere there is no small disk to fill.
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]).status === 0;

function fill(ballast: string): void {
  try {
    writeFileSync(ballast, Buffer.alloc(8 * 1024 * 1024));
  } catch {
    // It is as large as the disk lets it be.
  }
}

afterAll(() => {
  if (mounted) spawnSync('umount', ['--lazy', disk]);
  rmSync(disk, { recursive: true, force: true });
});

test.runIf(mounted)(
  'on a full disk events are refused, none that was accepted is lost, and delivery makes room',
  async () => {
    const collector = await startRecordingCollector();
    collector.answer = 503;
    const emitter = new AsyncEmitter({
      endpoint: collector.url,
      eventStore: new LmdbEventStore({ path: join(disk, 'events') }),
      maxRetryDelayMs: 50,
      logger: false,
    });
    const offer = (): boolean =>
      emitter.input({ e: 'pv', p: 'srv', tv: 'test', url: `https://a.example/${'x'.repeat(900)}` });
    let refusals = 0;
    for (let events = 0; events < 5_000 && refusals < 20; events++) if (!offer()) refusals++;
    const { accepted, refused } = emitter.stats();
    expect(refused['store-error']).toBe(20);
    expect(accepted).toBeGreaterThan(100);

    collector.answer = 200;
    await collector.waitFor(accepted);
    await emitter.flush();
    expect(emitter.stats()).toMatchObject({ sent: accepted, waiting: 0, inFlight: 0 });
    expect(offer()).toBe(true);
    await emitter.close();
    expect(collector.taken.size).toBe(accepted + 1);
    await collector.close();
    rmSync(join(disk, 'events'), { recursive: true });
  },
);

test.runIf(mounted)(
  'on a disk that others fill nothing is written, and what was delivered meanwhile is removed later',
  async () => {
    // What other tests have removed may not be free at once.
    const store = await vi.waitFor(() => new LmdbEventStore({ path: join(disk, 'beside') }), 30_000);
    expect(store.put(encodedEvents(200))).toBe(true);
    const ballast = join(disk, 'ballast');
    fill(ballast);
    // The free space is looked at every 10 ms.
    await sleep(20);
    for (const event of encodedEvents(50)) expect(() => store.put([event])).toThrow('the disk is full');
    const all = { maxEvents: Infinity, maxBytes: Infinity, overhead: 0 };
    void store.take(all)?.ack();
    expect(store.size).toBe(0);
    unlinkSync(ballast);
    await vi.waitFor(() => expect(store.put(encodedEvents(2))).toBe(true), 30_000);
    await store.close();
    const again = new LmdbEventStore({ path: join(disk, 'beside') });
    expect(again.recovered).toBe(2);
    await again.close();
  },
);

test.runIf(mounted)('a disk without room for a new store is a clear mistake of the set-up', () => {
  const ballast = join(disk, 'ballast');
  fill(ballast);
  expect(() => new LmdbEventStore({ path: join(disk, 'other') })).toThrow(
    /LmdbEventStore: path must be a directory that can be written, on a disk with space left/,
  );
  unlinkSync(ballast);
});
