// expect(collector).toHaveTracked(…)
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, trackingMatchers, type Collector } from 'snowplow-middleware/collector';
import { pageView, post } from './requests';

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

it('refuses what is no collector and what no event can have', () => {
  expect(() => expect({}).toHaveTracked({ event: 'struct' })).toThrow('expect(…) must be a collector, got an object');
  expect(() => expect(collector).toHaveTracked({ evnet: 'struct' })).toThrow('toHaveTracked: evnet must be a wire key');
});
