// The shop under Vitest.
import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { startCollector, trackingMatchers } from 'snowplow-middleware/collector';
import { expect, test } from 'vitest';
import { checkMatchers } from './matchers.cjs';
import { ADAPTERS, createTracker, nest } from './nest.mjs';
import { checkApp, checkTestingModule } from './shop.cjs';

for (const [name, makeAdapter] of Object.entries(ADAPTERS)) {
  test(`an app on ${name}`, () => checkApp(nest, startCollector, makeAdapter));
  test(`a testing module on ${name}`, () => checkTestingModule(nest, startCollector, makeAdapter, { Test, createTracker })); // prettier-ignore
}
test('toHaveTracked', () => checkMatchers(expect, { createTracker, startCollector, trackingMatchers }));
