// What others write on controllers and handlers stays theirs: the same app with and without our decorators, wherever they stand.
const assert = require('node:assert/strict');

const PLACES = ['below', 'between', 'above'];
const known = new WeakSet();

/** What the compiler makes of decorators on a method, given in the order in which they are written. */
const onMethod = (owner, name, ...decorators) => {
  const descriptor = Object.getOwnPropertyDescriptor(owner.prototype, name);
  for (const decorate of decorators.toReversed()) decorate(owner.prototype, name, descriptor);
  Object.defineProperty(owner.prototype, name, descriptor);
};
const onClass = (owner, ...decorators) =>
  decorators.toReversed().reduce((made, decorate) => decorate(made) ?? made, owner);
/** `ours` among the decorators of others. */
const placed = (place, ours, [first, ...rest]) =>
  ({ above: [...ours, first, ...rest], between: [first, ...ours, ...rest], below: [first, ...rest, ...ours] })[place];

/** @param tracks Whether our decorators are there. */
const makeControllers = (nest, tracks) => {
  const { Body, Controller, Get, Inject, Param, ParseIntPipe, Post, SetMetadata, UseInterceptors } = nest;
  const { TrackPageView, TrackStructEvent } = nest.snowplow;
  // With functions and without: only the first need a handler's arguments.
  const ours = (action) =>
    tracks
      ? [
          TrackStructEvent({ category: 'c', action, on: 'always' }),
          TrackStructEvent({ category: 'args', action: ({ args }) => `${action} ${args.length}` }),
          TrackPageView({ pageTitle: action }),
        ]
      : [];
  const role = (name) => SetMetadata('role', name);
  // Ways in which a handler is known: by metadata, by a property, by identity.
  const marked = (_owner, _name, descriptor) => void (descriptor.value.isClosed = true);
  const listed = (_owner, _name, descriptor) => void known.add(descriptor.value);
  class Stamp {
    intercept(context, next) {
      context.switchToHttp().getRequest().stamp = `${context.getClass().name}.${context.getHandler().name}`;
      return next.handle();
    }
  }
  const injecting = (owner, injects, Stock) => {
    if (!injects) return;
    // As TypeScript leaves it of `constructor(stock: Stock)`, before any decorator of the class runs.
    Reflect.defineMetadata('design:paramtypes', [Stock], owner);
  };

  const controllers = [];
  const make = (place, injects, Stock, closed) => {
    const path = `${place}-${injects ? 'injects' : 'plain'}${closed ? '-closed' : ''}`;
    const Shop = class Shop {
      static shelves = 3;
      static open() {
        return true;
      }
      constructor(...[stock]) {
        this.stock = stock;
      }
      get label() {
        return 'shop';
      }
      [Symbol.for('count')]() {
        return this.stock?.count ?? 0;
      }
      list() {
        return { label: this.label, count: this[Symbol.for('count')]() };
      }
      one(id, req) {
        return { type: typeof id, id, stamp: req.stamp };
      }
      add(body) {
        return { sku: body.sku };
      }
      secret() {
        return 'secret';
      }
      hidden() {
        return 'secret';
      }
      unlisted() {
        return 'secret';
      }
    };
    const before = [Object.getOwnPropertyDescriptors(Shop), Object.getOwnPropertyDescriptors(Shop.prototype)];
    onMethod(Shop, 'list', ...placed(place, ours('list'), [Get('list'), role('anyone')]));
    onMethod(Shop, 'one', Get('one/:id'));
    Param('id', ParseIntPipe)(Shop.prototype, 'one', 0);
    nest.Req()(Shop.prototype, 'one', 1);
    onMethod(Shop, 'add', ...placed(place, ours('add'), [Post('add'), role('anyone')]));
    Body()(Shop.prototype, 'add', 0);
    onMethod(Shop, 'secret', ...placed(place, ours('secret'), [Get('secret'), role('nobody')]));
    onMethod(Shop, 'hidden', ...placed(place, ours('hidden'), [Get('hidden'), marked]));
    onMethod(Shop, 'unlisted', ...placed(place, ours('unlisted'), [Get('unlisted'), listed]));
    injecting(Shop, injects, Stock);
    const others = [
      Controller(path),
      role(closed ? 'nobody' : 'anyone'),
      SetMetadata('skip', true),
      UseInterceptors(Stamp),
    ];
    assert.equal(onClass(Shop, ...placed(place, ours('class'), others)), Shop);
    const after = [Object.getOwnPropertyDescriptors(Shop), Object.getOwnPropertyDescriptors(Shop.prototype)];
    for (const [index, descriptors] of before.entries()) {
      assert.deepEqual(Reflect.ownKeys(after[index]), Reflect.ownKeys(descriptors));
      for (const key of Reflect.ownKeys(descriptors))
        for (const part of ['value', 'get', 'set', 'enumerable', 'configurable', 'writable'])
          assert.equal(after[index][key][part], descriptors[key][part], `${path}: ${String(key)}`);
    }
    assert.equal(Shop.prototype.constructor, Shop);
    controllers.push(Shop);
  };

  class Stock {
    count = 7;
  }
  nest.Injectable()(Stock);
  for (const place of PLACES)
    for (const injects of [false, true]) for (const closed of [false, true]) make(place, injects, Stock, closed);

  // Two controllers of one base that is decorated; one overrides a handler, and one is closed.
  class Base {
    shared() {
      return { from: this.constructor.name };
    }
    overridden() {
      return 'base';
    }
  }
  onMethod(Base, 'shared', Get('shared'), ...ours('shared'));
  onMethod(Base, 'overridden', Get('overridden'), ...ours('overridden'));
  injecting(Base, true, Stock);
  onClass(Base, ...ours('base'), SetMetadata('skip', true));
  class First extends Base {
    overridden() {
      return 'first';
    }
  }
  onMethod(First, 'overridden', Get('overridden'));
  onClass(First, Controller('first'));
  class Second extends Base {}
  onClass(Second, role('nobody'), Controller('second'), ...ours('second'));
  Inject(Stock)(Second.prototype, 'stock');
  return { controllers: [...controllers, First, Second], providers: [Stock] };
};

