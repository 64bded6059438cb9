// Mistakes in the set-up give a ConfigError at start that names the option; no option is ignored silently.
import { describe, expect, it } from 'vitest';
import { AsyncEmitter, ConfigError, createTracker, Emitter, Snowplow, Tracker } from 'snowplow-middleware';
import { snowplow } from '../../src/express';
import { keepLines } from '../support/capture';

const made = (endpoint: string, options: object = {}): unknown => {
  const emitter = new Emitter(endpoint, { logger: false, ...options });
  return emitter.close({ timeoutMs: 0 });
};

describe('an endpoint', () => {
  it.each([
    `https://${undefined}`, 'undefined', 'null', 'NaN', 'http://null:8080/x', '"https://collector.acme.com"', "'https://collector.acme.com'",
    "'collector.acme.com'", '${COLLECTOR_URL}', '$COLLECTOR_URL', 'https://%COLLECTOR%', 'https//collector.acme.com', 'https:/collector.acme.com',
    'unix:/tmp/collector.sock', 'collector.acme.com:', 'collector..acme.com', '.acme.com', 'https://a,b', 'https://a;b', 'https://*.acme.com',
    '[object Object]', '<collector>', 'https://collector.acme.com//tp2',
  ])('%s is none', (endpoint) => {
    expect(() => made(endpoint)).toThrow(ConfigError);
    expect(() => made(endpoint)).toThrow('endpoint');
  }); // prettier-ignore

  it.each([
    'collector.acme.com', 'collector.acme.com.', 'collector', 'my_collector-1.acme.com', 'bücher.example', '10.0.0.5', 'localhost:9090',
    '[::1]', 'http://[::1]:9090', 'https://collector.acme.com/prefix/a/', 'undefined.acme.com', 'HTTPS://Collector.Acme.Com',
  ])('%s is one', (endpoint) => {
    expect(() => made(endpoint)).not.toThrow();
  }); // prettier-ignore

  it.each([
    ['http://c.acme.com:80', 8080],
    ['https://c.acme.com:443', 8443],
    ['http://c.acme.com:8080', 8081],
    ['http://[::1]:80', 8080],
    ['c.acme.com:443', 8443],
  ])('%s beside the port %i names two', (endpoint, port) => {
    expect(() => made(endpoint, { port })).toThrow('port');
  });

  it.each([
    ['http://c.acme.com:80', 80],
    ['http://c.acme.com', 8080],
    ['http://[::1]', 8080],
    ['c.acme.com:8443', 8443],
  ])('%s and the port %i agree', (endpoint, port) => {
    expect(() => made(endpoint, { port })).not.toThrow();
  });

  it('is given once', () => {
    expect(() => createTracker({ endpoint: 'a', emitter: { endpoint: 'b' } as never })).toThrow('emitter.endpoint');
    expect(() => new Emitter('a', { endpoint: 'b' })).toThrow('endpoint');
    expect(() => new Emitter({ endpoint: 'a' }, { batchSize: 2 })).toThrow('options');
  });
});

class Options {
  endpoint = 'collector.acme.com';
}
const NOT_PLAIN = [
  [],
  new Map([['a', 'b']]),
  new Headers({ a: 'b' }),
  new Options(),
  new Date(),
  'text',
  7,
  () => ({}),
];

describe.each(NOT_PLAIN.map((value) => [Object.prototype.toString.call(value), value] as const))('%s', (_what, value) => {
  it.each<[option: string, make: (value: never) => unknown]>([
    ['headers', (headers) => made('a', { headers })],
    ['customRetryCodes', (customRetryCodes) => made('a', { customRetryCodes })],
    ['emitter', (emitter) => createTracker({ endpoint: 'a', emitter })],
    ['AsyncEmitter', (options) => new AsyncEmitter('a', options)],
    ['createTracker', (options) => createTracker(options)],
    ['Tracker', (options) => new Tracker(options)],
    ['snowplow', (options) => snowplow(options)],
    ['shutdown', (shutdown) => snowplow({ endpoint: 'a', shutdown })],
    ['Snowplow.createTracker', (options) => Snowplow.createTracker(options)],
  ])('is refused as %s', (option, make) => {
    expect(() => make(value as never)).toThrow(ConfigError);
    expect(() => make(value as never)).toThrow(option);
  });
}); // prettier-ignore

it('options of another realm, and those of a module, are plain', async () => {
  const { runInNewContext } = await import('node:vm');
  const options = runInNewContext("({ endpoint: 'collector.acme.com', logger: false, emitter: { headers: { a: 'b' } } })");
  const [one, other] = [createTracker(options), createTracker(Object.assign(Object.create(null), options))];
  await Promise.all([one.close(), other.close()]);
}); // prettier-ignore

it('an empty appId and an empty namespace count as absent, with one warning', async () => {
  const { lines, logger } = keepLines();
  const payloads: object[] = [];
  const emitters = { input: (payload: object) => void payloads.push(payload) };
  const tracker = new Tracker({ emitters, appId: '', namespace: '', logger });
  tracker.trackScreenView({ name: 'Home' }).trackScreenView({ name: 'Basket' });
  expect(Object.keys(payloads[0] ?? {})).not.toEqual(expect.arrayContaining(['aid']));
  expect(Object.keys(payloads[0] ?? {})).not.toEqual(expect.arrayContaining(['tna']));
  expect(lines.map(([level, text]) => `${level} ${text}`)).toEqual([
    'warn the option namespace is empty and counts as absent',
    'warn the option appId is empty and counts as absent',
  ]);
  expect(tracker.namespace).toBe('');
  await tracker.close();
});

it('a maxBatchSize below the default batchSize lowers that', () => {
  for (const method of ['post', 'get'] as const)
    expect(() => new Emitter('a', { maxBatchSize: 5, method, logger: false })).not.toThrow();
  expect(() => new Emitter('a', { maxBatchSize: 5, batchSize: 6 })).toThrow('maxBatchSize');
});
