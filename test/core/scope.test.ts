import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { currentTracker, RequestTracker, Subject } from 'snowplow-middleware';
import { currentScope } from '../../src/core/scope';
import { capture } from '../support/capture';

const uid = (name?: string): string | undefined => currentTracker(name)?.subject.fields['uid'];
const user = (id: string): Subject => new Subject().setUserId(id);

it('outside of any scope there is no current tracker', () => {
  expect(currentTracker()).toBeUndefined();
  expect(currentTracker('web')).toBeUndefined();
});

describe('runWith', () => {
  it('gives back what the function gives, and throws what it throws', async () => {
    const { tracker } = capture();
    expect(tracker.runWith(user('a'), () => 7)).toBe(7);
    await expect(tracker.runWith(user('a'), () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(() => tracker.runWith(user('a'), () => { throw new Error('mine'); })).toThrow('mine'); // prettier-ignore
    expect(currentTracker()).toBeUndefined();
  });

  it('gives what runs in it a tracker for its subject, which can close nothing', () => {
    const { tracker, last } = capture();
    tracker.runWith(user('a'), () => {
      expect(currentTracker()).toBeInstanceOf(RequestTracker);
      currentTracker()!.trackStructEvent({ category: 'c', action: 'a' });
    });
    expect(last()['uid']).toBe('a');
  });

  it('holds after await, in timers and in callbacks, and ends with the function’s own flow', async () => {
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

  it('keeps 500 flows at once apart', async () => {
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

  it('a job that starts a job, a thousand times over, holds on to none of those before it', () => {
    const { tracker } = capture();
    const nest = (depth: number): number =>
      tracker.runWith(user(`job-${depth}`), () => {
        if (depth < 1000) return nest(depth + 1);
        let around = 0;
        for (let scope = currentScope()?.outer; scope; scope = scope.outer) around++;
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
