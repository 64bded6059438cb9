// The durable store on a real file: order, leases, capacity, several owners on one path, damage, wrong set-ups.
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LmdbEventStore, type LmdbStoreOptions } from 'snowplow-middleware/lmdb';
import type { EncodedEvent } from '../../src/core/emitter';
import type { Lease } from '../../src/delivery/event-store';
import { testEventStore } from '../contracts/event-store';
import { encodedEvent, encodedEvents } from '../support/events';

let path: string;
const opened: LmdbEventStore[] = [];
const all = { maxEvents: 1_000_000, maxBytes: Infinity, overhead: 0 };
const ids = (events: readonly EncodedEvent[] | undefined): string[] => (events ?? []).map(({ eventId }) => eventId);

function store(options: Partial<LmdbStoreOptions> = {}): LmdbEventStore {
  const made = new LmdbEventStore({ path, ...options });
  opened.push(made);
  return made;
}

/** Everything that waits, batch by batch. */
function drain(from: LmdbEventStore): string[] {
  const drained: string[] = [];
  for (let lease: Lease | undefined; (lease = from.take(all));) drained.push(...ids(lease.events));
  return drained;
}

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lmdb-store-'));
});

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(opened.splice(0).map((each) => each.close()));
  rmSync(path, { recursive: true, force: true });
});

describe('on one path', () => {
  test('events come back as they were put, in their order', () => {
    const events = encodedEvents(5);
    const made = store();
    expect(made.put(events)).toBe(true);
    expect(made.size).toBe(5);
    expect(made.bytes).toBe(events.reduce((bytes, event) => bytes + event.bytes, 0));
    const lease = made.take({ ...all, maxEvents: 3 });
    expect(lease?.events.map(({ json, bytes, eventId, anonymous }) => ({ json, bytes, eventId, anonymous }))).toEqual(
      events.slice(0, 3).map(({ json, bytes, eventId, anonymous }) => ({ json, bytes, eventId, anonymous })),
    );
    expect(made.size).toBe(2);
  });

  test('and so do more than are kept in memory, whatever was taken and given back in between', () => {
    const events = encodedEvents(90, { padding: 100_000 });
    const made = store();
    const taken: string[] = [];
    for (let index = 0; index < events.length; index += 30) {
      made.put(events.slice(index, index + 30));
      void made.take({ ...all, maxEvents: 20 })?.nack();
      taken.push(...ids(made.take({ ...all, maxEvents: 5 })?.events));
    }
    taken.push(...drain(made));
    const more = encodedEvents(3);
    for (const event of more) made.put([event]);
    expect([...taken, ...drain(made)]).toEqual(ids([...events, ...more]));
    expect([made.size, made.bytes]).toEqual([0, 0]);
  });

  test('a cut is kept by bytes, and a first event that is larger is taken alone', () => {
    const events = encodedEvents(4);
    const [first] = events as [EncodedEvent];
    const made = store();
    made.put(events);
    expect(made.take({ ...all, maxBytes: 2 * (first.bytes + 10), overhead: 10 })?.events).toHaveLength(2);
    expect(made.take({ ...all, maxBytes: 1 })?.events).toHaveLength(1);
  });

  test('an event given back is the next one to be taken, and settles once', () => {
    const events = encodedEvents(6);
    const made = store();
    made.put(events);
    const first = made.take({ ...all, maxEvents: 3 }) as Lease;
    const second = made.take({ ...all, maxEvents: 2 }) as Lease;
    void first.ack([first.events[1] as EncodedEvent]);
    void second.nack();
    void first.nack();
    void first.ack();
    expect(ids(made.take(all)?.events)).toEqual([0, 2, 3, 4, 5].map((index) => events[index]?.eventId));
  });

  test('anonymous events never share a lease with others, and the older kind comes first', () => {
    const events = [true, false, true, false].map((anonymous) => encodedEvent({ anonymous }));
    const made = store();
    made.put(events);
    const leases = [made.take(all), made.take(all)];
    expect(leases.map((lease) => ids(lease?.events))).toEqual([
      [events[0]?.eventId, events[2]?.eventId],
      [events[1]?.eventId, events[3]?.eventId],
    ]);
    expect(leases[0]?.events.every(({ anonymous }) => anonymous)).toBe(true);
  });

  test('waiting and leased events together stay below the limit, which holds for all who share the path', () => {
    const events = encodedEvents(3, { padding: 400 });
    const [event] = events as [EncodedEvent];
    const [one, other] = [store({ maxBytes: event.bytes * 4 }), store({ maxBytes: event.bytes * 4 })];
    expect(one.put(events)).toBe(true);
    const lease = one.take(all);
    expect(other.put(encodedEvents(2, { padding: 400 }))).toBe(false);
    expect(other.put(encodedEvents(1, { padding: 400 }))).toBe(true);
    expect(other.put(encodedEvents(1, { padding: 400 }))).toBe(false);
    void lease?.ack();
    expect(other.put(encodedEvents(3, { padding: 400 }))).toBe(true);
  });

  test('a group of events is put whole or not at all', () => {
    const made = store({ maxBytes: 1_000 });
    expect(made.put(encodedEvents(20))).toBe(false);
    expect(made.size).toBe(0);
    expect(made.take(all)).toBeUndefined();
  });

  test('each process takes what it accepted', () => {
    const [one, other] = [store(), store()];
    const [mine, theirs] = [encodedEvents(3), encodedEvents(2)];
    one.put(mine);
    other.put(theirs);
    expect(drain(one)).toEqual(ids(mine));
    expect(drain(other)).toEqual(ids(theirs));
  });

  test('after a close the next store has what was left, at once, with what was out under a lease', async () => {
    const events = encodedEvents(4);
    const first = store();
    first.put(events);
    const lease = first.take({ ...all, maxEvents: 2 }) as Lease;
    void lease.ack([lease.events[0] as EncodedEvent]);
    await first.close();
    const second = store();
    expect(second.recovered).toBe(3);
    expect(drain(second)).toEqual(ids(events.slice(1)));
  });

  test('a store that is there already is told of events that arrive in another way', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
    const [leaving, staying] = [store(), store()];
    const arrived = vi.fn();
    staying.listen({ arrived, lost: vi.fn() });
    const events = encodedEvents(2);
    leaving.put(events);
    await leaving.close();
    vi.advanceTimersByTime(1_000);
    expect(arrived).toHaveBeenCalledOnce();
    expect(staying.recovered).toBe(2);
    expect(drain(staying)).toEqual(ids(events));
  });
});

