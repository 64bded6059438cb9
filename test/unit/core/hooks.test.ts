import { describe, expect, it } from 'vitest';
import { createTracker, type DropInfo, type Payload, Subject } from 'snowplow-middleware';
import { capture, keepLines } from '../../support/capture';
import { faultsOf } from '../../support/payload-rules';

const page = { pageUrl: 'https://acme.com/?email=a@acme.com' };

describe('beforeSend', () => {
  it('gets the whole payload, and its result is sent', () => {
    const seen: Payload[] = [];
    const beforeSend = (payload: Payload): Payload => {
      seen.push({ ...payload });
      return { ...payload, url: (payload['url'] as string).replace(/\?.*/, '') };
    };
    const { tracker, last } = capture({ beforeSend, subject: new Subject().setUserId('u') });
    tracker.trackPageView(page);
    expect(seen[0]).toMatchObject({ e: 'pv', url: page.pageUrl, uid: 'u', p: 'srv' });
    expect(last()).toEqual({ ...seen[0], url: 'https://acme.com/' });
  });

  it('can change the payload that it receives', () => {
    const beforeSend = (payload: Payload): Payload => {
      delete (payload as Record<string, string>)['url'];
      return payload;
    };
    const { tracker, last } = capture({ beforeSend });
    tracker.trackPageView(page);
    expect(last()).not.toHaveProperty('url');
    expect(faultsOf(last())).toEqual([]);
  });

  it('refuses an event as filtered with undefined', () => {
    const { lines, logger } = keepLines();
    const { tracker, payloads } = capture({ beforeSend: () => undefined, logger });
    tracker.trackPageView(page);
    expect(payloads).toEqual([]);
    expect(tracker.stats()).toMatchObject({ offered: 1, refused: { filtered: 1 } });
    expect(lines, 'an app that filters on purpose needs no warning').toEqual([]);
  });

  it('cannot create an event that the pipeline refuses: its additions are checked too', () => {
    const beforeSend = (payload: Payload): Payload =>
      ({
        ...payload, foo: 'x', cv: '1', uid: 17, se_va: 'NaN', vp: { w: 1 }, res: Symbol('s'), lang: null, page: '', sid: 'x', url: 'http://h:p/',
        aid: 'a'.repeat(300), eid: 'forged', stm: '1', ['__proto__']: 'x',
      }) as never; // prettier-ignore
    const { tracker, last } = capture({ beforeSend });
    const id = tracker.track({ fields: { e: 'pv', url: 'http://h/' }, args: {} });
    expect(faultsOf(last())).toEqual([]);
    expect(last()).toMatchObject({ uid: '17', aid: 'a'.repeat(255), eid: id });
    expect(Object.keys(last()).toSorted()).toEqual(['aid', 'dtm', 'e', 'eid', 'p', 'tv', 'uid']);
  });

  it.each([',', ' ', '|', '203.0.113.7, 10.0.0.1', 'unknown', '1.2.3', '999.1.1.1', '::1::', 7, {}, null])(
    'cannot give an address that is none, nor can what is like a subject: %j',
    (ip) => {
      const { tracker, last } = capture({ beforeSend: (payload: Payload) => ({ ...payload, ip }) as never });
      tracker.trackStructEvent({ category: 'c', action: 'a' });
      expect(last()).not.toHaveProperty('ip');
      expect(last()['e']).toBe('se');
      const other = capture();
      other.tracker.trackStructEvent({ category: 'c', action: 'a', subject: { fields: { ip } } as never });
      expect(other.last()).not.toHaveProperty('ip');
      expect(other.last()['e']).toBe('se');
    },
  );

  const UNUSABLE: [what: string, beforeSend: () => unknown][] = [
    ['throws', () => { throw new Error('x'); }], // prettier-ignore
    ['gives a promise', async () => ({ e: 'pv', p: 'srv', tv: 'x' })],
    ['gives a rejected promise', async () => { throw new Error('x'); }], // prettier-ignore
    ['gives no payload', () => ({})],
    ['gives text', () => 'e=pv'],
    ['gives null', () => null],
    ['gives a payload without its type', () => ({ p: 'srv', tv: 'x' })],
    ['gives a Proxy that throws', () => new Proxy({}, { ownKeys: () => { throw new Error('x'); } })], // prettier-ignore
  ];
  it.each(UNUSABLE)('that %s stops its event, without an effect on the app', async (_what, beforeSend) => {
    const { tracker, payloads } = capture({ beforeSend: beforeSend as never });
    expect(() => tracker.trackPageView(page)).not.toThrow();
    await new Promise(setImmediate);
    expect(payloads).toEqual([]);
    const { offered, refused } = tracker.stats();
    expect([offered, refused.filtered + refused.unserializable]).toEqual([1, 1]);
  });

  it('that throws is logged in one line, without the payload', () => {
    const { lines, logger } = keepLines();
    const beforeSend = (payload: Payload): never => {
      throw new Error(payload['url']);
    };
    const { tracker } = capture({ beforeSend, logger });
    tracker.trackPageView(page).trackPageView(page);
    expect(lines).toEqual([['error', 'beforeSend threw']]);
  });
});

