// The shop under Jest.
require('reflect-metadata');
const { Test } = require('@nestjs/testing');
const { createTracker } = require('snowplow-middleware');
const { startCollector, trackingMatchers } = require('snowplow-middleware/collector');
const { checkMatchers } = require('./matchers.cjs');
const { ADAPTERS, nest } = require('./nest.cjs');
const { checkApp, checkTestingModule } = require('./shop.cjs');

for (const [name, makeAdapter] of Object.entries(ADAPTERS)) {
  test(`an app on ${name}`, () => checkApp(nest, startCollector, makeAdapter));
  test(`a testing module on ${name}`, () => checkTestingModule(nest, startCollector, makeAdapter, { Test, createTracker })); // prettier-ignore
}
test('toHaveTracked', () => checkMatchers(expect, { createTracker, startCollector, trackingMatchers }));
