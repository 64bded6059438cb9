import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { currentTracker, RequestTracker, Subject } from 'snowplow-middleware';
import { scopes } from '../../../src/core/tracker/scope';
import { capture, keepLines } from '../../support/capture';

const uid = (name?: string): string | undefined => currentTracker(name)?.subject.fields['uid'];
const user = (id: string): Subject => new Subject().setUserId(id);

it('there is no current tracker outside a scope', () => {
  expect(currentTracker()).toBeUndefined();
  expect(currentTracker('web')).toBeUndefined();
});

describe('runWith', () => {
  it('returns what the function returns, and throws what it throws', async () => {
    const { tracker } = capture();
    expect(tracker.runWith(user('a'), () => 7)).toBe(7);
    await expect(tracker.runWith(user('a'), () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(() => tracker.runWith(user('a'), () => { throw new Error('mine'); })).toThrow('mine'); // prettier-ignore
    expect(currentTracker()).toBeUndefined();
  });

  it('provides a tracker for its subject, which can close nothing', () => {
    const { tracker, last } = capture();
    tracker.runWith(user('a'), () => {
      expect(currentTracker()).toBeInstanceOf(RequestTracker);
      currentTracker()!.trackStructEvent({ category: 'c', action: 'a' });
    });
    expect(last()['uid']).toBe('a');
  });

  it('holds after await, in timers and in callbacks, and ends with the function', async () => {
    const { tracker } = capture();
    const seen: unknown[] = [];
    await tracker.runWith(user('a'), async () => {
      await sleep(1);
      seen.push(uid());
      await new Promise<void>((resolve) => setTimeout(() => (seen.push(uid()), resolve()), 1));
      await new Promise<void>((resolve) => setImmediate(() => (seen.push(uid()), resolve())));
      queueMicrotask(() => seen.push(uid()));
      await Promise.resolve();
    });
    expect(seen).toEqual(['a', 'a', 'a', 'a']);
    expect(currentTracker()).toBeUndefined();
  });

  it('nests: the inner one counts inside, the outer one again afterwards', () => {
    const { tracker } = capture();
    tracker.runWith(user('outer'), () => {
      tracker.runWith(user('inner'), () => expect(uid()).toBe('inner'));
      expect(uid()).toBe('outer');
    });
  });

  it('keeps 500 concurrent flows apart', async () => {
    const { tracker, payloads } = capture();
    const flow = (id: string, steps: number): Promise<void> =>
      tracker.runWith(user(id), async () => {
        for (let step = 0; step <= steps; step++) {
          await new Promise(setImmediate);
          currentTracker()!.trackStructEvent({ category: 'c', action: id });
        }
      });
    await Promise.all(Array.from({ length: 500 }, (_, index) => flow(`u-${index}`, index % 4)));
    expect(payloads).toHaveLength(1250);
    for (const { uid: id, se_ac } of payloads) expect(id).toBe(se_ac);
  });

  it('finds trackers by name, the nearest of each', () => {
    const web = capture({ namespace: 'web' }).tracker;
    const jobs = capture({ namespace: 'jobs' }).tracker;
    web.runWith(user('w1'), () =>
      jobs.runWith(user('j'), () => {
        expect([uid(), uid('web'), uid('jobs'), uid('other')]).toEqual(['j', 'w1', 'j', undefined]);
        web.runWith(user('w2'), () => expect([uid(), uid('web'), uid('jobs')]).toEqual(['w2', 'w2', 'j']));
      }),
    );
  });

  it('a chain of a thousand jobs keeps no earlier job alive', () => {
    const { tracker } = capture();
    const nest = (depth: number): number =>
      tracker.runWith(user(`job-${depth}`), () => {
        if (depth < 1000) return nest(depth + 1);
        let around = 0;
        for (let scope = scopes.getStore()?.outer; scope; scope = scope.outer) around++;
        return around;
      });
    expect(nest(1)).toBe(0);
  });

  it('setSubject in a scope is for that scope', () => {
    const { tracker } = capture();
    tracker.runWith(user('a'), () => {
      currentTracker()!.setSubject(user('b'));
      expect(uid()).toBe('b');
    });
    expect(tracker.subject.fields).toEqual({});
  });
});

describe('the end of a job', () => {
  // Runs what it is given in the context in which it was made, as a client's later callbacks run in its opener's.
  const bound = (): (<T>(fn: () => T) => T) => AsyncLocalStorage.snapshot() as <T>(fn: () => T) => T;

  it('comes when its function has returned without a promise', () => {
    const { tracker } = capture();
    for (const value of [7, undefined, null, {}, [], () => {}, 'a', Symbol('s')]) {
      let later: <T>(fn: () => T) => T = (fn) => fn();
      const result = tracker.runWith(user('a'), () => {
        later = bound();
        expect(uid()).toBe('a');
        return value;
      });
      expect(result).toBe(value);
      expect(later(() => currentTracker())).toBeUndefined();
    }
  });

  it('comes when it has thrown', () => {
    const { tracker } = capture();
    let later: <T>(fn: () => T) => T = (fn) => fn();
    const job = (): never => {
      later = bound();
      throw new Error('mine');
    };
    expect(() => tracker.runWith(user('a'), job)).toThrow('mine');
    expect(later(() => currentTracker())).toBeUndefined();
  });

  it.each(['resolved', 'rejected'])('comes when its promise has %s, before waiting code continues', async (how) => {
    const { tracker } = capture();
    let later: <T>(fn: () => T) => T = (fn) => fn();
    const result = tracker.runWith(user('a'), async () => {
      later = bound();
      await sleep(1);
      expect(uid()).toBe('a');
      if (how === 'rejected') throw new Error('mine');
      return 7;
    });
    expect(later(() => uid())).toBe('a');
    if (how === 'rejected') await expect(result).rejects.toThrow('mine');
    else expect(await result).toBe(7);
    expect(later(() => currentTracker())).toBeUndefined();
  });

  it('leaves an unhandled rejection to the process', async () => {
    const { tracker } = capture();
    const listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    try {
      const unhandled = once(process, 'unhandledRejection');
      void tracker.runWith(user('a'), () => Promise.reject(new Error('nobody handles it')));
      expect(await unhandled).toMatchObject([{ message: 'nobody handles it' }, {}]);
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of listeners) process.on('unhandledRejection', listener);
    }
  });

  it('comes when a generator has been created: its iteration is outside', () => {
    const { tracker } = capture();
    const steps = tracker.runWith(user('a'), function* () {
      yield uid();
    });
    expect(steps.next()).toEqual({ value: undefined, done: false });
  });

  it('does not call other thenables, which may start their work each time', async () => {
    const { tracker } = capture();
    let asked = 0;
    const query = {
      then(resolve: (rows: number) => void): void {
        asked++;
        resolve(7);
      },
    };
    let later: <T>(fn: () => T) => T = (fn) => fn();
    const result = tracker.runWith(user('a'), () => {
      later = bound();
      return query;
    });
    expect(result).toBe(query);
    // It may still be at work.
    expect(later(() => uid())).toBe('a');
    expect(asked).toBe(0);
    expect(await result).toBe(7);
    expect(asked).toBe(1);
  });

  it('counts later calls, and logs once a minute what to do', () => {
    const { lines, logger } = keepLines();
    const { tracker, payloads } = capture({ logger });
    let later: <T>(fn: () => T) => T = (fn) => fn();
    let held: ReturnType<typeof currentTracker>;
    tracker.runWith(user('a'), () => {
      later = bound();
      held = currentTracker();
    });
    expect(tracker.stats().lateLookups).toBe(0);
    for (let times = 0; times < 3; times++) later(() => currentTracker());
    expect(tracker.stats().lateLookups).toBe(3);
    expect(lines).toEqual([['warn', expect.stringMatching(/req\.tracker.*AsyncResource\.bind/)]]);
    held?.trackStructEvent({ category: 'c', action: 'a' });
    expect(payloads).toMatchObject([{ uid: 'a' }]);
  });

  it('does not reveal an outer tracker: neither that of an outer job nor another with that name', () => {
    const web = capture({ namespace: 'web' }).tracker;
    const jobs = capture({ namespace: 'jobs' }).tracker;
    web.runWith(user('w'), () => {
      const later = jobs.runWith(user('j1'), () => web.runWith(user('w2'), bound));
      later(() => {
        expect([uid(), uid('web'), uid('jobs')]).toEqual([undefined, undefined, undefined]);
        jobs.runWith(user('j2'), () => expect([uid(), uid('web'), uid('jobs')]).toEqual(['j2', undefined, 'j2']));
      });
      expect([uid(), uid('web'), uid('jobs')]).toEqual(['w', 'w', undefined]);
    });
  });

  it('releases outer scopes: jobs of two trackers that start each other do not pile up', async () => {
    const trackers = [capture({ namespace: 'a' }).tracker, capture({ namespace: 'b' }).tracker];
    let depth = Infinity;
    for (let turn = 0, start = (fn: () => void): void => fn(); turn < 100; turn++)
      start(() =>
        (trackers[turn % 2] as (typeof trackers)[0]).runWith(user(`${turn}`), () => {
          start = bound();
          depth = 0;
          for (let scope = scopes.getStore()?.outer; scope; scope = scope.outer) depth++;
        }),
      );
    expect(depth).toBe(0);
  });

  it('is the same for another copy of the package, whichever made the scope', async () => {
    vi.resetModules();
    const copy = await import('snowplow-middleware');
    expect(copy.currentTracker).not.toBe(currentTracker);
    const own = capture({ namespace: 'own' }).tracker;
    const others = new copy.Tracker({ emitters: { input: () => true }, namespace: 'other', logger: false });
    const names = (): (string | undefined)[] =>
      ['own', 'other'].map((name) => copy.currentTracker(name)?.subject.fields['uid']);
    const later = own.runWith(user('a'), () =>
      others.runWith(new copy.Subject().setUserId('b'), () => {
        expect([uid(), ...names(), uid('own'), uid('other')]).toEqual(['b', 'a', 'b', 'a', 'b']);
        return bound();
      }),
    );
    expect(later(() => [uid(), ...names(), uid('own'), uid('other')])).toEqual(Array.from({ length: 5 }));
    expect(own.stats().lateLookups).toBe(2);
    expect(others.stats().lateLookups).toBe(3);
  });
});