describe('onDrop', () => {
  it('is called for each event that the tracker refused, with the available data', () => {
    const told: DropInfo[] = [];
    const { tracker } = capture({ onDrop: (info) => told.push(info), beforeSend: () => undefined });
    tracker.trackPageView(page);
    expect(told).toMatchObject([
      { reason: 'filtered', events: [{ e: 'pv', url: page.pageUrl, eid: expect.any(String) }] },
    ]);
  });

  it('is called once for a transaction with its items', () => {
    const told: DropInfo[] = [];
    const { tracker } = capture({ onDrop: (info) => told.push(info), beforeSend: () => undefined });
    tracker.trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items: [{ sku: 's', price: 1, quantity: 1 }] });
    expect(told.map(({ events }) => events.map(({ e }) => e))).toEqual([['tr', 'ti']]);
  });

  it('of createTracker is called for what the tracker refuses, and for what the emitter refuses and drops', async () => {
    const told: [number, string][] = [];
    const onDrop = ({ events, reason }: DropInfo): void => void told.push([events.length, reason]);
    const emitter = { bufferCapacity: 1, flushIntervalMs: 0, batchSize: 10 };
    const tracker = createTracker({ endpoint: 'http://127.0.0.1:9', contracts: 'off', onDrop, logger: false, emitter });
    tracker.trackPageView({ pageUrl: 'http://h/', context: [{ schema: 'none', data: {} }] });
    tracker.trackPageView(page).trackPageView(page);
    await tracker.close({ timeoutMs: 20 });
    expect(told).toEqual([
      [0, 'invalid'],
      [1, 'full'],
      [1, 'shutdown'],
    ]);
  });

  it('sees consistent counts', () => {
    const sums: number[] = [];
    const { tracker } = capture({
      beforeSend: () => undefined,
      onDrop: () => {
        const { offered, accepted, refused } = tracker.stats();
        sums.push(offered - accepted - Object.values(refused).reduce((sum, count) => sum + count, 0));
      },
    });
    tracker.trackPageView(page).trackEcommerceTransaction({ orderId: 'T', totalValue: 1, items: [{ sku: 's', price: 1, quantity: 1 }] }); // prettier-ignore
    expect(sums).toEqual([0, 0]);
  });

  it('that throws or rejects has no effect', async () => {
    const { tracker } = capture({ enabled: false, onDrop: () => { throw new Error('x'); } }); // prettier-ignore
    const other = capture({ enabled: false, onDrop: (async () => { throw new Error('x'); }) as () => void }); // prettier-ignore
    expect(() => tracker.trackPageView(page)).not.toThrow();
    expect(() => other.tracker.trackPageView(page)).not.toThrow();
    await new Promise(setImmediate);
  });
});
