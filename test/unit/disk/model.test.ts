// Two owners on one path beside a list: whatever is put, settled, crashed or moved, each event waits once or was acknowledged.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DiskEventStore } from '../../../src/disk';
import type { Lease } from '../../../src/delivery/store/event-store';
import { crashed, drain, folder, ownersOn, segmentsOn } from '../../support/disk';
import { encodedEvents } from '../../support/events';
import { until } from '../../support/until';

const RUNS = Number(process.env['MODEL_RUNS'] ?? 40);
const SLOTS = 2;

const slot = fc.nat(SLOTS - 1);
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), slot, count: fc.integer({ min: 1, max: 30 }), padding: fc.constantFrom(0, 500, 60_000, 300_000), anonymous: fc.boolean() }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), slot, count: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('ack' as const, 'nack' as const), which: fc.nat(), share: fc.constantFrom(1, 0.9, 0.5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), slot }) },
  ),
  { maxLength: 40 },
); // prettier-ignore

interface Out {
  readonly slot: number;
  readonly lease: Lease;
  open: Lease['events'];
}

class World {
  path = folder();
  stores = Array.from({ length: SLOTS }, () => new DiskEventStore({ path: this.path }));
  /** Accepted, and not acknowledged. */
  readonly owed = new Set<string>();
  crashes = 0;
  #out: Out[] = [];

  put(at: number, count: number, options: object): void {
    const events = encodedEvents(count, options);
    if ((this.stores[at] as DiskEventStore).put(events)) for (const { eventId } of events) this.owed.add(eventId);
  }

  take(at: number, count: number): void {
    const lease = (this.stores[at] as DiskEventStore).take({ maxEvents: count, maxBytes: Infinity, overhead: 0 });
    if (!lease) return;
    const others = new Set(this.#out.flatMap(({ open }) => open.map(({ eventId }) => eventId)));
    for (const { eventId } of lease.events) {
      expect(this.owed.has(eventId), 'what was acknowledged does not come again').toBe(true);
      expect(others.has(eventId), 'nothing is leased twice').toBe(false);
    }
    this.#out.push({ slot: at, lease, open: lease.events });
  }

  settle(how: 'ack' | 'nack', which: number, share: number): void {
    const out = this.#out[which % Math.max(1, this.#out.length)];
    if (!out) return;
    const named = out.open.slice(0, Math.ceil(out.open.length * share));
    out.open = out.open.slice(named.length);
    if (out.open.length === 0) this.#out = this.#out.filter((each) => each !== out);
    void out.lease[how](named);
    if (how === 'ack') for (const { eventId } of named) this.owed.delete(eventId);
  }

  /** All processes die at this moment, and others take their place. */
  async crash(): Promise<void> {
    this.crashes++;
    const image = folder();
    crashed(this.path, image);
    await this.close();
    this.path = image;
    this.#out = [];
    this.stores = this.stores.map(() => new DiskEventStore({ path: image }));
  }

  /** Somebody removes an owner's folder: what is not open there, a dead owner's, would be gone with it. */
  remove(): void {
    for (const name of ownersOn(this.path)) {
      const isSafe = segmentsOn(join(this.path, name)).every((file) => !file.includes('adopted'));
      if (name.length === 16 && isSafe) rmSync(join(this.path, name), { recursive: true });
    }
    // They notice when they write, or within a second.
    for (const store of this.stores) store.put([]);
  }

  async restart(at: number): Promise<void> {
    await this.stores[at]?.close();
    this.#out = this.#out.filter((out) => out.slot !== at);
    this.stores[at] = new DiskEventStore({ path: this.path });
  }

  async close(): Promise<void> {
    await Promise.all(this.stores.map((store) => store.close()));
    rmSync(this.path, { recursive: true, force: true });
  }
}

test('each accepted event waits once, is out, or was acknowledged', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      const world = new World();
      try {
        for (const step of commands) {
          if (step.do === 'put') world.put(step.slot, step.count, step);
          else if (step.do === 'take') world.take(step.slot, step.count);
          else if (step.do === 'crash') await world.crash();
          else if (step.do === 'restart') await world.restart(step.slot);
          else if (step.do === 'remove') world.remove();
          else world.settle(step.do, step.which, step.share);
        }
        await world.crash();
        const found: string[] = [];
        await until('all have come', () => {
          found.push(...world.stores.flatMap((store) => drain(store)));
          return found.length >= world.owed.size;
        });
        expect([...new Set(found)].toSorted()).toEqual([...world.owed].toSorted());
        // A crash while the last few events of a file are moved leaves them in both places.
        expect(found.length - world.owed.size).toBeLessThanOrEqual(20 * world.crashes);
      } finally {
        await world.close();
      }
    }),
    { numRuns: RUNS },
  );
});
