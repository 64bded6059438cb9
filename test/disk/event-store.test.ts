// The durable store on a real folder: order, leases, capacity, owners that end, die or are moved, damage, wrong set-ups.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DiskEventStore, type DiskStoreOptions } from '../../src/disk/disk-event-store';
import type { EncodedEvent } from '../../src/core/emitter';
import type { Lease } from '../../src/delivery/event-store';
import { testEventStore } from '../contracts/event-store';
import { encodedEvents } from '../support/events';

let path: string;
const opened: DiskEventStore[] = [];
const all = { maxEvents: 1_000_000, maxBytes: Infinity, overhead: 0 };
const ids = (events: readonly EncodedEvent[] | undefined): string[] => (events ?? []).map(({ eventId }) => eventId);

function store(options: Partial<DiskStoreOptions> = {}): DiskEventStore {
  const made = new DiskEventStore({ path, ...options });
  opened.push(made);
  return made;
}

function drain(from: DiskEventStore): string[] {
  const drained: string[] = [];
  for (let lease: Lease | undefined; (lease = from.take(all));) drained.push(...ids(lease.events));
  return drained;
}

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'disk-store-'));
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  rmSync(path, { recursive: true, force: true });
});

testEventStore(
  'DiskEventStore',
  ({ capacityBytes }) =>
    new DiskEventStore({
      path: mkdtempSync(join(path, '..', 'disk-store-suite-')),
      ...(capacityBytes ? { maxBytes: capacityBytes } : {}),
    }),
  { bounds: ['bytes'], runs: 50 },
);

