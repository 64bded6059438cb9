// expect(collector).toHaveTracked(…)
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, trackingMatchers, type Collector } from 'snowplow-middleware/collector';
import { contexts, encode, pageView, post, unstruct } from './requests';

expect.extend(trackingMatchers);

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
  await post(collector.url, [
    pageView({ page: 'Catalogue' }),
    pageView({ page: 'Basket', url: 'https://shop.example/basket', uid: 'anna' }),
    pageView({ e: 'se', se_ca: 'shop', se_ac: 'add', se_va: '2' }),
  ]);
});
afterAll(() => collector.close());

it('accepts wire keys and enriched names', () => {
  expect(collector).toHaveTracked({ event: 'page_view', page_url: 'https://shop.example/basket' });
  expect(collector).toHaveTracked({ e: 'se', se_va: 2, se_action: expect.stringContaining('ad') });
  expect(collector).toHaveTracked(({ payload }) => payload['uid'] === 'anna');
  expect(collector).not.toHaveTracked({ event: 'page_view', page_urlpath: '/checkout' });
});

it('shows the nearest event line by line when nothing matches', () => {
  expect(() => expect(collector).toHaveTracked({ event: 'page_view', uid: 'anna', page_title: 'Checkout' })).toThrow(
    [
      "Expected an event like { event: 'page_view', uid: 'anna', page_title: 'Checkout' }.",
      '3 good events came: page_view × 2, struct.',
      'Nearest is event 2 (- expected, + received):',
      "    event: 'page_view'",
      "    uid: 'anna'",
      "  - page_title: 'Checkout'",
      "  + page_title: 'Basket'",
    ].join('\n'),
  );
});

it('names the event that should not be there', () => {
  expect(() => expect(collector).not.toHaveTracked({ event: 'struct' })).toThrow(
    "Expected no event like { event: 'struct' }, but event 3 is one: struct.",
  );
});

it('refuses a value that is not a collector, and a key that no event can have', () => {
  expect(() => expect({}).toHaveTracked({ event: 'struct' })).toThrow('expect(…) must be a collector, got an object');
  expect(() => expect(collector).toHaveTracked({ evnet: 'struct' })).toThrow('toHaveTracked: evnet must be a wire key');
});

describe('a miss', () => {
  const BUY = 'iglu:com.acme/buy/jsonschema/1-0-0';
  const USER = 'iglu:com.acme/user/jsonschema/1-0-0';
  const buy = (data: unknown) => ({
    e: 'ue',
    ue_px: encode(unstruct(BUY, data)),
    cx: encode(contexts({ schema: USER, data: { plan: 'gold' } })),
  });
  const missOf = (filter: Record<string, unknown>): string => {
    try {
      expect(collector).toHaveTracked(filter);
    } catch (error) {
      return (error as Error).message.split('received):\n')[1]!;
    }
    throw new Error('it matched');
  };
  beforeAll(async () => {
    await post(collector.url, [
      pageView(buy({ total: 9, lines: [{ sku: 'tea', size: null }, { sku: 'jam' }], 'a b': 1 })),
      pageView(buy({ total: 8, lines: [] })),
    ]);
  });

  it('shows only the parts of the data that differ, with their paths', () => {
    const lines = [{ sku: 'tea' }, { sku: 'milk' }];
    expect(missOf({ schema: BUY, data: { total: 9, lines, 'a b': 2 } })).toBe(
      [
        `    schema: '${BUY}'`,
        "  - data.lines[1].sku: 'milk'",
        "  + data.lines[1].sku: 'jam'",
        '  - data["a b"]: 2',
        '  + data["a b"]: 1',
      ].join('\n'),
    );
  });

  it('shows what the nearest context lacks', () => {
    expect(missOf({ data: { total: 9 }, contexts: [{ schema: USER, data: { plan: 'silver' } }] })).toContain(
      "  - contexts[0].data.plan: 'silver'\n  + contexts[0].data.plan: 'gold'",
    );
    expect(missOf({ event: 'page_view', page_title: 'Basket', contexts: [{ schema: USER }] })).toContain(
      `  - contexts: [ { schema: '${USER}' } ]\n  + contexts: []`,
    );
  });

  it('names asymmetric matchers instead of showing their internals', () => {
    expect(missOf({ e: 'se', se_action: expect.stringContaining('buy'), se_value: expect.any(String) })).toBe(
      [
        "    e: 'se'",
        "  - se_action: StringContaining 'buy'",
        "  + se_action: 'add'",
        '  - se_value: Any<String>',
        '  + se_value: 2',
      ].join('\n'),
    );
  });
});
