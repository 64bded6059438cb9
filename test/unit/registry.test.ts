import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { createTracker, Snowplow } from 'snowplow-middleware';
import { capture } from '../support/capture';

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.close());
afterEach(() => Snowplow.reset());

describe('the Snowplow registry', () => {
  it('makes a tracker that can be found by its namespace, and sends', async () => {
    const tracker = Snowplow.createTracker({ endpoint: collector.url, namespace: 'jobs', appId: 'shop' });
    expect(Snowplow.getTracker('jobs')).toBe(tracker);
    Snowplow.getTracker('jobs')!.trackStructEvent({ category: 'c', action: 'a' });
    await tracker.close();
    expect((await collector.waitFor({ event: 'struct' }))[0]!.payload).toMatchObject({ tna: 'jobs', aid: 'shop' });
  });

  it('honours every option of tracker and emitter, and shares no object between two trackers', async () => {
    const emitter = {
      method: 'get',
      bufferCapacity: 25,
      maxRetryDelayMs: 700,
      customRetryCodes: { 500: false },
    } as const;
    const one = Snowplow.createTracker({ endpoint: collector.url, namespace: 'one', platform: 'app', encodeBase64: false, emitter }); // prettier-ignore
    const two = Snowplow.createTracker({ endpoint: collector.url, namespace: 'two' });
    for (const tracker of [one, two]) tracker.trackSelfDescribingEvent({ event: { schema: 'iglu:a/b/jsonschema/1-0-0', data: {} } }); // prettier-ignore
    await Promise.all([one.close(), two.close()]);
    const [first] = await collector.waitFor((event) => event.payload['tna'] === 'one');
    const [second] = await collector.waitFor((event) => event.payload['tna'] === 'two');
    expect([first!.request.method, first!.payload['p'], 'ue_pr' in first!.payload]).toEqual(['GET', 'app', true]);
    expect([second!.request.method, second!.payload['p'], 'ue_px' in second!.payload]).toEqual(['POST', 'srv', true]);
  });

  it('asks for a namespace, and for one of its own', async () => {
    const options = { endpoint: collector.url } as { endpoint: string; namespace: string };
    expect(() => Snowplow.createTracker(options)).toThrow(
      'Snowplow.createTracker: namespace must be a non-empty string',
    );
    const tracker = Snowplow.createTracker({ ...options, namespace: 'jobs' });
    expect(() => Snowplow.createTracker({ ...options, namespace: 'jobs' })).toThrow(
      'one that no registered tracker has',
    );
    expect(() => Snowplow.addTracker(capture().tracker)).toThrow('a tracker with a namespace');
    expect(() => Snowplow.addTracker(capture({ namespace: 'jobs' }).tracker)).toThrow('one that no registered tracker has'); // prettier-ignore
    expect(Snowplow.addTracker(tracker)).toBe(tracker);
    await tracker.close();
  });

  it('takes trackers made elsewhere, and forgets them by name or by themselves', () => {
    const web = Snowplow.addTracker(capture({ namespace: 'web' }).tracker);
    const api = Snowplow.addTracker(capture({ namespace: 'api' }).tracker);
    expect(Snowplow.removeTracker('web')).toBe(true);
    expect(Snowplow.removeTracker(api)).toBe(true);
    expect(Snowplow.removeTracker(web)).toBe(false);
    expect(Snowplow.getTracker('web')).toBeUndefined();
  });
});

describe('createTracker', () => {
  it('names itself in what is wrong', () => {
    expect(() => createTracker({} as never)).toThrow(
      'createTracker: endpoint must be a host name or a URL, got nothing',
    );
    expect(() => createTracker({ endpoint: 'h', emitters: [] } as never)).toThrow('createTracker: Unknown option `emitters`'); // prettier-ignore
    expect(() => createTracker({ endpoint: 'ftp://h' })).toThrow("endpoint must be a host name or a URL with 'https' or 'http', got \"ftp\""); // prettier-ignore
    expect(() => createTracker({ endpoint: 'h', emitter: { batchsize: 1 } as never })).toThrow('did you mean `batchSize`?'); // prettier-ignore
  });
});