describe('on one path', () => {
  test('more events come back in order than are kept in memory', () => {
    const events = encodedEvents(300, { padding: 100_000 });
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

  test('after a close the next store has what was left, with what was out under a lease', async () => {
    const events = encodedEvents(4);
    const first = store();
    first.put(events);
    const lease = first.take({ ...all, maxEvents: 2 }) as Lease;
    void lease.ack([lease.events[0] as EncodedEvent]);
    await first.close();
    const second = store();
    await vi.waitFor(() => expect(second.size).toBe(3), 30_000);
    expect(second.recovered).toBe(3);
    expect(ids(second.take(all)?.events)).toEqual(ids(events.slice(1)));
  });

  test('a folder that was moved or removed is made anew, and nothing is lost', async () => {
    const made = store();
    const events = encodedEvents(5);
    made.put(events.slice(0, 2));
    const lease = made.take({ ...all, maxEvents: 1 }) as Lease;
    const owner = readdirSync(path).find((name) => name.length === 36);
    rmSync(join(path, owner as string), { recursive: true });
    expect(made.put(events.slice(2))).toBe(true);
    void lease.nack();
    await made.close();
    const second = store();
    await vi.waitFor(() => expect(second.size).toBe(5), 30_000);
    expect(drain(second)).toEqual(ids(events));
  });

  test('an owner that has delivered everything leaves nothing', async () => {
    const made = store();
    made.put(encodedEvents(5));
    void (made.take(all) as Lease).ack();
    await made.close();
    expect(readdirSync(path)).toEqual(['snowplow-events-1']);
  });
});

/** The only segment on the path. */
function segment(): string {
  const owner = readdirSync(path).find((name) => /[0-9a-f-]{36}$/.test(name)) as string;
  const name = readdirSync(join(path, owner)).find((each) => each.endsWith('.log')) as string;
  return join(path, owner, name);
}

describe('what is damaged', () => {
  const damages: readonly (readonly [what: string, spoil: (file: string, bytes: Buffer) => void, left: readonly number[]])[] = [
    ['a bit of a record', (file, bytes) => writeFileSync(file, bytes.with(bytes.indexOf('"eid"', bytes.length / 2) + 9, 0x7a)), [0, 1, 3]],
    ['a newline', (file, bytes) => writeFileSync(file, bytes.with(bytes.lastIndexOf('\n', bytes.lastIndexOf('\n') - 1), 0x20)), [0, 1]],
    ['the end of the last record', (file, bytes) => truncateSync(file, bytes.length - 20), [0, 1, 2]],
    ['the last byte', (file, bytes) => truncateSync(file, bytes.length - 1), [0, 1, 2]],
    ['the beginning of the file', (file, bytes) => writeFileSync(file, bytes.fill(0x20, 0, 40)), [1, 2, 3]],
    ['garbage behind the last record', (file, bytes) => writeFileSync(file, Buffer.concat([bytes, Buffer.from('- what is this')])), [0, 1, 2, 3]],
    ['nothing, but there are files of others', (file) => writeFileSync(join(file, '..', 'readme.txt'), 'mine'), [0, 1, 2, 3]],
  ]; // prettier-ignore
  test.each(damages)('is skipped, counted and reported: %s', async (_what, spoil, left) => {
    const events = encodedEvents(4);
    const first = store();
    for (const event of events) first.put([event]);
    await first.close();
    const file = segment();
    spoil(file, readFileSync(file));
    const second = store();
    const lost = vi.fn();
    second.listen({ arrived: vi.fn(), lost });
    await vi.waitFor(() => expect(second.size).toBe(left.length), 30_000);
    expect(drain(second)).toEqual(ids(left.map((index) => events[index] as EncodedEvent)));
    const told = lost.mock.calls.reduce((total, [count]) => total + (count as number), 0);
    expect(second.recovered).toBe(left.length + told);
    expect(told > 0).toBe(left.length < 4 || _what.startsWith('garbage'));
  });
});

describe('owners', () => {
  test('that die one after another leave nothing nested, and everything to the last', async () => {
    const events = encodedEvents(12);
    // As a kill leaves it: the folder without its socket.
    for (const event of events) {
      const made = store();
      made.put([event]);
      await made.close();
    }
    const heirs = [store(), store()];
    await vi.waitFor(() => expect(heirs.reduce((total, { size }) => total + size, 0)).toBe(12), 30_000);
    const found = heirs.flatMap((heir) => drain(heir));
    expect(found.toSorted()).toEqual(ids(events).toSorted());
    const deep = readdirSync(path, { recursive: true }).filter((name) => /adopted.+adopted.+/.test(String(name)));
    expect(deep).toEqual([]);
  });

  test('that are alive keep what they have, and notice when their folder was moved', async () => {
    const one = store();
    const other = store();
    const events = encodedEvents(4);
    one.put(events.slice(0, 2));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([one.size, other.size]).toEqual([2, 0]);
    const owner = readdirSync(path).find((name) => readdirSync(join(path, name)).some((each) => each.endsWith('.log')));
    renameSync(join(path, owner as string), join(path, '..', `${owner as string}-moved`));
    one.put(events.slice(2));
    expect(drain(one)).toEqual(ids(events));
    rmSync(join(path, '..', `${owner as string}-moved`), { recursive: true });
  });
});

describe('set-up', () => {
  test.each([
    ['a folder with something else in it', (): void => writeFileSync(join(path, 'data.mdb'), ''), 'an empty folder, or one of an event store'],
    ['a folder of another version', (): void => mkdirSync(join(path, 'snowplow-events-2')), 'a folder of this version'],
  ])('refuses %s, and leaves it as it is', (_what, prepare, expected) => {
    prepare();
    const before = readdirSync(path);
    expect(() => store()).toThrow(`DiskEventStore: path must be ${expected}`);
    expect(readdirSync(path)).toEqual(before);
  }); // prettier-ignore

  test('takes a path longer than a socket may have, with blanks and letters of other alphabets', async () => {
    path = join(path, 'õhtu tee', 'x'.repeat(120));
    const made = store();
    made.put(encodedEvents(2));
    await made.close();
    const next = store();
    await vi.waitFor(() => expect(next.size).toBe(2), 30_000);
  });
});
