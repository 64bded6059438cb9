// How long a failure makes the emitter wait: its own backoff, and what the collector asks for.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Backoff, backoffDelay, retryAfterMs } from '../../../src/delivery/retry-policy/backoff';

describe('the backoff', () => {
  it('draws from a ceiling of 500 ms that doubles with each failure, up to the longest delay', () => {
    const ceilings = [1, 2, 3, 4, 8, 9, 40].map((failures) => backoffDelay(failures, 60_000, () => 1));
    expect(ceilings).toEqual([500, 1_000, 2_000, 4_000, 60_000, 60_000, 60_000]);
  });

  it('is jitter from top to bottom, so that a fleet does not come back in step', () => {
    expect(backoffDelay(8, 60_000, () => 0.5)).toBe(30_000);
    expect(backoffDelay(8, 60_000, () => 0.01)).toBe(600);
    expect(backoffDelay(50, 60_000, () => 0.25)).toBe(15_000);
  });

  it('never waits less than 100 ms, unless the longest delay is shorter', () => {
    expect(backoffDelay(1, 60_000, () => 0)).toBe(100);
    expect(backoffDelay(5, 40, () => 0)).toBe(40);
  });

  it('stays between its bounds for any number of failures', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 1, max: 2_147_483_647 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, maxMs, random) => {
        const delay = backoffDelay(failures, maxMs, () => random);
        return delay >= Math.min(100, maxMs) && delay <= Math.max(maxMs, 100) && Number.isInteger(delay);
      },
    );
    fc.assert(property);
  });
});

describe('a Retry-After header', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');

  it.each([
    ['seconds', '30', 30_000],
    ['an HTTP date', 'Wed, 21 Oct 2026 07:28:10 GMT', 10_000],
    ['an older form of HTTP date', 'Wednesday, 21-Oct-26 07:28:10 GMT', 10_000],
    ['the oldest form of HTTP date, in GMT wherever we are', 'Wed Oct 21 07:28:10 2026', 10_000],
    ['the oldest form, with a day of one digit', 'Sun Nov  1 00:00:00 2026', 300_000],
    ['far more than five minutes', '1000000000', 300_000],
    ['so many digits that they are infinite', '9'.repeat(400), 300_000],
    ['a date far away', 'Wed, 21 Oct 2099 07:28:00 GMT', 300_000],
  ])('is taken as %s', (_what, header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });

  it.each([
    ['a date that is past', 'Wed, 21 Oct 2020 07:28:00 GMT'],
    ['a negative number', '-1'],
    ['zero', '0'],
    ['text', 'abc'],
    ['text with a year in it', 'maybe 2099'],
    ['a date in no form of HTTP', '2099-10-21 07:28:10'],
    ['a date of the oldest form that does not exist', 'Wed Oct 99 07:28:10 2026'],
    ['a date of the oldest form that is past', 'Wed Oct 21 07:28:10 2020'],
    ['a fraction', '1.5'],
    ['not a number', 'NaN'],
    ['nothing', ''],
    ['two headers', ['1', '2']],
    ['no header', undefined],
  ])('says nothing when it is %s', (_what, header) => {
    expect(retryAfterMs(header, now)).toBeUndefined();
  });

  it('gives undefined or a wait of at most five minutes for any text', () => {
    const property = fc.property(fc.string(), (header) => {
      const wait = retryAfterMs(header, now);
      return wait === undefined || (wait > 0 && wait <= 300_000);
    });
    fc.assert(property);
  });
});

describe('the backoff', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is open until something fails and after the next success', () => {
    const backoff = new Backoff(60_000);
    expect(backoff.waitMs(false)).toBeLessThanOrEqual(0);
    backoff.fail(0, undefined);
    expect(backoff.waitMs(false)).toBeGreaterThan(0);
    backoff.failures = 0;
    expect(backoff.waitMs(false)).toBeLessThanOrEqual(0);
  });

  it('counts attempts that fail together as one failure', () => {
    const backoff = new Backoff(60_000);
    for (let attempt = 0; attempt < 8; attempt++) backoff.fail(0, undefined);
    expect(backoff.failures).toBe(1);
  });

  it('opens for a flush during the backoff, but not before the time that the receiver asked for', () => {
    const backoff = new Backoff(60_000);
    backoff.fail(0, undefined);
    expect(backoff.waitMs(true)).toBeLessThanOrEqual(0);
    backoff.fail(1, 30_000);
    expect(backoff.waitMs(true)).toBe(30_000);
    expect(backoff.waitMs(false)).toBeGreaterThanOrEqual(30_000);
  });

  it('waits no longer because the wall clock is set back', () => {
    const backoff = new Backoff(60_000);
    backoff.fail(0, 10_000);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(backoff.waitMs(false)).toBeLessThanOrEqual(10_000);
    vi.setSystemTime(Date.now() + 7_200_000);
    expect(backoff.waitMs(false)).toBeGreaterThan(9_000);
  });
});