describe('when a process falls silent', () => {
  // Its timers stand still, so it gives no sign of life: as a blocked or a killed process does not.
  function silentWith(events: EncodedEvent[]): LmdbEventStore {
    const silent = store();
    silent.put(events);
    vi.clearAllTimers();
    return silent;
  }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
  });

  test('its events are taken over after 15 seconds, not before', () => {
    const events = encodedEvents(3);
    silentWith(events);
    const other = store();
    vi.advanceTimersByTime(14_000);
    expect(other.size).toBe(0);
    vi.advanceTimersByTime(3_000);
    expect(other.recovered).toBe(3);
    expect(drain(other)).toEqual(ids(events));
  });

  test('and wakes again, it takes and removes nothing that another has now', () => {
    const events = encodedEvents(4);
    const silent = silentWith(events);
    const late = silent.take({ ...all, maxEvents: 2 }) as Lease;
    const other = store();
    vi.advanceTimersByTime(17_000);
    void late.ack([late.events[0] as EncodedEvent]);
    void late.nack();
    expect(silent.take(all)).toBeUndefined();
    expect(silent.size).toBe(0);
    // 4 accepted, 3 of them with another now, 1 sent.
    expect(silent.recovered).toBe(-3);
    expect(drain(other)).toEqual(ids(events));
    const more = encodedEvents(2);
    expect(silent.put(more)).toBe(true);
    expect(drain(silent)).toEqual(ids(more));
  });

  test('a machine that was started again counts as silence', async () => {
    const events = encodedEvents(1);
    vi.advanceTimersByTime(60_000);
    silentWith(events);
    // The clock of a machine begins with its start.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
    const other = store();
    expect(drain(other)).toEqual(ids(events));
  });
});

