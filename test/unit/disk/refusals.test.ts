// What the system refuses: no room on the disk, files of a limited size, no more files, a folder that cannot be written.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AsyncEmitter } from 'snowplow-middleware';
import { DiskEventStore } from '../../../src/disk';
import type { Lease } from '../../../src/delivery/store/event-store';
import { Child } from '../../support/child';
import { ALL, childWith, crashed, drain, folder, ids, ownersOn, segmentsOn } from '../../support/disk';
import { encodedEvents } from '../../support/events';
import { startRecordingCollector } from '../../support/recording-collector';
import { until } from '../../support/until';

const disk = mkdtempSync(join(tmpdir(), 'disk-small-'));
// Only root may mount; elsewhere there is no small disk to fill.
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]).status === 0;
const opened: DiskEventStore[] = [];
const children: Child[] = [];
const store = (path: string): DiskEventStore => {
  const made = new DiskEventStore({ path });
  opened.push(made);
  return made;
};

function fill(): () => void {
  const ballast = join(disk, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(8 * 1024 * 1024));
  } catch {
    // It is as large as the disk lets it be.
  }
  return () => unlinkSync(ballast);
}

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
});

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(children.splice(0).map((child) => child.stop()));
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

afterAll(() => {
  if (mounted) spawnSync('umount', ['--lazy', disk]);
  rmSync(disk, { recursive: true, force: true });
});

describe.runIf(mounted)('a full disk', () => {
  let path: string;
  beforeEach(() => {
    path = join(disk, 'events');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
    rmSync(path, { recursive: true, force: true });
  });

  test('refuses new events with their reason, loses none that was accepted, and delivery makes room', async () => {
    const collector = await startRecordingCollector();
    collector.answer = 503;
    const eventStore = store(path);
    const emitter = new AsyncEmitter({ endpoint: collector.url, eventStore, maxRetryDelayMs: 50, logger: false });
    const offer = (): boolean =>
      emitter.input({ e: 'pv', p: 'srv', tv: 'test', url: `https://a.example/${'x'.repeat(900)}` });
    let refusals = 0;
    for (let events = 0; events < 5_000 && refusals < 20; events++) if (!offer()) refusals++;
    const { accepted, refused } = emitter.stats();
    expect(refused['store-error']).toBe(20);
    // All of the disk, but what the folders take.
    expect(accepted).toBeGreaterThan(3_500);
    collector.answer = 200;
    await collector.waitFor(accepted);
    await emitter.flush();
    expect(emitter.stats()).toMatchObject({ sent: accepted, waiting: 0, inFlight: 0 });
    await until('there is room again', offer);
    await emitter.close();
    expect(collector.taken.size).toBe(accepted + 1);
    await collector.close();
  });

  test('that others fill takes nothing, and what is settled meanwhile does not come again after a crash', async () => {
    const made = store(path);
    const events = encodedEvents(200, { padding: 500 });
    made.put(events);
    const free = fill();
    for (const event of encodedEvents(20, { padding: 5_000 })) expect(() => made.put([event])).toThrow('ENOSPC');
    const lease = made.take(ALL) as Lease;
    void lease.ack(lease.events.slice(0, 150));
    const image = folder();
    crashed(path, image);
    const second = store(image);
    await vi.waitFor(() => expect(second.size).toBe(50), 30_000);
    expect(drain(second)).toEqual(ids(events.slice(150)));
    free();
    expect(made.put(encodedEvents(2))).toBe(true);
  });

  test('at the start refuses events until it has room, and then takes over what a dead owner left', async () => {
    const dead = store(path);
    const events = encodedEvents(20);
    dead.put(events);
    await dead.close();
    const free = fill();
    const made = store(path);
    expect(() => made.put(encodedEvents(1))).toThrow('ENOSPC');
    expect(made.take(ALL)).toBeUndefined();
    free();
    await vi.waitFor(() => expect(made.recovered).toBe(20), 30_000);
    expect(made.put(encodedEvents(1))).toBe(true);
    expect(drain(made)).toHaveLength(21);
  });

  test('keeps neither what a dead owner left nor what lies in several files from being delivered', async () => {
    const made = store(path);
    // Three files: some of what is settled lies in each.
    const events = encodedEvents(30, { padding: 100_000 });
    for (const event of events) made.put([event]);
    const left = encodedEvents(5);
    const dead = store(path);
    dead.put(left);
    const free = fill();
    await dead.close();
    const taken: string[] = [];
    for (let lease: Lease | undefined; taken.length < 30;) {
      lease = made.take({ ...ALL, maxEvents: 7 }) as Lease;
      taken.push(...ids(lease.events));
      void lease.ack();
    }
    expect(taken).toEqual(ids(events));
    const found: string[] = [];
    await until('what the dead one left has come', () => found.push(...drain(made)) >= 5);
    expect(found).toEqual(ids(left));
    free();
    await until('all files are gone', () => (made.put(encodedEvents(1)), drain(made), segmentsOn(path).length <= 1));
  });

  test('lets an owner whose socket was removed move its files to a new folder', async () => {
    const made = store(path);
    const events = encodedEvents(10, { padding: 500 });
    made.put(events);
    const lease = made.take({ ...ALL, maxEvents: 2 }) as Lease;
    const other = store(path);
    const own = ownersOn(path).find((name) => segmentsOn(join(path, name)).length > 0) as string;
    const free = fill();
    unlinkSync(join(path, own, 'alive.sock'));
    // Longer than a newcomer waits until it takes over.
    await sleep(5_000);
    free();
    await sleep(1_500);
    expect([other.recovered, made.size]).toEqual([0, 8]);
    void lease.nack();
    expect(drain(made)).toEqual(ids(events));
  });
});

