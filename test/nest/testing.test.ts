// How an app that tracks is tested: the recipes of docs/nestjs.md, run.
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Collector, startCollector } from '../../src/collector';
import { createTracker } from '../../src/create-tracker';
import { getTrackerToken, InjectTracker, SnowplowModule, TrackerService, TrackPageView } from '../../src/nest';
import { ADAPTERS } from './app';

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