describe('a damaged file', () => {
  async function filled(count: number): Promise<EncodedEvent[]> {
    const made = store();
    const events = encodedEvents(count, { padding: 500 });
    made.put(events);
    await made.close();
    return events;
  }
  const data = (): string => join(path, 'data.mdb');

  const damages: [string, () => void][] = [
    ['cut to 60 %', () => truncateSync(data(), Math.floor(statSync(data()).size * 0.6))],
    ['cut to 1 %', () => truncateSync(data(), Math.floor(statSync(data()).size * 0.01))],
    ['of garbage', () => writeFileSync(data(), Buffer.alloc(20_000, 'garbage'))],
    [
      'with another byte in a value',
      () => {
        const bytes = readFileSync(data());
        bytes[bytes.indexOf('Käse')] = 0x21;
        writeFileSync(data(), bytes);
      },
    ],
    [
      'with another word for its format',
      () => {
        const bytes = readFileSync(data());
        for (let at; (at = bytes.indexOf('~format')) >= 0;) bytes[at + 1] = 0x21;
        writeFileSync(data(), bytes);
      },
    ],
    [
      'with 200 bytes flipped',
      () => {
        const bytes = readFileSync(data());
        for (let index = 0; index < 200; index++) {
          const at = 8192 + ((index * 7919) % (bytes.length - 8192));
          bytes[at] = (bytes[at] as number) ^ 0xff;
        }
        writeFileSync(data(), bytes);
      },
    ],
  ];

  test.each(damages)('%s is set aside, reported once, and a new one is started', async (_what, damage) => {
    const spoken = vi.spyOn(console, 'error').mockImplementation(() => {});
    await filled(300);
    damage();
    const made = store();
    expect(readdirSync(path).filter((name) => name.startsWith('data.mdb.corrupt-'))).toHaveLength(1);
    expect(spoken).toHaveBeenCalledTimes(1);
    spoken.mockRestore();
    const events = encodedEvents(3);
    expect(made.put(events)).toBe(true);
    expect(drain(made)).toEqual(ids(events));
  });

  test('that is empty is a new one', async () => {
    writeFileSync(data(), '');
    const made = store();
    expect(made.put(encodedEvents(1))).toBe(true);
    expect(readdirSync(path).toSorted()).toEqual(['data.mdb', 'lock.mdb']);
  });

  test('a record damaged while the store is open is given up alone, and counted', async () => {
    const spoken = vi.spyOn(console, 'error').mockImplementation(() => {});
    const events = await filled(3);
    const made = store();
    const lost = vi.fn();
    made.listen({ arrived: vi.fn(), lost });
    const beside = open<Buffer>({ path, noSubdir: false, encoding: 'binary', noSync: true });
    beside.putSync([0, 0, 1], Buffer.alloc(600));
    await beside.close();
    expect(drain(made)).toEqual([events[0]?.eventId, events[2]?.eventId]);
    expect(lost).toHaveBeenCalledExactlyOnceWith(1, expect.any(Error));
    expect(made.size).toBe(0);
    spoken.mockRestore();
  });
});

test('records that vanish while the store is open are given up and counted, not waited for', async () => {
  const before = store();
  before.put(encodedEvents(3));
  await before.close();
  const made = store();
  const lost = vi.fn();
  made.listen({ arrived: vi.fn(), lost });
  const beside = open<Buffer>({ path, noSubdir: false, encoding: 'binary', noSync: true });
  for (const number of [0, 1, 2]) beside.removeSync([0, 0, number]);
  await beside.close();
  expect(made.take(all)).toBeUndefined();
  expect(lost).toHaveBeenCalledExactlyOnceWith(3, expect.any(Error));
  expect([made.size, made.bytes]).toEqual([0, 0]);
});

testEventStore(
  'LmdbEventStore',
  ({ capacityBytes }) => new LmdbEventStore({ path: mkdtempSync(join(path, 'contract-')), maxBytes: capacityBytes }),
  { bounds: ['bytes'], runs: 30 },
);

describe('set-up', () => {
  test('the directory and the files are for this user alone', () => {
    path = join(path, 'made', 'new');
    store();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(path)) expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
  });

  test('an unknown option, a wrong type and a file as the path are refused by name', () => {
    expect(() => store({ sync: 'always' } as never)).toThrow("LmdbEventStore: sync must be one of 'none', 'group'");
    expect(() => store({ size: 1 } as never)).toThrow('LmdbEventStore: size must be a known option');
    const file = join(path, 'file');
    writeFileSync(file, 'mine');
    path = file;
    expect(() => store()).toThrow(
      'LmdbEventStore: path must be a directory that can be written, on a disk with space left, got EEXIST',
    );
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test.skipIf(process.getuid?.() === 0)('a path that cannot be written is refused', () => {
    chmodSync(path, 0o500);
    expect(() => store()).toThrow(
      'LmdbEventStore: path must be a directory that can be written, on a disk with space left, got EACCES',
    );
  });

  test('a database of something else, and one of a newer version, are refused and left as they are', async () => {
    const database = open<Buffer>({ path, noSubdir: false, encoding: 'binary' });
    await database.put('mine', Buffer.from('1'));
    await database.close();
    expect(() => store()).toThrow('free, or a store of format 1, got a database of something else');
    const newer = open<Buffer>({ path, noSubdir: false, encoding: 'binary' });
    await newer.put('~format', Buffer.from('2'));
    await newer.close();
    expect(() => store()).toThrow('got one of format 2, made by a newer version');
    expect(readdirSync(path).toSorted()).toEqual(['data.mdb', 'lock.mdb']);
  });

  test('stored() resolves when the file is written through', async () => {
    const made = store({ sync: 'group' });
    made.put(encodedEvents(10));
    await expect(made.stored()).resolves.toBeUndefined();
  });
});