/** Refuses by what a class and a handler say of themselves, as guards of roles and throttlers do. */
const makeGuard = (reflector) => ({
  canActivate(context) {
    const handler = context.getHandler();
    const targets = [handler, context.getClass()];
    if (reflector.getAllAndOverride('skip', targets) !== true) return false;
    if (targets.some((target) => reflector.get('role', target) === 'nobody')) return false;
    return handler.isClosed !== true && !known.has(handler);
  },
});

const start = async (nest, makeAdapter, endpoint, tracks) => {
  const { controllers, providers } = makeControllers(nest, tracks);
  class AppModule {}
  const options = { endpoint, namespace: 'web', emitter: { batchSize: 100 } };
  nest.Module({ imports: [nest.snowplow.SnowplowModule.forRoot(options)], controllers, providers })(AppModule);
  const app = await nest.NestFactory.create(AppModule, makeAdapter(), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  app.useGlobalGuards(makeGuard(new nest.Reflector()));
  await app.listen(0, '127.0.0.1');
  return { app, url: `http://127.0.0.1:${app.getHttpServer().address().port}` };
};

const shops = PLACES.flatMap((place) => [`${place}-plain`, `${place}-injects`]);
const EXPECTED = new Map([
  ...shops.flatMap((shop) => [
    [`${shop}/list`, [200, JSON.stringify({ label: 'shop', count: shop.endsWith('injects') ? 7 : 0 })]],
    [`${shop}/one/7`, [200, JSON.stringify({ type: 'number', id: 7, stamp: 'Shop.one' })]],
    [`${shop}/one/x7`, [400]],
    [`${shop}/add`, [201, JSON.stringify({ sku: 's1' })]],
    ...['secret', 'hidden', 'unlisted'].map((name) => [`${shop}/${name}`, [403]]),
    ...['list', 'one/7', 'add', 'secret'].map((name) => [`${shop}-closed/${name}`, [403]]),
  ]),
  ['first/shared', [200, JSON.stringify({ from: 'First' })]],
  ['first/overridden', [200, 'first']],
  ['second/shared', [403]],
  ['second/overridden', [403]],
]);
const ask = async (url, path) => {
  const post = { method: 'POST', body: JSON.stringify({ sku: 's1' }), headers: { 'content-type': 'application/json', connection: 'close' } }; // prettier-ignore
  const response = await fetch(`${url}/${path}`, path.endsWith('/add') ? post : { headers: { connection: 'close' } });
  return [response.status, await response.text()];
};

/** Asks every route of both apps: the answers must be equal, and the right ones; our events must be there. */
exports.checkOthers = async (nest, startCollector, makeAdapter) => {
  const collector = await startCollector();
  const tracked = await start(nest, makeAdapter, collector.url, true);
  const plain = await start(nest, makeAdapter, collector.url, false);
  for (const [path, [status, body]] of EXPECTED) {
    const [mine, theirs] = [await ask(tracked.url, path), await ask(plain.url, path)];
    assert.equal(JSON.stringify(mine), JSON.stringify(theirs), path);
    assert.equal(mine[0], status, `${path}: ${mine[1]}`);
    if (body !== undefined) assert.equal(mine[1], body, path);
  }
  await plain.app.close();
  await tracked.app.close();
  const seen = {};
  for (const { payload } of collector.good()) {
    const { pathname } = new URL(payload.url);
    (seen[pathname.slice(1)] ??= []).push(payload.se_ac ?? payload.page);
  }
  for (const shop of shops) {
    assert.equal(seen[`${shop}/list`].join(), 'list,list 0,list,class,class 0', shop);
    assert.equal(seen[`${shop}/one/7`].join(), 'class,class 2,class', shop);
    assert.equal(seen[`${shop}/one/x7`].join(), 'class', shop);
    assert.equal(seen[`${shop}/add`].join(), 'add,add 1,add,class,class 1', shop);
    for (const name of ['secret', 'hidden', 'unlisted'])
      assert.equal(seen[`${shop}/${name}`].join(), `${name},class`, shop);
    assert.equal(seen[`${shop}-closed/one/7`].join(), 'class', shop);
  }
  assert.equal(seen['first/shared'].join(), 'shared,shared 0,shared,base,base 0');
  assert.equal(seen['first/overridden'].join(), 'base,base 0,base');
  assert.equal(seen['second/shared'].join(), 'shared,second,base');
  assert.equal(seen['second/overridden'].join(), 'overridden,second,base');
  collector.assertAllGood();
  await collector.close();
};
