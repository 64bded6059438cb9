// What reaches the emitters, whoever wrote them, and how they affect the app.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { Emitter, pageView, Tracker, type EmitterLike, type EventMeta, type Payload } from 'snowplow-middleware';
import { capture, keepLines } from '../../support/capture';

const page = { pageUrl: 'http://h/' };
const sink = (): EmitterLike & { got: Payload[] } => {
  const got: Payload[] = [];
  return { got, input: (payload) => void got.push(payload) };
};

describe('several emitters', () => {
  it('each get every event', () => {
    const emitters = [sink(), sink(), sink()];
    const tracker = new Tracker({ emitters });
    const id = tracker.track(pageView(page));
    for (const { got } of emitters) expect(got.map(({ eid }) => eid)).toEqual([id]);
    expect(tracker.stats()).toMatchObject({ offered: 1, accepted: 1 });
  });

  it('cannot change what the next one gets', () => {
    const meddler: EmitterLike = {
      input(payload, meta) {
        for (const [target, key, value] of [
          [payload, 'uid', 'forged'],
          [payload, 'e', 'tr'],
          [meta, 'anonymous', true],
          [meta, 'eventId', 'forged'],
          [meta, 'json', '{}'],
        ] as const)
          Reflect.set(target, key, value);
        expect(Object.isFrozen(payload)).toBe(true);
      },
    };
    const metas: EventMeta[] = [];
    const { tracker, last } = capture();
    const honest = sink();
    tracker.addEmitter(meddler).addEmitter({ input: (payload, meta) => void (honest.got.push(payload), metas.push(meta)) }); // prettier-ignore
    const id = tracker.track(pageView(page));
    expect(honest.got[0]).toMatchObject({ e: 'pv', eid: id });
    expect(honest.got[0]).not.toHaveProperty('uid');
    expect(last()).toEqual(honest.got[0]);
    expect(metas[0]).toEqual({ eventId: id, anonymous: false });
  });

  it('that throw or reject affect neither the others nor the app', async () => {
    const { lines, logger } = keepLines();
    const good = sink();
    const throwing: EmitterLike = { input: () => { throw new Error('my-secret'); } }; // prettier-ignore
    const rejecting = { input: async () => { throw new Error('my-secret'); } } as unknown as EmitterLike; // prettier-ignore
    const tracker = new Tracker({ emitters: [throwing, rejecting, good], logger });
    expect(tracker.track(pageView(page))).toBeDefined();
    await new Promise(setImmediate);
    expect(good.got).toHaveLength(1);
    expect(lines).toEqual([
      ['error', "an emitter's input threw"],
      ['error', "an emitter's input rejected"],
    ]);
  });

  it('return no id only if all of them refuse', () => {
    const refusing: EmitterLike = { input: () => false };
    const good = sink();
    expect(new Tracker({ emitters: [refusing, good] }).track(pageView(page))).toBeDefined();
    const tracker = new Tracker({ emitters: [refusing, refusing] });
    expect(tracker.track(pageView(page))).toBeUndefined();
    expect(tracker.stats()).toMatchObject({ offered: 1, accepted: 0, refused: { full: 1 } });
  });

  it('can be added later, and are copied from a list that changes afterwards', () => {
    const emitters: EmitterLike[] = [sink()];
    const tracker = new Tracker({ emitters });
    emitters.length = 0;
    const late = sink();
    tracker.withSubject(tracker.subject).trackPageView(page);
    tracker.addEmitter(late);
    tracker.withSubject(tracker.subject).trackPageView(page);
    expect(late.got).toHaveLength(1);
    expect(tracker.stats().accepted).toBe(2);
  });

  it('see consistent counts at any time', () => {
    const sums: number[] = [];
    const tracker: Tracker = new Tracker({
      emitters: {
        input: () => {
          const { offered, accepted, refused } = tracker.stats();
          sums.push(offered - accepted - Object.values(refused).reduce((sum, count) => sum + count, 0));
        },
      },
    });
    tracker.trackPageView(page).trackPageView(page);
    expect(sums).toEqual([0, 0]);
  });
});

describe('a custom emitter', () => {
  it('needs an input method and nothing else', async () => {
    const { tracker, payloads } = capture();
    tracker.trackPageView(page);
    expect(payloads).toHaveLength(1);
    expect(await tracker.flush()).toEqual({ sent: 0, failed: 0, remaining: 0 });
    expect(tracker.stats().emitters).toEqual([]);
    expect(await tracker.close()).toEqual({ sent: 0, failed: 0, remaining: 0 });
  });

  it('may have a stats method that means something else', () => {
    const { tracker } = capture({ emitters: { ...sink(), stats: () => 'fine' } as EmitterLike });
    expect(tracker.stats().emitters).toEqual([]);
    expect(tracker.health()).toEqual({ status: 'up', waiting: 0, inFlight: 0 });
  });

  it('may be an instance whose methods ask for this', () => {
    class Counter {
      count = 0;
      input(): void {
        this.count++;
      }
      flush(): object {
        return { sent: this.count, failed: 0, remaining: 0 };
      }
    }
    const { tracker } = capture({ emitters: new Counter() });
    tracker.trackPageView(page);
    return expect(tracker.flush()).resolves.toEqual({ sent: 1, failed: 0, remaining: 0 });
  });
});

