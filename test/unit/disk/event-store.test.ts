// The durable store on a real folder: order, leases, capacity, owners that end, die or are moved, damage, wrong set-ups.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DiskEventStore, type DiskStoreOptions } from '../../../src/disk/disk-event-store';
import type { EncodedEvent } from '../../../src/core/emitter';
import type { Lease } from '../../../src/delivery/store/event-store';
import { testEventStore } from '../../conformance/event-store';
import { folder } from '../../support/disk';
import { encodedEvents } from '../../support/events';

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
  path = folder();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  rmSync(path, { recursive: true, force: true });
});

testEventStore(
  'DiskEventStore',
  ({ capacityBytes }) =>
    new DiskEventStore({
      path: folder(),
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

  test('an owner that has delivered everything leaves nothing', async () => {
    const made = store();
    made.put(encodedEvents(5));
    void (made.take(all) as Lease).ack();
    await made.close();
    expect(readdirSync(path)).toEqual(['snowplow-events-1']);
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
