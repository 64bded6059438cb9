// What is damaged on the disk is skipped record by record, counted and reported; all others are delivered.
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DiskEventStore } from '../../../src/disk';
import { ALL, crashed, drain, folder, ids, segmentsOn } from '../../support/disk';
import { encodedEvent, encodedEvents } from '../../support/events';

const RESTARTS = Number(process.env['RESTART_RUNS'] ?? 20);

// Bytes of the line with which a file begins.
const HEADER = 17;

let path: string;
const opened: DiskEventStore[] = [];
const lost = vi.fn();

function store(): DiskEventStore {
  const made = new DiskEventStore({ path });
  made.listen({ arrived: vi.fn(), lost });
  opened.push(made);
  return made;
}
const told = (): number => lost.mock.calls.reduce((total, [count]) => total + (count as number), 0);

beforeEach(() => {
  lost.mockClear();
  path = folder();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  rmSync(path, { recursive: true, force: true });
});

const CASES: readonly (readonly [what: string, spoil: (file: string, bytes: Buffer) => void, left: readonly number[], damaged: number])[] = [
  ['a bit of a record', (file, bytes) => writeFileSync(file, bytes.with(bytes.indexOf('"eid"', bytes.length / 2) + 9, 0x7a)), [0, 1, 3], 1],
  ['a newline', (file, bytes) => writeFileSync(file, bytes.with(bytes.lastIndexOf('\n', bytes.lastIndexOf('\n') - 1), 0x20)), [0, 1], 1],
  ['a mark', (file, bytes) => writeFileSync(file, bytes.with(HEADER, 0x3f)), [1, 2, 3], 1],
  ['the end of the last record', (file, bytes) => truncateSync(file, bytes.length - 20), [0, 1, 2], 1],
  ['the last byte', (file, bytes) => truncateSync(file, bytes.length - 1), [0, 1, 2], 1],
  ['the beginning of the file', (file, bytes) => writeFileSync(file, bytes.fill(0x20, 0, 40)), [1, 2, 3], 1],
  ['the header', (file, bytes) => writeFileSync(file, bytes.fill(0x20, 0, 10)), [0, 1, 2, 3], 0],
  ['a header that says too much', (file, bytes) => writeFileSync(file, bytes.with(7, 0x66)), [0, 1, 2, 3], 0],
  ['garbage behind the last record', (file, bytes) => writeFileSync(file, Buffer.concat([bytes, Buffer.from('- what is this')])), [0, 1, 2, 3], 1],
  ['nothing, but there are files of others', (file) => writeFileSync(join(file, '..', 'readme.txt'), 'mine'), [0, 1, 2, 3], 0],
  ['nothing, but there is an empty file', (file) => writeFileSync(join(dirname(file), '000000.log'), ''), [0, 1, 2, 3], 0],
  ['nothing, but there is a file of nothing but newlines', (file) => writeFileSync(join(dirname(file), '000007.log'), '\n'.repeat(20)), [0, 1, 2, 3], 3],
  ['a length of billions', (file, bytes) => writeFileSync(file, Buffer.concat([bytes.subarray(0, HEADER), Buffer.from(`-${'f'.repeat(16)}{}\n`), bytes.subarray(HEADER)])), [0, 1, 2, 3], 1],
]; // prettier-ignore

test.each(CASES)('skips, counts and reports: %s', async (_what, spoil, left, damaged) => {
  const events = encodedEvents(4);
  const first = store();
  for (const event of events) first.put([event]);
  await first.close();
  const [file] = segmentsOn(path) as [string];
  spoil(file, readFileSync(file));
  const second = store();
  await vi.waitFor(() => expect([second.size, told()]).toEqual([left.length, damaged]), 30_000);
  expect(drain(second)).toEqual(ids(left.map((index) => events[index] as (typeof events)[number])));
  expect([second.recovered, second.size, second.bytes]).toEqual([left.length + damaged, 0, 0]);
});

test('a last record that was cut off at any length costs itself and no other', async () => {
  const events = encodedEvents(2);
  const first = store();
  for (const event of events) first.put([event]);
  await first.close();
  const whole = readFileSync(segmentsOn(path)[0] as string);
  const start = whole.lastIndexOf('\n', whole.length - 2) + 1;
  for (let length = start; length < whole.length; length++) {
    writeFileSync(segmentsOn(path)[0] as string, whole.subarray(0, length));
    lost.mockClear();
    const next = store();
    await vi.waitFor(() => expect(next.size).toBe(1), 30_000);
    expect([ids(next.take(ALL)?.events), told()]).toEqual([[events[0]?.eventId], length > start ? 1 : 0]);
    await next.close();
  }
}, 180_000);

test('what vanishes from a file while its owner lives is given up and counted, not waited for', () => {
  const made = store();
  // What memory holds at most, which costs nothing, and ten that are in the file alone.
  const held = encodedEvents(1_000);
  for (const event of held) made.put([event]);
  made.put(encodedEvents(10));
  truncateSync(segmentsOn(path)[0] as string, 0);
  expect(made.size).toBe(1_010);
  expect(drain(made)).toEqual(ids(held));
  expect(made.take(ALL)).toBeUndefined();
  expect([made.size, made.bytes, told()]).toEqual([0, 0, 10]);
  expect(made.put(encodedEvents(1))).toBe(true);
  expect(drain(made)).toHaveLength(1);
});

test('restarts with random damage lose nothing but the records that were hit', async () => {
  for (let run = 0; run < RESTARTS; run++) {
    const events = Array.from({ length: 40 }, () => encodedEvent({ padding: Math.floor(Math.random() * 2_000) }));
    const first = store();
    for (const event of events) first.put([event]);
    const image = folder();
    crashed(path, image);
    await first.close();
    rmSync(path, { recursive: true });
    path = image;
    const [file] = segmentsOn(path) as [string];
    const bytes = readFileSync(file);
    const hit = new Set<string>();
    for (let flip = 0; flip < 5; flip++) {
      const at = Math.floor(Math.random() * bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(Math.random() * 8));
      // The line that has this byte; a newline that is gone takes the next one along.
      let end = HEADER;
      for (const { eventId, bytes: length } of events) {
        const start = end;
        end += length + 18;
        if (at >= start && at < end) hit.add(eventId);
        if (at === start - 1) hit.add(eventId);
      }
    }
    writeFileSync(file, bytes);
    const second = store();
    const must = ids(events).filter((id) => !hit.has(id));
    await vi.waitFor(() => expect(second.size).toBeGreaterThanOrEqual(must.length), 30_000);
    const found = drain(second);
    expect(must.filter((id) => !found.includes(id))).toEqual([]);
    expect(found.filter((id) => !ids(events).includes(id))).toEqual([]);
    await second.close();
  }
}, 300_000);
