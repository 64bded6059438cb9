// The emitters that send to a collector: what they share with all others, and their own options.
import { AsyncEmitter, ConfigError, Emitter, type EmitterOptions, type Payload } from 'snowplow-middleware';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Destination, testEmitter } from '../../conformance/emitter';
import { expectBalanced, sampleEvent } from '../../support/feed';
import { answer, startScriptedCollector } from '../../support/scripted-collector';

// Scripted, because it has to fail and to recover without forgetting what has arrived.
const destination =
  (Type: typeof Emitter | typeof AsyncEmitter, own: Partial<EmitterOptions> = {}) =>
  async (): Promise<Destination> => {
    const collector = await startScriptedCollector();
    return {
      make: (options) => new Type({ endpoint: collector.url, ...own, ...options }),
      arrived: () => [...collector.taken].flatMap(([id, times]) => Array.from({ length: times }, () => id)),
      break: () => void (collector.otherwise = answer(503)),
      repair: () => void (collector.otherwise = answer(200)),
      close: () => collector.close(),
    };
  };

testEmitter('Emitter', destination(Emitter));
testEmitter('Emitter by GET', destination(Emitter, { method: 'get' }));
testEmitter('AsyncEmitter', destination(AsyncEmitter));

let collector: Collector;
beforeEach(async () => void (collector = await startCollector()));
afterEach(() => collector.close());

describe('the options', () => {
  const make = (options: object): Emitter => new Emitter({ endpoint: 'c.harbour.test', ...options } as EmitterOptions);

  it.each([
    ['protocol', 'ftp'],
    ['port', 0],
    ['port', 65_536],
    ['method', 'put'],
    ['maxPostBytes', 10],
    ['maxGetBytes', 10],
    ['requestTimeoutMs', 0],
    ['requestTimeoutMs', { connect: 10 }],
    ['requestTimeoutMs', { connect: 10, response: -1 }],
    ['requestTimeoutMs', 2 ** 31],
    ['customRetryCodes', { 500: 'no' }],
    ['customRetryCodes', { abc: true }],
    ['dispatcher', {}],
    ['onSuccess', true],
    ['onFailure', 'x'],
    ['headers', { 'x y': '1' }],
    ['headers', { '': '1' }],
    ['headers', { 'x-a': 'line\r\nbreak' }],
    ['headers', { 'x-a': 'nul\0' }],
    ['headers', { 'x-a': '港' }],
    ['headers', { 'x-a': 1 }],
    ['headers', ['x-a', '1']],
    ['headers', { 'Content-Type': 'text/plain' }],
    ['headers', { 'SP-Anonymous': '*' }],
    ['headers', { host: 'elsewhere' }],
    ['headers', { 'Content-Length': '3' }],
    ['headers', { 'Transfer-Encoding': 'chunked' }],
    ['headers', { connection: 'close' }],
    ['endpoint', ''],
    ['endpoint', 42],
    ['threadCount', 2],
    ['batchsize', 2],
  ])('%s: %o is a mistake, and the message names it', (option, value) => {
    expect(() => make({ [option]: value })).toThrow(ConfigError);
    expect(() => make({ [option]: value })).toThrow(new RegExp(`^Emitter: (Unknown option \`)?${option}\\b`));
  });

  it.each([
    'http://',
    'https://user:secret@c.harbour.test',
    'https://c.harbour.test/?key=secret',
    'ftp://c.harbour.test',
    'https://c.harbour.test:99999',
    'a b',
  ])('the endpoint %s is a mistake, and the message keeps what may be secret to itself', (endpoint) => {
    expect(() => new Emitter(endpoint)).toThrow('Emitter: endpoint must be');
    expect(() => new Emitter(endpoint)).not.toThrow('secret');
  });

  it('explicit undefined counts as not given, and what the caller changes later changes nothing', async () => {
    const headers: Record<string, string> = { 'x-a': '1' };
    const emitter = new AsyncEmitter({
      endpoint: collector.url,
      batchSize: undefined,
      headers,
      threadCount: undefined,
    });
    headers['x-a'] = '2';
    emitter.input(sampleEvent());
    await emitter.close();
    expect(collector.requests()[0]?.headers['x-a']).toBe('1');
  });

  it('a largest batch below the batch size is a mistake; alone, it lowers the batch size', async () => {
    expect(() => make({ batchSize: 10, maxBatchSize: 5 })).toThrow(
      'Emitter: maxBatchSize must be at least batchSize (10)',
    );
    const emitter = new Emitter(collector.url, { maxBatchSize: 2, flushIntervalMs: 0 });
    emitter.input(sampleEvent());
    emitter.input(sampleEvent());
    await collector.waitFor({ event: 'page_view' }, 2);
    expect(collector.requests()).toHaveLength(1);
    await emitter.close();
  });

  it('AsyncEmitter takes a number of threads from 1 to 256', () => {
    for (const threadCount of [0, 257, 1.5])
      expect(() => new AsyncEmitter('c.harbour.test', { threadCount })).toThrow('AsyncEmitter: threadCount');
  });
});

describe('a subclass', () => {
  it('that overrides input and calls super.input sees every event of a tracker, and can change or withhold it', async () => {
    const { Tracker } = await import('snowplow-middleware');
    class Stamped extends Emitter {
      override input(payload: Payload): boolean {
        return payload['e'] === 'se' ? super.input({ ...payload, aid: 'stamped' }) : true;
      }
    }
    const emitter = new Stamped(collector.url, { flushIntervalMs: 0 });
    const tracker = new Tracker({ emitters: emitter });
    tracker.trackStructEvent({ category: 'c', action: 'a' }).trackScreenView({ name: 'withheld' });
    await emitter.close();
    expect(collector.good().map(({ payload }) => [payload['e'], payload['aid']])).toEqual([['se', 'stamped']]);
    expectBalanced(emitter, 1);
  });
});

it('several emitters each get the event, though one of them throws', async () => {
  const { Tracker } = await import('snowplow-middleware');
  const emitter = new Emitter(collector.url);
  const seen: Payload[] = [];
  const broken = {
    input: (payload: Payload): boolean => {
      (payload as Record<string, string>)['aid'] = 'changed';
      throw new Error('broken');
    },
  };
  const tracker = new Tracker({
    emitters: [broken, emitter, { input: (payload) => void seen.push(payload) }],
    appId: 'own',
    logger: false,
  });
  tracker.trackScreenView({ name: 'Quay' });
  await emitter.close();
  expect(collector.good().map(({ payload }) => payload['aid'])).toEqual(['own']);
  expect(seen[0]?.['aid']).toBe('own');
});
