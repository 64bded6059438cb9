// How to test an app that tracks: runs the recipes of docs/nestjs.md.
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import type { Tracker } from '../../../src/core/tracker/tracker';
import { createTracker } from '../../../src/create-tracker';
import { getTrackerToken, InjectTracker, SnowplowModule, TrackerService, TrackPageView } from '../../../src/nest';
import { ADAPTERS, sendingTo } from './app';

@Injectable()
class Baskets {
  constructor(
    @Inject(TrackerService) private readonly tracker: TrackerService,
    @InjectTracker('audit') private readonly audit: TrackerService,
  ) {}
  add(sku: string): string {
    this.tracker.trackStructEvent({ category: 'shop', action: 'add', label: sku });
    this.audit.trackStructEvent({ category: 'audit', action: 'add' });
    return sku;
  }
}
@Controller()
class Shop {
  constructor(@Inject(Baskets) private readonly baskets: Baskets) {}
  @Get('add') @TrackPageView({ pageTitle: 'Added' }) add(): string {
    return this.baskets.add('TEA-1');
  }
}
// In production these would send somewhere; nothing in a test may.
@Module({
  imports: [
    SnowplowModule.forRoot({ endpoint: 'https://collector.invalid', namespace: 'web' }),
    SnowplowModule.forRoot({ endpoint: 'https://collector.invalid', namespace: 'audit', name: 'audit' }),
  ],
  controllers: [Shop],
  providers: [Baskets],
})
class AppModule {}

describe.each(ADAPTERS)('a testing module on %s', (_name, makeAdapter) => {
  let collector: Collector;
  let app: NestExpressApplication;
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(async () => {
    await app.close();
    await collector.close();
  });
  const start = async (overrides: Record<string, unknown>): Promise<string> => {
    let builder = Test.createTestingModule({ imports: [AppModule] });
    for (const [token, value] of Object.entries(overrides)) builder = builder.overrideProvider(token).useValue(value);
    const module = await builder.compile();
    app = module.createNestApplication(makeAdapter() as never, { logger: false });
    await app.listen(0, '127.0.0.1');
    return `http://127.0.0.1:${(app.getHttpServer().address() as { port: number }).port}`;
  };

  it("sends everything to the test's collector when the tracker is overridden", async () => {
    const tracker = createTracker({ endpoint: collector.url, namespace: 'test', emitter: { batchSize: 1 } });
    const url = await start({ [getTrackerToken()]: new TrackerService(tracker), [getTrackerToken('audit')]: new TrackerService(tracker) }); // prettier-ignore
    await fetch(`${url}/add`, { headers: { 'user-agent': 'a test' } });
    await collector.waitFor({ e: 'pv', page: 'Added', ua: 'a test', ip: '127.0.0.1' });
    await collector.waitFor({ se_ca: 'shop', se_la: 'TEA-1', ua: 'a test' });
    await collector.waitFor({ se_ca: 'audit', ua: 'a test' });
    collector.assertAllGood();
    await tracker.close();
  });

  it('sends nothing anywhere when the trackers are overridden by fakes', async () => {
    const fake = { trackStructEvent: vi.fn() };
    const audit = { trackStructEvent: vi.fn() };
    const url = await start({ [getTrackerToken()]: fake, [getTrackerToken('audit')]: audit });
    expect(await (await fetch(`${url}/add`)).text()).toBe('TEA-1');
    expect(fake.trackStructEvent).toHaveBeenCalledWith({ category: 'shop', action: 'add', label: 'TEA-1' });
    expect(audit.trackStructEvent).toHaveBeenCalledOnce();
  });
});

describe.each(ADAPTERS)('an app on %s that would track by itself', (_name, makeAdapter) => {
  @Controller()
  class Automatic {
    constructor(@Inject(TrackerService) private readonly tracker: TrackerService) {}
    @Get('page') @TrackPageView({ pageTitle: 'Declared' }) page(): string {
      this.tracker.trackStructEvent({ category: 'shop', action: 'by hand' });
      return 'page';
    }
    @Get('automatic') automatic(): string {
      return 'automatic';
    }
  }
  const visited = async (token: unknown, override: (collector: Collector) => unknown): Promise<unknown[]> => {
    const collector = await startCollector();
    @Module({
      imports: [SnowplowModule.forRoot({ ...sendingTo(collector), pageViews: () => true })],
      controllers: [Automatic],
    })
    class App {}
    const builder = Test.createTestingModule({ imports: [App] });
    const module = await (token ? builder.overrideProvider(token).useValue(override(collector)) : builder).compile();
    const app = module.createNestApplication(makeAdapter() as never, { logger: false });
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    for (const path of ['page', 'automatic'])
      expect(await (await fetch(`http://127.0.0.1:${port}/${path}`, { headers: { connection: 'close' } })).text()).toBe(path); // prettier-ignore
    await app.close();
    await collector.close();
    return collector.good().map(({ payload }) => `${payload['tna']} ${payload['e']} ${payload['page'] ?? payload['se_ac']}`); // prettier-ignore
  };
  const EVENTS = ['se by hand', 'pv Declared', 'pv undefined'];

  it('does so, when nothing is overridden', async () => {
    expect(await visited(undefined, () => {})).toEqual(EVENTS.map((event) => `web ${event}`));
  });

  it.each([
    ['TrackerService', TrackerService],
    ['getTrackerToken()', getTrackerToken()],
  ])('sends nothing at all when %s is overridden by a fake', async (_token, token) => {
    const fake = { trackStructEvent: vi.fn() };
    expect(await visited(token, () => fake)).toEqual([]);
    expect(fake.trackStructEvent).toHaveBeenCalledOnce();
  });

  it.each([
    ['TrackerService', TrackerService],
    ['getTrackerToken()', getTrackerToken()],
  ])('tracks by another tracker that %s is overridden with', async (_token, token) => {
    const made: Tracker[] = [];
    const events = await visited(token, (collector) => {
      made.push(createTracker({ endpoint: collector.url, namespace: 'test', emitter: { batchSize: 1 } }));
      return new TrackerService(made[0] as Tracker);
    });
    expect(events).toEqual(EVENTS.map((event) => `test ${event}`));
    await made[0]?.close();
  });
});

describe('a unit test', () => {
  it('gives a service its fakes without the module', async () => {
    const fake = { trackStructEvent: vi.fn() };
    const audit = { trackStructEvent: vi.fn() };
    const module = await Test.createTestingModule({
      providers: [Baskets, { provide: TrackerService, useValue: fake }, { provide: getTrackerToken('audit'), useValue: audit }],
    }).compile(); // prettier-ignore
    module.get(Baskets).add('TEA-2');
    expect(fake.trackStructEvent).toHaveBeenCalledWith({ category: 'shop', action: 'add', label: 'TEA-2' });
    await module.close();
  });
});
