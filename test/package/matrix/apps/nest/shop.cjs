// One small shop and what must hold of it, on whatever Nest it is given. Plain JavaScript, so that no compiler stands between.
const assert = require('node:assert/strict');

// Under Jest, an array of the app and one of Node have different prototypes.
const assertSame = (actual, expected) => assert.equal(JSON.stringify(actual), JSON.stringify(expected));

/** @param nest The exports of @nestjs/common, and `snowplow`, the door's. */
const makeShop = (nest, endpoint) => {
  const { Controller, Get, Inject, Injectable, Module, Param, UseGuards } = nest;
  const { InjectTracker, SnowplowModule, TrackerService, TrackPageView, TrackStructEvent } = nest.snowplow;
  // What the compiler makes of decorators on a method.
  const decorated = (owner, name, ...decorators) => {
    const descriptor = Object.getOwnPropertyDescriptor(owner.prototype, name);
    for (const decorate of decorators.toReversed()) decorate(owner.prototype, name, descriptor);
    Object.defineProperty(owner.prototype, name, descriptor);
  };

  class Stock {
    async reserve(sku) {
      await new Promise((resolve) => setImmediate(resolve));
      this.tracker.trackStructEvent({ category: 'stock', action: 'reserve', label: sku });
      this.audit.trackStructEvent({ category: 'audit', action: 'reserve' });
    }
  }
  Injectable()(Stock);
  Inject(TrackerService)(Stock.prototype, 'tracker');
  InjectTracker('audit')(Stock.prototype, 'audit');

  class Never {
    canActivate() {
      return false;
    }
  }
  class Shop {
    async tea(sku) {
      await this.stock.reserve(sku);
      return { sku };
    }
    secret() {
      return 'unreachable';
    }
  }
  decorated(
    Shop,
    'tea',
    Get('tea/:sku'),
    TrackPageView({ pageTitle: ({ args, result }) => `${args[0]} ${result.sku}` }),
  );
  Param('sku')(Shop.prototype, 'tea', 0);
  decorated(Shop, 'secret', Get('secret'), UseGuards(Never), TrackStructEvent({ category: 'shop', action: 'refused', on: 'always' })); // prettier-ignore
  Inject(Stock)(Shop.prototype, 'stock');
  Controller()(Shop);

  class AppModule {}
  const sending = { endpoint, emitter: { batchSize: 100 } };
  Module({
    imports: [
      SnowplowModule.forRootAsync({ useFactory: async () => ({ ...sending, namespace: 'web', pageViews: true }) }),
      SnowplowModule.forRoot({ ...sending, namespace: 'audit', name: 'audit' }),
    ],
    controllers: [Shop],
    providers: [Stock],
  })(AppModule);
  return { AppModule, TrackerService };
};

const listen = async (app) => {
  await app.listen(0, '127.0.0.1');
  return `http://127.0.0.1:${app.getHttpServer().address().port}`;
};
const visit = async (url) => {
  const headers = { 'user-agent': 'matrix', cookie: '_sp_id.1fff=6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11.1.1.1.1.', connection: 'close' }; // prettier-ignore
  const tea = await fetch(`${url}/api/tea/assam`, { headers });
  assertSame([tea.status, await tea.json()], [200, { sku: 'assam' }]);
  assert.equal((await fetch(`${url}/api/secret`, { headers })).status, 403);
  assert.equal((await fetch(`${url}/nowhere`, { headers })).status, 404);
};
const shown = (collector) => {
  const events = collector.good().map(({ payload }) => payload);
  for (const { ua, ip, duid } of events)
    assertSame([ua, ip, duid], ['matrix', '127.0.0.1', '6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11']);
  return events.map(({ tna, se_ac, page }) => `${tna} ${se_ac ?? page}`).toSorted();
};
const EXPECTED = ['audit reserve', 'web assam assam', 'web refused', 'web reserve'];

/** Boots the shop as an app does, visits it, closes it: everything must have arrived, once. */
exports.checkApp = async (nest, startCollector, makeAdapter) => {
  const collector = await startCollector();
  const { AppModule } = makeShop(nest, collector.url);
  const app = await nest.NestFactory.create(AppModule, makeAdapter(), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  app.setGlobalPrefix('api');
  await visit(await listen(app));
  await app.close();
  assertSame(shown(collector), EXPECTED);
  collector.assertAllGood();
  await collector.close();
};

/** The same in a testing module, with the tracker in the app's place. */
exports.checkTestingModule = async (nest, startCollector, makeAdapter, { Test, createTracker }) => {
  const collector = await startCollector();
  const { AppModule, TrackerService } = makeShop(nest, 'https://collector.invalid');
  const tracker = createTracker({ endpoint: collector.url, namespace: 'test' });
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(nest.snowplow.getTrackerToken())
    .useValue(new TrackerService(tracker))
    .overrideProvider(nest.snowplow.getTrackerToken('audit'))
    .useValue({ trackStructEvent: () => {} })
    .compile();
  const app = module.createNestApplication(makeAdapter(), { logger: ['error', 'warn'] });
  app.setGlobalPrefix('api');
  await visit(await listen(app));
  await app.close();
  assertSame(shown(collector), ['test assam assam', 'test refused', 'test reserve']);
  await tracker.close();
  await collector.close();
};
