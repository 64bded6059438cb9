// Functions of the app that track events: each is called for the app's events and never for those that it tracks.
import { setImmediate as turn } from 'node:timers/promises';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Payload,
  SelfDescribingJson,
  type StandardSchema,
  Tracker,
  type TrackerOptions,
} from 'snowplow-middleware';
import { capture } from '../../support/capture';

const MINE = { category: 'shop', action: 'add' };
const META = { category: 'meta', action: 'seen' };
const TOO_MANY = 50;

/** A function that tracks with `tracker()`, at once or later, and how often it was called. */
function tracking(tracker: () => Tracker, later: boolean) {
  const calls: unknown[][] = [];
  const call = (...args: unknown[]): void => {
    calls.push(args);
    if (calls.length > TOO_MANY) throw new Error('called for its own events');
    if (later) setImmediate(() => void tracker().trackStructEvent(META));
    else tracker().trackStructEvent(META);
  };
  return { calls, call };
}

/** Long enough for a chain of callbacks that set each other off. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn();
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, one) => all + one, 0);

describe.each([
  ['at once', false],
  ['later', true],
])('a function that tracks %s', (_when, later) => {
  const HOOKS: [what: string, calls: number, options: (again: () => void) => Partial<TrackerOptions>][] = [
    ['onDrop, where nothing is enabled', 1, (again) => ({ enabled: false, onDrop: again })],
    ['onDrop, where all is filtered', 1, (again) => ({ beforeSend: () => undefined, onDrop: again })],
    ['beforeSend', 1, (again) => ({ beforeSend: (payload: Payload) => (again(), payload) })],
  ];
  it.each(HOOKS)('%s: is called once for the event of the app', async (_what, calls, options) => {
    let tracker!: Tracker;
    const again = tracking(() => tracker, later);
    ({ tracker } = capture(options(again.call)));
    tracker.trackStructEvent(MINE);
    await settled();
    expect(again.calls).toHaveLength(calls);
    const { offered, accepted, refused } = tracker.stats();
    expect([offered, accepted + sum(refused)], 'what it tracked is counted').toEqual([1 + calls, 1 + calls]);
  });

  it.each(['snowplow:track', 'snowplow:drop'])('a subscriber of %s: hears of the event of the app', async (name) => {
    let tracker!: Tracker;
    const again = tracking(() => tracker, later);
    ({ tracker } = capture(name === 'snowplow:drop' ? { enabled: false } : {}));
    subscribe(name, again.call);
    onTestFinished(() => void unsubscribe(name, again.call));
    tracker.trackStructEvent(MINE);
    await settled();
    expect(again.calls).toHaveLength(1);
    expect(tracker.stats().offered).toBe(2);
  });

  it('a logger: is written to once for the event of the app', async () => {
    let tracker!: Tracker;
    const again = tracking(() => tracker, later);
    const logger = { debug: again.call, info: again.call, warn: again.call, error: again.call };
    tracker = new Tracker({ emitters: { input: () => { throw new Error('x'); } }, logger }); // prettier-ignore
    tracker.trackStructEvent(MINE);
    await settled();
    expect(again.calls).toHaveLength(1);
  });

  it('a validator: no callback is called for what it tracks', async () => {
    const told: unknown[] = [];
    const { tracker } = capture({ enabled: false, onDrop: (info) => told.push(info) });
    const again = tracking(() => tracker, later);
    const validate = (value: unknown): unknown => (again.call(), { value });
    const validator: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate } };
    const json = new SelfDescribingJson('iglu:com.acme/x/jsonschema/1-0-0', {}, { validator });
    await settled();
    expect([json.data, again.calls.length, told]).toEqual([{}, 1, []]);
    expect(tracker.stats().refused.disabled).toBe(1);
  });

  it('two trackers whose callbacks track with each other: each is called once at most', async () => {
    const trackers: Tracker[] = [];
    const first = tracking(() => trackers[1] as Tracker, later);
    const second = tracking(() => trackers[0] as Tracker, later);
    for (const { call } of [first, second]) trackers.push(capture({ enabled: false, onDrop: call }).tracker);
    trackers[0]?.trackStructEvent(MINE);
    await settled();
    expect([first.calls.length, second.calls.length]).toEqual([1, 0]);
    expect(trackers.map((tracker) => tracker.stats().offered)).toEqual([1, 1]);
  });
});

it('beforeSend sees what a callback tracks: it may have something to hide', () => {
  const seen: unknown[] = [];
  const { tracker, payloads } = capture({
    contracts: 'log',
    beforeSend: (payload) => (seen.push(payload['se_ca']), payload['se_ca'] === 'shop' ? undefined : { ...payload, se_la: 'seen' }),
    onDrop: () => tracker.trackStructEvent(META),
  }); // prettier-ignore
  tracker.trackStructEvent(MINE);
  expect(seen).toEqual(['shop', 'meta']);
  expect(payloads).toMatchObject([{ se_ca: 'meta', se_la: 'seen' }]);
});

it('what beforeSend tracks is never sent unchecked', () => {
  const { tracker, payloads } = capture({ beforeSend: (payload) => (tracker.trackStructEvent(META), payload) });
  tracker.trackStructEvent(MINE);
  expect(payloads).toMatchObject([{ se_ca: 'shop' }]);
  expect(tracker.stats()).toMatchObject({ offered: 2, accepted: 1, refused: { filtered: 1 } });
});

describe('a subscriber that throws', () => {
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  beforeEach(() => void process.on('uncaughtException', note).on('unhandledRejection', note));
  afterEach(() => void process.off('uncaughtException', note).off('unhandledRejection', note));

  const listening = <Name extends string>(name: Name, subscriber: () => unknown): Name => {
    subscribe(name, subscriber);
    onTestFinished(() => void unsubscribe(name, subscriber));
    return name;
  };
  const broken = [
    () => { throw new Error('broken'); },
    () => Promise.reject(new Error('broken')),
  ]; // prettier-ignore

  it.each(broken)('reaches neither the app nor the subscriber behind it (%#)', async (subscriber) => {
    const heard: string[] = [];
    for (const name of ['snowplow:track', 'snowplow:drop']) {
      listening(name, subscriber);
      listening(name, () => heard.push(name));
    }
    const { tracker } = capture({ beforeSend: (payload) => (payload['se_ac'] === 'add' ? payload : undefined) });
    tracker.trackStructEvent(MINE).trackStructEvent(META);
    await settled();
    expect([heard, thrown]).toEqual([['snowplow:track', 'snowplow:drop'], []]);
  });

  it.each(broken)('does not reach the caller of a flush, which is traced all the same (%#)', async (subscriber) => {
    const { AsyncEmitter } = await import('snowplow-middleware');
    const emitter = new AsyncEmitter('127.0.0.1');
    const steps: string[] = [];
    const flushed = tracingChannel('snowplow:flush');
    for (const step of ['start', 'end', 'asyncStart', 'asyncEnd'] as const) {
      listening(flushed[step].name as string, subscriber);
      listening(flushed[step].name as string, () => (steps.push(step), emitter.flush()));
    }
    expect(await emitter.flush()).toEqual({ sent: 0, failed: 0, remaining: 0 });
    await settled();
    expect([steps, thrown]).toEqual([['start', 'end', 'asyncStart', 'asyncEnd'], []]);
  });
});
