// TrackerService in work that continues after its request: it stands for the app, because the visitor is unknown.
import { Controller, Get, Inject } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { Subject } from '../../../src/core/protocol/subject';
import { TrackerService } from '../../../src/nest';
import { until } from '../../support/until';
import { ADAPTERS, type RunningNest, sendingTo, startNest } from './app';

@Controller()
class Shop {
  // What a client does with its callbacks that was opened in the request.
  later: <T>(fn: () => T) => T = (fn) => fn();
  constructor(@Inject(TrackerService) readonly tracker: TrackerService) {}
  @Get('visit') visit(): string {
    this.later = AsyncLocalStorage.snapshot() as Shop['later'];
    this.tracker.subject.setUserId('alice');
    return 'ok';
  }
}

describe.each(ADAPTERS)('a callback after its request, on %s', (_name, makeAdapter) => {
  let collector: Collector;
  let running: RunningNest;
  let shop: Shop;
  beforeEach(async () => {
    collector = await startCollector();
    running = await startNest(makeAdapter, { controllers: [Shop] }, { ...sendingTo(collector), contracts: 'throw' });
    shop = running.app.get(Shop);
    await fetch(`${running.url}/visit`, { headers: { 'user-agent': 'alice' } });
    await until('the scope has closed', () => shop.later(() => shop.tracker.subject.fields['uid']) === undefined);
  });
  afterEach(async () => {
    await running.app.close();
    await collector.close();
  });

  it('tracks by the app, each way', async () => {
    const { tracker } = shop;
    shop.later(() => {
      tracker.trackStructEvent({ category: 'late', action: 'track' });
      tracker.withSubject(new Subject().setLang('de')).trackStructEvent({ category: 'late', action: 'with' });
      tracker.current.trackStructEvent({ category: 'late', action: 'current' });
      tracker.runWith(new Subject().setUserId('job'), () =>
        tracker.trackStructEvent({ category: 'late', action: 'job' }),
      );
    });
    await tracker.flush();
    const events = collector.good().map(({ payload: { se_ac, uid, ua, lang } }) => [se_ac, uid, ua, lang]);
    expect(events).toHaveLength(4);
    expect(events).toEqual(
      expect.arrayContaining([
        ['track', undefined, undefined, undefined],
        ['with', undefined, undefined, 'de'],
        ['current', undefined, undefined, undefined],
        ['job', 'job', undefined, undefined],
      ]),
    );
  });

  it("does not change the app's subject, and counts", () => {
    const { tracker } = shop;
    const before = tracker.stats().lateLookups;
    expect(() => shop.later(() => tracker.setSubject(new Subject().setUserId('bob')))).toThrow('setSubject');
    shop.later(() => tracker.subject.setUserId('bob'));
    expect(tracker.app.subject.fields).toEqual({});
    expect(tracker.stats().lateLookups).toBe(before + 2);
  });
});
