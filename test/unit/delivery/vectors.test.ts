// The delivery vectors against this package; where it means to do something else, the one table below says so and why.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, Emitter, type EmitterOptions, MemoryEventStore } from 'snowplow-middleware';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backoffDelay } from '../../../src/delivery/retry-policy/backoff';
import { batching, collectorUrl, DEFAULTS } from '../../../src/delivery/options';
import { encodedEvent } from '../../conformance/event-store';
import { Feed } from '../../support/feed';
import { answer, reset, type ScriptedCollector, startScriptedCollector } from '../../support/scripted-collector';

/** What this package does instead. `expected` stands in for the vector's own. */
const DEVIATIONS: Readonly<Record<string, { readonly why: string; readonly expected: unknown }>> = {
  'an upper-case scheme': {
    why: 'a scheme is read without regard to case, by a URL parser',
    expected: 'https://c.harbour.test/com.snowplowanalytics.snowplow/tp2',
  },
  'a sequence of delays': {
    why: 'full jitter over a ceiling that doubles from 500 ms: at the cap a fleet must not come back in step; at least 100 ms',
    expected: [0.25, 0.25, 1.5, 0.1, 7.992, 1.6, 28.8, 30],
  },
  'decisions by default': {
    why: '413 is answered by smaller batches, and by giving up an event that is too large by itself',
    expected: { '413': false },
  },
  defaults: { why: 'no request may take for ever', expected: { requestTimeoutMs: 10_000 } },
};

interface Vector {
  readonly kind: string;
  readonly name: string;
}
type Of<Fields> = Vector & Fields;

const { vectors } = JSON.parse(
  readFileSync(join(__dirname, '../../compatibility/vectors/delivery-vectors.json'), 'utf8'),
) as {
  vectors: readonly Vector[];
};
const ofKind = <Fields>(kind: string): readonly Of<Fields>[] =>
  vectors.filter((vector) => vector.kind === kind) as Of<Fields>[];
const expectedOf = <T>({ name, expected }: { name: string; expected: T }): T => {
  const deviation = DEVIATIONS[name]?.expected;
  if (deviation === undefined) return expected;
  return (Array.isArray(deviation) || typeof deviation !== 'object' ? deviation : { ...expected, ...deviation }) as T;
};

let collector: ScriptedCollector;
beforeEach(async () => void (collector = await startScriptedCollector()));
afterEach(() => collector.close());

const turns = async (): Promise<void> => {
  for (let count = 0; count < 3; count++) await new Promise((resolve) => void setImmediate(resolve));
};

it('every vector is run, and every deviation is one of a vector', () => {
  expect(new Set(vectors.map(({ kind }) => kind))).toEqual(
    new Set(['uri', 'retry', 'backoff', 'batch', 'callback', 'store', 'config']),
  );
  const names = vectors.map(({ name }) => name);
  for (const name of Object.keys(DEVIATIONS)) expect(names).toContain(name);
});

type Uri = { args: { endpoint: string; protocol?: 'http' | 'https'; port?: number }; expected: string | null };
describe.each(ofKind<Uri>('uri'))('uri: $name', (vector) => {
  it('is the address that events go to', () => {
    const { endpoint, protocol = 'https', port } = vector.args;
    const expected = expectedOf(vector);
    if (expected === null) {
      expect(() => new Emitter(endpoint)).toThrow(ConfigError);
      return;
    }
    const { origin, pathname } = collectorUrl('Emitter', endpoint, protocol, port);
    expect(`${origin}${pathname.replace(/\/$/, '')}/com.snowplowanalytics.snowplow/tp2`).toBe(expected);
  });
});

type Retry = { customRetryCodes: Record<number, boolean>; expected: Record<string, boolean> };
describe.each(ofKind<Retry>('retry'))('retry: $name', (vector) => {
  it.each(Object.entries(expectedOf(vector)))('%s -> %s', async (code, retried) => {
    const status = Number(code);
    collector.next(status < 0 ? reset() : answer(status, {}, status === 204 || status === 304 ? '' : 'x'));
    const emitter = new Emitter(collector.url, {
      batchSize: 1, flushIntervalMs: 0, maxRetryDelayMs: 1, customRetryCodes: vector.customRetryCodes, logger: false,
    }); // prettier-ignore
    const feed = new Feed(emitter);
    feed.offer(1);
    await vi.waitFor(() => expect(feed.balanced()).toMatchObject({ waiting: 0, inFlight: 0 }), 30_000);
    expect(collector.requests).toHaveLength(retried ? 2 : 1);
    await emitter.close();
  });
});

