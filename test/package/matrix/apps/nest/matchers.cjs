// `toHaveTracked` as a runner of tests takes it: what passes, and what a failure says.
const assert = require('node:assert/strict');

const BASKET = 'iglu:com.acme/basket/jsonschema/1-0-0';

/** @param expect The runner's own. */
exports.checkMatchers = async (expect, { createTracker, startCollector, trackingMatchers }) => {
  expect.extend(trackingMatchers);
  const collector = await startCollector();
  const tracker = createTracker({ endpoint: collector.url, namespace: 'web', appId: 'shop' });
  tracker.trackPageView({ pageUrl: 'https://shop.example/tea', pageTitle: 'Tea' });
  tracker.trackSelfDescribingEvent({ event: { schema: BASKET, data: { items: 2, lines: [{ sku: 'tea' }] } } });
  await tracker.close();
  const missOf = (matcher, filter) => {
    try {
      matcher.toHaveTracked(filter);
    } catch (error) {
      return error.message;
    }
    return 'nothing was thrown';
  };
  try {
    expect(collector).toHaveTracked({ event: 'page_view', page_url: /tea$/, page_title: expect.any(String) });
    expect(collector).toHaveTracked({ data: { lines: [{ sku: expect.stringContaining('te') }] } });
    expect(collector).not.toHaveTracked({ event: 'page_ping' });
    assert.equal(
      missOf(expect(collector), { schema: BASKET, data: { items: expect.any(String), lines: [{ sku: 'jam' }] } }),
      [
        `Expected an event like {`,
        `  schema: '${BASKET}',`,
        `  data: { items: Any<String>, lines: [ { sku: 'jam' } ] }`,
        `}.`,
        `2 good events came: page_view, basket.`,
        `Nearest is event 2 (- expected, + received):`,
        `    schema: '${BASKET}'`,
        `  - data.items: Any<String>`,
        `  + data.items: 2`,
        `  - data.lines[0].sku: 'jam'`,
        `  + data.lines[0].sku: 'tea'`,
      ].join('\n'),
    );
    assert.match(missOf(expect(collector).not, { event: 'page_view' }), /^Expected no event like .* event 1 is one/);
    assert.match(missOf(expect({}), { event: 'page_view' }), /must be a collector, got an object/);
  } finally {
    await collector.close();
  }
};
