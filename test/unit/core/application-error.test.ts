import { describe, expect, it } from 'vitest';
import { applicationError } from 'snowplow-middleware';
import { capture, eventOf } from '../../support/capture';

const dataOf = (error: unknown, more?: object): Record<string, unknown> => {
  const { tracker, last } = capture();
  tracker.trackError(error, more);
  const { schema, data } = eventOf(last());
  expect(schema).toBe('iglu:com.snowplowanalytics.snowplow/application_error/jsonschema/1-0-2');
  return data as Record<string, unknown>;
};

describe('trackError', () => {
  it('sends language, message, name and stack, and whether the error was fatal', () => {
    const error = new RangeError('out of tea');
    expect(dataOf(error, { isFatal: false })).toEqual({
      programmingLanguage: 'JAVASCRIPT',
      message: 'out of tea',
      exceptionName: 'RangeError',
      stackTrace: error.stack,
      isFatal: false,
    });
  });

  it("truncates each text to the schema's limit, never through a surrogate pair", () => {
    const error = Object.assign(new Error(`${'m'.repeat(2047)}🫖`), {
      name: 'n'.repeat(2000),
      stack: 's'.repeat(10_000),
    });
    const { message, exceptionName, stackTrace } = dataOf(error) as Record<string, string>;
    expect(message).toBe('m'.repeat(2047));
    expect([exceptionName!.length, stackTrace!.length]).toEqual([1024, 8192]);
  });

  const THROWN: [what: string, thrown: unknown, message: string][] = [
    ['a text', 'out of tea', 'out of tea'],
    ['a number', 7, '7'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a symbol', Symbol('tea'), 'Symbol(tea)'],
    ['an empty text', '', 'unknown error'],
    ['an object without message', { code: 5 }, 'unknown error'],
    ['an object with a message that is no text', { message: { a: 1 } }, 'unknown error'],
    ['an object without prototype', Object.assign(Object.create(null), { message: 'bare' }), 'bare'],
    ['an error with half a surrogate pair', new Error('a\ud83d'), 'a\ufffd'],
  ];
  it.each(THROWN)('accepts any thrown value: %s', (_what, thrown, message) => {
    expect(dataOf(thrown)['message']).toBe(message);
  });

  it('has the arguments that every event has', () => {
    const { tracker, last } = capture();
    const eventId = '2c5ea4c0-4067-41e9-8bad-9b1deb4d3b7d';
    tracker.trackError(new Error('x'), { timestamp: 5, eventId });
    expect(last()).toMatchObject({ ttm: '5', eid: eventId });
    expect(tracker.track(applicationError({ error: new Error('x'), eventId }))).toBe(eventId);
  });
});
