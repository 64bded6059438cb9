// The store that events wait in by default.
import { ConfigError, MemoryEventStore } from 'snowplow-middleware';
import { expect, it } from 'vitest';
import { encodedEvent, testEventStore } from '../../conformance/event-store';

testEventStore('MemoryEventStore', (limits) => new MemoryEventStore(limits));

it('is bounded by 10,000 events and 16 MiB where no limits are given', () => {
  const store = new MemoryEventStore();
  const small = encodedEvent();
  for (let count = 0; count < 10_000; count++) expect(store.put([small])).toBe(true);
  expect(store.put([small])).toBe(false);

  const byBytes = new MemoryEventStore();
  const large = encodedEvent({ padding: 1024 * 1024 });
  for (let count = 0; count < 15; count++) expect(byBytes.put([large])).toBe(true);
  expect(byBytes.put([large])).toBe(false);
});

it('says which limit was wrong', () => {
  expect(() => new MemoryEventStore({ capacity: 0 })).toThrow(ConfigError);
  expect(() => new MemoryEventStore({ capacity: 0 })).toThrow('MemoryEventStore: capacity');
  expect(() => new MemoryEventStore({ capacityBytes: 1.5 })).toThrow('MemoryEventStore: capacityBytes');
});

it('stays quick when a long queue is taken from and returned to, over and over', async () => {
  const store = new MemoryEventStore({ capacity: 20_000, capacityBytes: 1e9 });
  const events = Array.from({ length: 20_000 }, () => encodedEvent());
  expect(store.put(events)).toBe(true);
  const ids = new Set<string>();
  for (let lease = store.take(CUT), turn = 0; lease; lease = store.take(CUT), turn++) {
    if (turn % 3 === 0) await lease.nack();
    else {
      for (const { eventId } of lease.events) ids.add(eventId);
      await lease.ack();
    }
  }
  expect(ids.size).toBe(20_000);
  expect([store.size, store.bytes]).toEqual([0, 0]);
});

const CUT = { maxEvents: 250, maxBytes: 131_072, overhead: 23 };
