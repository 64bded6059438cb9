// Each option is checked exactly once, whichever way it comes in, and the error for a misplaced one names its place.
import { Test } from '@nestjs/testing';
import { createTracker } from 'snowplow-middleware';
import { snowplow } from 'snowplow-middleware/express';
import { SnowplowModule } from 'snowplow-middleware/nest';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { OptionRule } from '../../src/core/options';
import { CREATE_TRACKER_RULES } from '../../src/create-tracker';
import { ASYNC_EMITTER_RULES } from '../../src/delivery/options';

const onDrop = (): void => {};
const beforeSend = (payload: Readonly<Record<string, string>>): Readonly<Record<string, string>> => payload;
const EMITTER = {
  batchSize: 17,
  bufferCapacity: 1_234,
  bufferCapacityBytes: 56_789,
  headers: { a: 'b' },
  maxRetryDelayMs: 999,
};
const OPTIONS = { endpoint: 'collector.example', namespace: 'once', appId: 'shop', platform: 'web', encodeBase64: false, onDrop, beforeSend, emitter: EMITTER } as const; // prettier-ignore

let checks: unknown[];
beforeEach(() => {
  checks = [];
  const rules = new Set<OptionRule>([...Object.values(CREATE_TRACKER_RULES), ...Object.values(ASYNC_EMITTER_RULES)]);
  for (const rule of rules) {
    const { accepts } = rule;
    vi.spyOn(rule, 'accepts').mockImplementation((value) => {
      checks.push(value);
      return accepts(value);
    });
  }
});
afterEach(() => void vi.restoreAllMocks());

/** How often each value was checked; the endpoint is the tracker's and the emitter's. */
const counts = (): Record<string, number> => {
  const given = { ...OPTIONS, ...EMITTER } as Record<string, unknown>;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, checks.filter((one) => one === value).length])); // prettier-ignore
};
const ONCE = Object.fromEntries(Object.keys({ ...OPTIONS, ...EMITTER }).map((name) => [name, 1]));

it('by createTracker()', async () => {
  const tracker = createTracker(OPTIONS);
  expect(counts()).toEqual(ONCE);
  await tracker.close();
});

it('by snowplow()', () => {
  snowplow(OPTIONS);
  expect(counts()).toEqual(ONCE);
});

it('by forRoot()', async () => {
  const module = await Test.createTestingModule({ imports: [SnowplowModule.forRoot(OPTIONS)] }).compile();
  await module.init();
  expect(counts()).toEqual(ONCE);
  await module.close();
});

it.each([
  ['createTracker', { flushIntervalMs: 1 }, 'emitter: { flushIntervalMs }'],
  ['createTracker', { onSuccess() {} }, 'emitter: { onSuccess }'],
  ['snowplow', { threadCount: 2 }, 'emitter: { threadCount }'],
  ['snowplow', { signals: ['SIGTERM'] }, 'shutdown: { signals }'],
])('%s says where %o belongs', (owner, misplaced, place) => {
  const options = { endpoint: 'collector.example', namespace: 'n', ...misplaced } as never;
  const make = (): unknown => (owner === 'snowplow' ? snowplow(options) : createTracker(options));
  const [name] = Object.keys(misplaced);
  expect(make).toThrow(`${owner}: Unknown option \`${name}\`; it belongs under \`${place}\``);
});
