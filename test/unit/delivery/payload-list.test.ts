// The list that a callback receives: an array to the user, whose events are decoded once, when they are looked at.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Emitter, type EventStore, type Payload, Tracker } from 'snowplow-middleware';
import { startCollector } from 'snowplow-middleware/collector';
import { expect, describe, it } from 'vitest';
import type { EncodedEvent } from '../../../src/core/emitter';
import { encodedEvent } from '../../../src/core/tracker/encode';
import { payloadsOf } from '../../../src/delivery/engine/payload-list';

const plain = (number: number): Payload => ({ e: 'pv', page: `page ${number}` }) as unknown as Payload;

/** A list of so many events, and how often each was decoded. */
function listOf(count: number): { list: Payload[]; decoded: number[] } {
  const decoded = Array.from({ length: count }, () => 0);
  const events = decoded.map((_, number): EncodedEvent => {
    const event = encodedEvent(JSON.stringify(plain(number)), `id ${number}`, false);
    return {
      ...event,
      payload() {
        decoded[number]!++;
        return event.payload();
      },
    };
  });
  return { list: payloadsOf(events), decoded };
}

describe('the list of payloads', () => {
  it('decodes nothing to say how many there are, and only the event that is read', () => {
    const { list, decoded } = listOf(3);
    expect(list.length).toBe(3);
    expect(Array.isArray(list)).toBe(true);
    expect(decoded).toEqual([0, 0, 0]);
    expect(list[1]?.['page']).toBe('page 1');
    expect(list[1]).toBe(list[1]);
    expect(decoded).toEqual([0, 1, 0]);
    expect([list[3], list[-1], (list as unknown as Record<string, unknown>)['01']]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each<[string, (list: Payload[]) => unknown]>([
    ['spread', (list) => [...list]],
    ['map', (list) => list.map((payload) => payload)],
    ['slice', (list) => list.slice()],
    ['entries', (list) => Object.values(Object.fromEntries(list.entries()))],
    ['filter', (list) => list.filter(() => true)],
    ['for', (list) => { const all: Payload[] = []; for (const payload of list) all.push(payload); return all; }],
    ['keys', (list) => Object.keys(list).map((key) => list[Number(key)])],
    ['Object.values', (list) => Object.values(list)],
    ['JSON', (list) => JSON.parse(JSON.stringify(list))],
    ['concat', (list) => ([] as Payload[]).concat(list)],
    ['Array.from', (list) => Array.from(list)],
    ['descriptors', (list) => [0, 1].map((index) => Object.getOwnPropertyDescriptor(list, index)?.value as unknown)],
    ['reverse', (list) => list.reverse().reverse()],
    ['sort', (list) => list.sort()],
    ['toSorted', (list) => list.toSorted()],
    ['splice', (list) => list.splice(0)],
    ['itself', (list) => list],
  ])('is an array by %s, and decodes each event once', (_what, read) => {
    const { list, decoded } = listOf(2);
    expect(read(list)).toEqual([plain(0), plain(1)]);
    expect(decoded).toEqual([1, 1]);
  }); // prettier-ignore

  it('prints and compares as the array that it stands for', () => {
    expect(inspect(listOf(2).list)).toBe(inspect([plain(0), plain(1)]));
    assert.deepStrictEqual(listOf(2).list, [plain(0), plain(1)]);
    expect(Object.keys(listOf(2).list)).toEqual(['0', '1']);
    expect(1 in listOf(2).list).toBe(true);
    expect(2 in listOf(2).list).toBe(false);
  });

  it('belongs to the callback, which may change it', () => {
    const { list } = listOf(2);
    list.push(plain(2));
    expect(list.shift()).toEqual(plain(0));
    list[0] = plain(7);
    expect(list).toEqual([plain(7), plain(2)]);
    list.length = 0;
    expect([list.length, [...list]]).toEqual([0, []]);
    expect(Reflect.deleteProperty(list, '0')).toBe(true);
    expect(list[0]).toBeUndefined();
  });

  it('leaves what cannot be decoded as it is', () => {
    const odd = [{ e: 'pv' }, { json: 7 }, Object.create({ json: '{}', payload: () => { throw new Error('x'); } }) as object]; // prettier-ignore
    const list = payloadsOf(odd as never);
    for (const [index, event] of odd.entries()) expect(list[index]).toBe(event);
  });
});

it('a callback that counts decodes nothing', async () => {
  const collector = await startCollector();
  let sent = 0;
  const waiting: EncodedEvent[] = [];
  let decoded = 0;
  const counted = (event: EncodedEvent): EncodedEvent => ({ ...event, payload: () => (decoded++, event.payload()) });
  const eventStore: EventStore = {
    get size() { return waiting.length; },
    bytes: 0,
    put: (events: EncodedEvent[]) => waiting.push(...events.map(counted)) > -1,
    take: () => (waiting.length === 0 ? undefined : { events: waiting.splice(0), ack() {}, nack() {} }),
  } as unknown as EventStore; // prettier-ignore
  const emitter = new Emitter(collector.url, {
    eventStore,
    logger: false,
    onSuccess: ({ length }) => (sent += length),
  });
  const tracker = new Tracker({ emitters: emitter });
  for (let index = 0; index < 25; index++) tracker.trackPageView({ pageUrl: 'http://h/' });
  await tracker.close();
  await emitter.close();
  await collector.close();
  expect([sent, decoded]).toEqual([25, 0]);
});