describe('flush and close', () => {
  it("add up the emitters' reports, and ignore invalid ones", async () => {
    const reporting = (report: unknown): EmitterLike => ({ input: () => {}, flush: () => report });
    const emitters = [{ sent: 2, failed: 1, remaining: 3 }, { sent: 1 }, 'done', null, { sent: 'many' }].map(reporting);
    const tracker = new Tracker({ emitters });
    expect(await tracker.flush()).toEqual({ sent: 3, failed: 1, remaining: 3 });
  });

  it('end in time even if an emitter never does', async () => {
    const never = new Promise(() => {});
    const stuck: EmitterLike = { input: () => {}, flush: () => never, close: () => never };
    const tracker = new Tracker({ emitters: [stuck, sink()] }, [stuck]);
    expect(await tracker.flush({ timeoutMs: 10 })).toEqual({ sent: 0, failed: 0, remaining: 0 });
    expect(await tracker.close({ timeoutMs: 10 })).toEqual({ sent: 0, failed: 0, remaining: 0 });
  });

  it('accept any time limit, even an infinite one', async () => {
    let settle: (report: object) => void = () => {};
    const slow: EmitterLike = { input: () => {}, flush: () => new Promise((resolve) => (settle = resolve)) };
    const flushed = new Tracker({ emitters: slow }).flush({ timeoutMs: Infinity });
    setTimeout(() => settle({ sent: 1 }), 20);
    expect(await flushed).toMatchObject({ sent: 1 });
  });

  it('never reject, whatever an emitter does', async () => {
    const { lines, logger } = keepLines();
    const throwing: EmitterLike = { input: () => {}, flush: () => { throw new Error('x'); } }; // prettier-ignore
    const rejecting: EmitterLike = { input: () => {}, flush: () => Promise.reject(new Error('x')) };
    const good: EmitterLike = { input: () => {}, flush: () => Promise.resolve({ sent: 1 }) };
    const tracker = new Tracker({ emitters: [throwing, rejecting, good], logger });
    expect(await tracker.flush()).toEqual({ sent: 1, failed: 0, remaining: 0 });
    expect(await tracker.close()).toEqual({ sent: 1, failed: 0, remaining: 0 });
    expect(lines).toEqual([['error', "an emitter's flush failed"]]);
  });

  it('close only emitters created for the tracker, and flush the others', async () => {
    const calls: string[] = [];
    const noting = (name: string): EmitterLike => ({
      input: () => {},
      flush: () => void calls.push(`${name} flushed`),
      close: () => void calls.push(`${name} closed`),
    });
    const own = noting('own');
    const tracker = new Tracker({ emitters: [own, noting('shared')] }, [own]);
    await Promise.all([tracker.close(), tracker.close()]);
    await tracker.close();
    expect(calls).toEqual(['own closed', 'shared flushed']);
  });

  it('a closed tracker refuses new events, in every request too', async () => {
    const { tracker, payloads } = capture();
    const visitors = tracker.withSubject(tracker.subject);
    await tracker.close();
    expect(tracker.track(pageView(page))).toBeUndefined();
    visitors.trackPageView(page);
    expect(payloads).toEqual([]);
    expect(tracker.stats()).toMatchObject({ offered: 2, refused: { closed: 2 } });
    expect(tracker.health().status).toBe('down');
  });
});

describe('a built-in emitter', () => {
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.close());

  it('can be spied on: the spy sees each event, and passes it on', async () => {
    const emitter = new Emitter(collector.url);
    const input = vi.spyOn(emitter, 'input');
    const id = new Tracker({ emitters: emitter }).track(pageView(page));
    await emitter.close();
    expect(input.mock.calls.map(([payload]) => payload['eid'])).toEqual([id]);
    await collector.waitFor((each) => each.id === id);
  });

  it('can be subclassed: its own input gets each event, and passes on what it chooses', async () => {
    class Redacting extends Emitter {
      override input(payload: Payload, meta?: EventMeta): boolean {
        const { refr: _refr, ...rest } = payload;
        return super.input({ ...rest, page: 'redacted' }, meta);
      }
    }
    const emitter = new Redacting(collector.url);
    const tracker = new Tracker({ emitters: emitter });
    const id = tracker.track(pageView({ ...page, pageTitle: 'Private', referrer: 'http://r/' }));
    await emitter.close();
    const [event] = await collector.waitFor((each) => each.id === id);
    expect(event!.payload).toMatchObject({ page: 'redacted', eid: id });
    expect(event!.payload).not.toHaveProperty('refr');
    collector.assertAllGood();
  });

  it('and a custom one get the same event', async () => {
    const emitter = new Emitter(collector.url);
    const { tracker, last } = capture();
    tracker.addEmitter(emitter);
    const id = tracker.track(pageView(page));
    await emitter.close();
    const [event] = await collector.waitFor((each) => each.id === id);
    const { stm, ...sent } = event!.payload;
    expect(stm).toMatch(/^\d{13}$/);
    expect(sent).toEqual(last());
  });

  it('shows in the tracker’s health: up, waiting, then down with the reason', async () => {
    const emitter = new Emitter(collector.url, { logger: false });
    const tracker = new Tracker({ emitters: emitter });
    expect(tracker.health()).toEqual({ status: 'up', waiting: 0, inFlight: 0 });
    tracker.trackPageView(page);
    expect(tracker.health()).toEqual({ status: 'up', waiting: 1, inFlight: 0 });
    collector.fail({ times: 1 });
    await tracker.flush();
    expect(tracker.health()).toMatchObject({ status: 'down', waiting: 1, lastError: 'the collector answered 503' });
    await tracker.flush();
    expect(tracker.health()).toEqual({ status: 'up', waiting: 0, inFlight: 0 });
    await emitter.close();
  });
});
