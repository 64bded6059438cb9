// Random sequences of what may happen to a durable store, held against a model of a few lines: a queue and what is out.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LmdbEventStore } from 'snowplow-middleware/lmdb';
import type { EncodedEvent } from '../../src/core/emitter';
import type { Lease } from '../../src/delivery/event-store';
import { encodedEvent } from '../support/events';

const RUNS = Number(process.env['STORE_MODEL_RUNS'] ?? 40);

type Step =
  | { do: 'put'; kinds: boolean[] }
  | { do: 'take'; maxEvents: number }
  | { do: 'ack' | 'nack'; lease: number; mask: number }
  | { do: 'crash' | 'close' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('put' as const), kinds: fc.array(fc.boolean(), { maxLength: 8 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('take' as const), maxEvents: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('ack' as const, 'nack' as const),
      lease: fc.nat(3),
      mask: fc.integer({ min: 0, max: 255 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'close' as const) }) },
);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
});

afterEach(() => {
  vi.useRealTimers();
});

test('whatever happens, each accepted event waits, is out, or was acknowledged, and waits in its order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const path = mkdtempSync(join(tmpdir(), 'lmdb-model-'));
      let store = new LmdbEventStore({ path });
      const left: LmdbEventStore[] = [];
      // The model: waiting events by kind, in order of arrival, and the leases that are out.
      let arrivals = 0;
      const order = new Map<string, number>();
      let waiting: EncodedEvent[] = [];
      let out: { lease: Lease; open: EncodedEvent[] }[] = [];
      const sorted = (events: EncodedEvent[]): EncodedEvent[] =>
        events.toSorted((a, b) => (order.get(a.eventId) as number) - (order.get(b.eventId) as number));

      const reopen = (): void => {
        left.push(store);
        store = new LmdbEventStore({ path });
        vi.advanceTimersByTime(17_000);
        waiting = sorted([...waiting, ...out.flatMap(({ open }) => open)]);
        out = [];
        expect(store.recovered).toBe(waiting.length);
      };

      for (const each of steps) {
        if (each.do === 'put') {
          const events = each.kinds.map((anonymous) => encodedEvent({ anonymous }));
          expect(store.put(events)).toBe(true);
          for (const event of events) order.set(event.eventId, arrivals++);
          waiting.push(...events);
        } else if (each.do === 'take') {
          const lease = store.take({ maxEvents: each.maxEvents, maxBytes: Infinity, overhead: 0 });
          const kind = waiting[0]?.anonymous;
          // What was taken over keeps its own leases: one may hold fewer than it could, never none.
          const fitting = waiting.filter(({ anonymous }) => anonymous === kind).slice(0, each.maxEvents);
          const expected = fitting.slice(0, lease?.events.length ?? 0);
          expect(expected.length === 0).toBe(fitting.length === 0);
          expect((lease?.events ?? []).map(({ json }) => json)).toEqual(expected.map(({ json }) => json));
          waiting = waiting.filter((event) => !expected.includes(event));
          if (lease) out.push({ lease, open: expected });
        } else if (each.do === 'ack' || each.do === 'nack') {
          const lent = out[each.lease % Math.max(1, out.length)];
          if (!lent) continue;
          const named = lent.lease.events.filter((_event, index) => each.mask & (1 << index));
          void lent.lease[each.do](named);
          const settled = lent.open.filter(({ eventId }) => named.some((event) => event.eventId === eventId));
          lent.open = lent.open.filter((event) => !settled.includes(event));
          if (each.do === 'nack') waiting = sorted([...waiting, ...settled]);
        } else if (each.do === 'crash') {
          vi.clearAllTimers();
          reopen();
        } else {
          await store.close();
          reopen();
        }
        expect(store.size).toBe(waiting.length);
        expect(store.bytes).toBe(waiting.reduce((bytes, event) => bytes + event.bytes, 0));
      }
      await Promise.all([...left, store].map((each) => each.close()));
      rmSync(path, { recursive: true, force: true });
    }),
    { numRuns: RUNS },
  );
}, 300_000);