type Backoff = { maxRetryDelaySeconds: number; draws: number[]; expected: number[]; expectedSeconds: number[] };
it.each(ofKind<Backoff>('backoff'))('backoff: $name', (vector) => {
  const { name, maxRetryDelaySeconds, draws, expectedSeconds } = vector;
  const delays = draws.map((draw, index) => backoffDelay(index + 1, maxRetryDelaySeconds * 1000, () => draw) / 1000);
  expect(delays).toEqual(expectedOf({ name, expected: expectedSeconds }));
});

type Batch = {
  options: Partial<EmitterOptions>;
  tracks: number;
  expectedRequestsAfterEachTrack: number[];
  expectedRequestsAfterFlush: number;
  expectedEventsPerRequest: number[];
  expectedRequest: { method: string; path: string; contentType?: string; schema?: string };
};
it.each(ofKind<Batch>('batch'))('batch: $name', async (vector) => {
  const emitter = new Emitter(collector.url, { ...vector.options, flushIntervalMs: 0 });
  const feed = new Feed(emitter);
  for (const expected of vector.expectedRequestsAfterEachTrack) {
    feed.offer(1);
    await collector.requested(expected);
    await vi.waitFor(() => expect(feed.balanced().inFlight).toBe(0), 30_000);
    await turns();
    expect(collector.requests).toHaveLength(expected);
  }
  await emitter.flush();
  expect(feed.offered).toBe(vector.tracks);
  expect(collector.requests).toHaveLength(vector.expectedRequestsAfterFlush);
  expect(collector.requests.map(({ events }) => events.length)).toEqual(vector.expectedEventsPerRequest);
  const { method, path, contentType, schema } = vector.expectedRequest;
  for (const request of collector.requests) {
    expect([request.method, request.target.split('?')[0], request.headers['content-type']]).toEqual([
      method,
      path,
      contentType,
    ]);
    if (schema) expect((JSON.parse(String(request.body)) as { schema: string }).schema).toBe(schema);
    for (const event of request.events) {
      expect(event['stm']).toBeDefined();
      expect(Object.values(event).every((value) => typeof value === 'string')).toBe(true);
    }
  }
  await emitter.close();
});

type Callback = {
  options: Partial<EmitterOptions>;
  statuses: number[];
  expectedSuccess: number[];
  expectedFailure: number[][];
  expectedKept: number;
};
it.each(ofKind<Callback>('callback'))('callback: $name', async (vector) => {
  collector.next(...vector.statuses.map((status) => answer(status)));
  const success: number[] = [];
  const failure: number[][] = [];
  const emitter = new Emitter(collector.url, {
    ...vector.options,
    logger: false,
    onSuccess: (events) => success.push(events.length),
    onFailure: (sent, unsent) => failure.push([sent, unsent.length]),
  });
  const feed = new Feed(emitter);
  feed.offer(vector.statuses.length);
  await vi.waitFor(() => expect([success, failure]).toEqual([vector.expectedSuccess, vector.expectedFailure]), 30_000);
  expect(feed.balanced().waiting).toBe(vector.expectedKept);
  await emitter.close();
});

type Store = { capacity: number; puts: number; expected: boolean[]; expectedKept: number[] };
it.each(ofKind<Store>('store'))('store: $name', ({ capacity, puts, expected, expectedKept }) => {
  const store = new MemoryEventStore({ capacity });
  const events = Array.from({ length: puts }, () => encodedEvent());
  expect(events.map((event) => store.put([event]))).toEqual(expected);
  const kept = store.take({ maxEvents: 100, maxBytes: Infinity, overhead: 0 })?.events ?? [];
  expect(kept.map((event) => events.indexOf(event))).toEqual(expectedKept);
});

type Config = { expected: Record<string, unknown> };
it.each(ofKind<Config>('config'))('config: $name', (vector) => {
  expect({
    batchSizePost: batching('Emitter', {}, 'post').batchSize,
    batchSizeGet: batching('Emitter', {}, 'get').batchSize,
    protocol: DEFAULTS.protocol,
    method: DEFAULTS.method,
    maxRetryDelayMs: DEFAULTS.maxRetryDelayMs,
    bufferCapacity: DEFAULTS.bufferCapacity,
    byteLimit: (DEFAULTS as { byteLimit?: number }).byteLimit ?? null,
    requestTimeoutMs: DEFAULTS.requestTimeoutMs,
    batchSizeWhenCapacityIs4: batching('Emitter', { bufferCapacity: 4 }, 'post').batchSize,
  }).toEqual(expectedOf(vector));
});
