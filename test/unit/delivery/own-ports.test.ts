// Ports that a user implements: a transport and a store as plain objects, and what a store must not be.
import {
  AsyncEmitter,
  ConfigError,
  type DropInfo,
  type EncodedEvent,
  type EventStore,
  type Lease,
  type Outcome,
  type Payload,
  Tracker,
  type Transport,
  TransportEmitter,
} from 'snowplow-middleware';
import { expect, it } from 'vitest';

/** A transport that keeps what it is given, and answers as it is told. */
function keeping(answers: Outcome[] = []): { transport: Transport; batches: Payload[][]; isClosed: () => boolean } {
  const batches: Payload[][] = [];
  let closed = false;
  const transport: Transport = {
    fits: ({ bytes }) => bytes < 10_000,
    send: async (events) => {
      batches.push(events.map((event) => event.payload()));
      return answers.shift() ?? { status: 'sent' };
    },
    close: async () => void (closed = true),
  };
  return { transport, batches, isClosed: () => closed };
}

const track = (tracker: Tracker, count: number): void => {
  for (let index = 0; index < count; index++) tracker.trackStructEvent({ category: 'c', action: String(index) });
};

it('a transport of the user gets batches in order, is tried again, and is closed with its emitter', async () => {
  const error = new Error('away');
  const { transport, batches, isClosed } = keeping([{ status: 'retry', error }]);
  const emitter = new TransportEmitter({ transport, batchSize: 3, maxBatchSize: 3, maxRetryDelayMs: 1 });
  const tracker = new Tracker({ emitters: emitter });
  track(tracker, 6);
  while ((await emitter.flush()).remaining > 0);
  expect(batches.flat().map(({ se_ac }) => se_ac)).toEqual(['0', '1', '2', '3', '4', '5', '0', '1', '2']);
  expect(emitter.stats()).toMatchObject({ accepted: 6, sent: 6, retried: 3, waiting: 0, inFlight: 0 });
  await emitter.close();
  expect(isClosed()).toBe(true);
});

it('a transport that rejects has the event dropped with its reason, and one that it does not fit is refused', async () => {
  const dropped: unknown[] = [];
  const { transport } = keeping([{ status: 'rejected', error: new Error('no') }]);
  const onDrop = ({ events, reason }: DropInfo): number => dropped.push([events.length, reason]);
  const emitter = new TransportEmitter({ transport, batchSize: 100, onDrop, logger: false });
  const tracker = new Tracker({ emitters: emitter, logger: false });
  track(tracker, 1);
  tracker.trackStructEvent({ category: 'c', action: 'a', context: [{ schema: 'iglu:a/b/jsonschema/1-0-0', data: { text: 'x'.repeat(20_000) } }] }); // prettier-ignore
  await emitter.flush();
  expect(dropped).toEqual([
    [1, 'too-large'],
    [1, 'rejected'],
  ]);
  await emitter.close();
});

it.each([
  ['nothing', undefined, 'transport'],
  ['an object without its methods', { send: async () => ({ status: 'sent' }) }, 'transport'],
])('a TransportEmitter with %s says what a transport is', (_what, transport, word) => {
  expect(() => new TransportEmitter({ transport: transport as never })).toThrow(ConfigError);
  expect(() => new TransportEmitter({ transport: transport as never })).toThrow(word);
});

/** A queue in an array, whose events are objects of the right shape and no instances of ours. */
function arrayStore(put?: (events: readonly EncodedEvent[]) => unknown): EventStore {
  const waiting: EncodedEvent[] = [];
  const store = {
    get size() {
      return waiting.length;
    },
    get bytes() {
      return waiting.reduce((total, { bytes }) => total + bytes, 0);
    },
    put(events: readonly EncodedEvent[]) {
      for (const { json, bytes, eventId, anonymous } of events)
        waiting.push({ json, bytes, eventId, anonymous, payload: () => JSON.parse(json) as Payload } as EncodedEvent);
      return true;
    },
    take(): Lease | undefined {
      const events = waiting.splice(0);
      return events.length === 0
        ? undefined
        : { events, ack() {}, nack: (returned = events) => void waiting.unshift(...returned) };
    },
  };
  return Object.assign(Object.create(store, {}), put && { put }) as EventStore;
}

it.each([
  ['a promise of true', async () => true],
  ['a promise that rejects', () => Promise.reject(new Error('later'))],
  ['nothing', () => undefined],
])('a store whose put answers with %s is told at the start', (_what, put) => {
  const make = (): AsyncEmitter => new AsyncEmitter('http://127.0.0.1:1', { eventStore: arrayStore(put) });
  expect(make).toThrow(ConfigError);
  expect(make).toThrow(/eventStore.*put answers true or false at once/);
});

it('a store whose put fails at the start may recover', async () => {
  const failing = (): never => {
    throw new Error('disk full');
  };
  const emitter = new AsyncEmitter('http://127.0.0.1:1', { eventStore: arrayStore(failing), logger: false });
  await emitter.close();
});
