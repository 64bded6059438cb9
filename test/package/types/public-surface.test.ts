// The public types, as a user's compiler sees them. `tsc --noEmit` reports failures; at run time these tests are empty.
import { describe, expectTypeOf, it } from 'vitest';
import {
  AsyncEmitter, createTracker, currentTracker, Emitter, fromPino, pageView, SelfDescribingJson, Snowplow, structEvent,
  Subject, Tracker,
  type EmitterLike, type EmitterOptions, type EmitterStats, type EventArgs, type EventMeta, type FailureInfo, type FlushReport, type Logger, type PageViewArgs, type Payload,
  type RefuseReason, type RequestTracker, type SelfDescribing, type StructEventArgs, type Timestamp, type TrackerEvent, type TrackerOptions, type TrackerStats,
  type Tracking,
} from 'snowplow-middleware'; // prettier-ignore
import type { pino } from 'pino';

declare const tracker: Tracker;
declare const visitors: RequestTracker;

// What a code generator writes for an app's own schemas: interfaces, and functions that make { schema, data }.
interface Basket {
  items: number;
  note?: string;
}
interface Snowtype<T> {
  schema: string;
  data: T;
}
declare const generated: Snowtype<Basket>;
declare function createBasket(basket: Basket): Snowtype<Basket>;

describe('trackers', () => {
  it('chain as what they are', () => {
    expectTypeOf<ReturnType<Tracker['trackPageView']>>().toEqualTypeOf<Tracker>();
    expectTypeOf(() => tracker.trackPageView().trackScreenView({ name: 'n' }).addEmitter).returns.toBeFunction();
    expectTypeOf(() => visitors.trackPageView().setSubject(new Subject())).returns.toEqualTypeOf<RequestTracker>();
    class Own extends Tracker {
      mine(): void {}
    }
    expectTypeOf<ReturnType<Own['trackPageView']>>().toExtend<Own>();
  });

  it('give a request’s tracker that can only track', () => {
    expectTypeOf<ReturnType<Tracker['withSubject']>>().toEqualTypeOf<RequestTracker>();
    expectTypeOf<RequestTracker>().not.toHaveProperty('close');
    expectTypeOf<RequestTracker>().not.toHaveProperty('addEmitter');
    expectTypeOf<RequestTracker>().toExtend<Tracking>();
    expectTypeOf(currentTracker).returns.toEqualTypeOf<Tracking | undefined>();
  });

  it('answer track with an id or none, flush and close with a report', () => {
    expectTypeOf<Tracker['track']>().toEqualTypeOf<
      (event: TrackerEvent | SelfDescribing, args?: EventArgs) => string | undefined
    >();
    expectTypeOf<ReturnType<Tracker['flush']>>().toEqualTypeOf<Promise<FlushReport>>();
    expectTypeOf<ReturnType<Tracker['close']>>().toEqualTypeOf<Promise<FlushReport>>();
    expectTypeOf<ReturnType<Tracker['stats']>>().toEqualTypeOf<TrackerStats>();
    expectTypeOf<TrackerStats['refused']>().toEqualTypeOf<Readonly<Record<RefuseReason, number>>>();
    expectTypeOf<TrackerStats['emitters']>().toEqualTypeOf<readonly EmitterStats[]>();
  });

  it('run a function in a scope and return its result', () => {
    expectTypeOf(() => tracker.runWith(new Subject(), async () => 7)).returns.toEqualTypeOf<Promise<number>>();
  });

  it('are made of options that are checked by name', () => {
    expectTypeOf(createTracker).toBeCallableWith({ endpoint: 'h', namespace: 'n', emitter: { batchSize: 1 } });
    expectTypeOf<TrackerOptions>().toHaveProperty('contracts').toEqualTypeOf<'throw' | 'log' | 'off' | undefined>();
    // @ts-expect-error -- a typo
    void ((): Tracker => createTracker({ endpoint: 'h', nameSpace: 'n' }));
    // @ts-expect-error -- the registry needs a name
    void ((): Tracker => Snowplow.createTracker({ endpoint: 'h' }));
    // @ts-expect-error -- at least something that takes events
    void ((): Tracker => new Tracker({}));
  });
});