describe('a limit of the process', () => {
  let path: string;
  beforeEach(() => {
    path = folder();
  });
  afterEach(() => rmSync(path, { recursive: true, force: true }));

  /** Puts 2,000 events of about a kilobyte under a limit, is killed, and tells what it accepted and what came of it. */
  async function under(
    limit: string,
  ): Promise<{ answers: object; accepted: readonly string[]; left: readonly string[] }> {
    const { child, said } = await childWith({ path }, 2_000, { wrap: ['sh', '-c', `${limit}; exec "$0" "$@"`] });
    children.push(child);
    child.kill('SIGKILL');
    await child.exited;
    const heir = store(path);
    const left: string[] = [];
    await until('all have come', () => left.push(...drain(heir)) >= said.ids.length);
    return { answers: said.answers, accepted: said.ids, left };
  }

  test('on the size of a file costs nothing: the log goes on in another one', async () => {
    const { answers, accepted, left } = await under('ulimit -f 256');
    expect(answers).toEqual({ put: 2_000 });
    expect(left).toEqual(accepted);
  });

  test('on the size of a file below that of one event refuses it', async () => {
    const { answers, left } = await under('ulimit -f 1');
    expect(answers).toEqual({ EFBIG: 2_000 });
    expect(left).toEqual([]);
  });
});

test('with no more files to open the log goes on in the one that it has', async () => {
  const path = folder();
  const script = `
    const { openSync } = require('node:fs');
    const { DiskEventStore } = require(process.argv[1].replace('index.js', 'disk/index.js'));
    const { encodedEvent } = require(process.argv[1].replace('index.js', 'core/tracker/encode.js'));
    const { randomUUID } = require('node:crypto');
    const store = new DiskEventStore({ path: process.argv[2] });
    const put = () => {
      const eventId = randomUUID();
      const json = JSON.stringify({ e: 'pv', page: 'x'.repeat(100_000), eid: eventId });
      return store.put([encodedEvent(json, eventId, false)]);
    };
    put();
    try { for (;;) openSync('/dev/null'); } catch {}
    let accepted = 1;
    for (let index = 0; index < 100; index++) if (put()) accepted++;
    console.log('accepted', accepted);
    setInterval(() => {}, 1000);`;
  const dist = join(process.cwd(), 'dist/index.js');
  const child = new Child('sh', ['-c', 'ulimit -n 100; exec "$0" "$@"', process.execPath, '-e', script, dist, path]);
  children.push(child);
  await child.printed(/accepted 101/);
  child.kill('SIGKILL');
  await child.exited;
  const heir = store(path);
  let left = 0;
  await until('all have come', () => (left += drain(heir).length) >= 101);
  rmSync(path, { recursive: true, force: true });
});

describe('a path that cannot be used is a mistake of the set-up', () => {
  test.runIf(mounted)('where nothing can be written', () => {
    const path = join(disk, 'read-only');
    mkdirSync(path);
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', path]);
    expect(() => store(path)).toThrow(
      'DiskEventStore: path must be a folder that can be made, read and written (EROFS)',
    );
    spawnSync('umount', ['--lazy', path]);
  });

  test('where a file lies', () => {
    const path = join(folder(), 'file');
    writeFileSync(path, 'mine');
    expect(() => store(path)).toThrow('(EEXIST)');
    expect(statSync(path).size).toBe(4);
  });

  test.runIf(process.getuid?.() !== 0)('where this user may not', () => {
    const path = folder();
    chmodSync(path, 0o500);
    expect(() => store(path)).toThrow('(EACCES)');
  });
});
