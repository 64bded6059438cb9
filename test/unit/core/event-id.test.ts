// Ids that are made many at a time are still random UUIDs, and each is used once.
import { expect, it } from 'vitest';
import { newEventId } from '../../../src/core/events/event';

it('gives version 4 UUIDs in lower case, never the same one twice', () => {
  const ids = Array.from({ length: 20_000 }, newEventId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(id))).toEqual([]);
});

it('uses every digit in every place that is not fixed', () => {
  const ids = Array.from({ length: 2_000 }, newEventId);
  for (let place = 0; place < 36; place++) {
    const digits = new Set(ids.map((id) => id[place])).size;
    const fixed = place === 14 || [8, 13, 18, 23].includes(place);
    expect(digits).toBe(fixed ? 1 : place === 19 ? 4 : 16);
  }
});