describe('events', () => {
  it('name their own arguments, and take undefined and null where they are optional', () => {
    expectTypeOf<StructEventArgs>().toHaveProperty('category').toEqualTypeOf<string>();
    expectTypeOf<StructEventArgs['value']>().toEqualTypeOf<number | null | undefined>();
    expectTypeOf<PageViewArgs['timestamp']>().toEqualTypeOf<Timestamp | null | undefined>();
    void (() => tracker.trackStructEvent({ category: 'c', action: 'a', label: undefined, value: null }));
    // @ts-expect-error -- action is required
    void (() => tracker.trackStructEvent({ category: 'c' }));
    // @ts-expect-error -- a number is no text
    void (() => tracker.trackPageView({ pageUrl: 7 }));
    // @ts-expect-error -- no such argument
    void (() => tracker.trackPageView({ pageURL: 'http://h/' }));
  });

  it('come from builders', () => {
    expectTypeOf(pageView).returns.toEqualTypeOf<TrackerEvent>();
    expectTypeOf(structEvent).parameter(0).toEqualTypeOf<StructEventArgs>();
  });

  it('take generated and own { schema, data } objects, readonly ones too', () => {
    const frozen = [{ schema: 'iglu:com.acme/basket/jsonschema/1-0-0', data: { items: 1 } }] as const;
    void (() =>
      tracker
        .trackSelfDescribingEvent({ event: generated, context: [generated, new SelfDescribingJson('s', { a: 1 })] })
        .trackSelfDescribingEvent({ event: createBasket({ items: 1 }), context: frozen })
        .trackUnstructEvent({ event: frozen[0] })
        .trackSelfDescribingEvent<Basket>({ event: generated }));
    // @ts-expect-error -- the data is not what was said
    void (() => tracker.trackSelfDescribingEvent<Basket>({ event: { schema: 's', data: { items: '1' } } }));
  });
});

describe('SelfDescribingJson', () => {
  it('keeps the type of its data', () => {
    const basket = (): SelfDescribingJson<Basket> => new SelfDescribingJson<Basket>('s', { items: 1 });
    expectTypeOf(basket).returns.toHaveProperty('data').toEqualTypeOf<Basket>();
    expectTypeOf<SelfDescribingJson<Basket>>().toExtend<SelfDescribing<Basket>>();
    expectTypeOf(() => new SelfDescribingJson('s', { items: 1 }).data).returns.toEqualTypeOf<{ items: number }>();
    expectTypeOf<Snowtype<Basket>>().toExtend<SelfDescribing<Basket>>();
    // @ts-expect-error -- no data
    void (() => new SelfDescribingJson('s'));
  });
});

describe('emitters', () => {
  it('need an input method and nothing else', () => {
    expectTypeOf<{ input(payload: Payload): void }>().toExtend<EmitterLike>();
    expectTypeOf<{ input(payload: Payload, meta: EventMeta): boolean }>().toExtend<EmitterLike>();
    expectTypeOf<object>().not.toExtend<EmitterLike>();
    expectTypeOf<Emitter>().toExtend<EmitterLike>();
    expectTypeOf<AsyncEmitter>().toExtend<EmitterLike>();
  });

  it('get payloads that cannot be written to', () => {
    const write = (payload: Payload): void => {
      // @ts-expect-error -- readonly
      payload['uid'] = 'u';
    };
    expectTypeOf(write).parameter(0).toEqualTypeOf<Readonly<Record<string, string>>>();
  });

  it('are made of an endpoint, of options, or of both', () => {
    void (() => [new Emitter('h'), new Emitter({ endpoint: 'h' }), new Emitter('h', { batchSize: 5 })]);
    expectTypeOf<NonNullable<EmitterOptions['onFailure']>>().parameters.toEqualTypeOf<
      [number, Payload[], FailureInfo]
    >();
    // @ts-expect-error -- threads are AsyncEmitter's
    void (() => new Emitter('h', { threadCount: 2 }));
    void (() => new AsyncEmitter('h', { threadCount: 2 }));
  });
});

it('a Subject chains as itself, and its setters take null to remove', () => {
  expectTypeOf(() => new Subject().setUserId('u').setViewport(1, 2).setLang(null)).returns.toEqualTypeOf<Subject>();
  // @ts-expect-error -- no such platform
  void (() => new Subject().setPlatform('fridge'));
  // @ts-expect-error -- a size has two sides
  void (() => new Subject().setViewport(1));
});

it('loggers: the console, and pino adapted', () => {
  expectTypeOf<Console>().toExtend<Logger>();
  expectTypeOf(fromPino).toBeCallableWith({} as pino.Logger);
});
