// Apps and old libraries put enumerable properties onto built-in prototypes: no event may change because of them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../../support/child';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';

/** Every entry point in one program; `when` says when the prototypes get their properties. */
const program = (when: 'never' | 'before' | 'after', redis: string): string => `
  const pollute = () => {
    Object.prototype.zebra = 'stripes';
    Object.prototype.uid = 'foreign';
    Object.prototype.url = 'https://foreign.test/';
    Object.prototype.capacity = 7;
    Array.prototype.yak = 'wool';
    Array.prototype.last = function () { return this[this.length - 1]; };
    String.prototype.owl = () => 'hoot';
    Function.prototype.fox = 1;
  };
  if (${when === 'before'}) pollute();
  const { startCollector } = require('snowplow-middleware/collector');
  const { createTracker, Emitter, structEvent, Subject, Tracker } = require('snowplow-middleware');
  const { RedisEmitter, RedisWorker } = require('snowplow-middleware/redis');
  const { BullMqEmitter, createProcessor } = require('snowplow-middleware/bullmq');
  const middleware = (name) => require('snowplow-middleware/' + name).snowplow;
  const { Redis } = require('ioredis');
  const express = require('express'), Koa = require('koa'), fastify = require('fastify');
  const snowplow = { express: middleware('express'), koa: middleware('koa'), fastify: middleware('fastify') };
  if (${when === 'after'}) pollute();

  const every = (tracker) => tracker
    .trackPageView({ pageUrl: 'https://a.test/tea', pageTitle: 'Tea', timestamp: new Date(1e12) })
    .trackPagePing({ pageUrl: 'https://a.test/tea', minX: 1 })
    .trackStructEvent({ category: 'c', action: 'a', value: 1, subject: new Subject().setLang('et') })
    .trackStructEvent({ category: 'c', action: 'anonymous', anonymous: true })
    .trackScreenView({ name: 'Home' })
    .trackSelfDescribingEvent({
      event: { schema: 'iglu:com.acme/tea/jsonschema/1-0-0', data: { leaves: [1, { a: 2 }] } },
      context: [{ schema: 'iglu:com.acme/pot/jsonschema/1-0-0', data: { size: 3 } }],
    })
    .trackEcommerceTransaction({ orderId: 'o', totalValue: 1, items: [{ sku: 's', price: 1, quantity: 1 }] })
    .trackLinkClick({ targetUrl: 'https://a.test/', elementClasses: ['a'] })
    .trackSiteSearch({ terms: ['tea'], filters: { green: true } })
    .trackTiming({ category: 'c', variable: 'v', timing: 1 })
    .trackAddToCart({ sku: 's', quantity: 1, unitPrice: 1 })
    .trackFormSubmit({ formId: 'f', elements: [{ name: 'n', value: 'v', nodeName: 'INPUT' }] });
  const open = (server, name) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)).then(() => {
    const headers = { 'x-shop': 'tallinn', referer: 'https://b.test/', 'accept-language': 'et', cookie: 'a=1' };
    return fetch('http://127.0.0.1:' + server.address().port + '/tea?size=2', { headers }).then((r) => r.text());
  });

  (async () => {
    const collector = await startCollector();
    const told = {};
    const keep = (name) => {
      const plain = ({ payload, contexts }) => [Object.entries(payload)
        .filter(([key]) => !['eid', 'dtm', 'stm', 'cx', 'tid'].includes(key))
        .map(([key, value]) => [key, value.replace(/:\\d{4,5}\\//, '/')]).sort(), contexts];
      told[name] = { good: collector.good().map(plain).map((one) => JSON.stringify(one)).sort(), bad: collector.bad().map(({ errors }) => errors) };
      collector.reset();
    };
    const options = { endpoint: collector.url, namespace: 'web', appId: 'shop' };

    const tracker = createTracker({ ...options, subject: new Subject().setTimezone('Europe/Tallinn') });
    every(tracker);
    await tracker.close({ timeoutMs: 30000 });
    keep('tracker');
    const hooked = createTracker({ ...options, beforeSend: (payload) => payload, emitter: { method: 'get' } });
    every(hooked);
    await hooked.close({ timeoutMs: 30000 });
    keep('hook and GET');

    const apps = {
      express: (o) => { const app = express(); app.use(snowplow.express(o)); app.get('/tea', (q, r) => { q.tracker.subject.setLang('fi'); every(q.tracker); r.send('<p>'); }); return require('http').createServer(app); },
      koa: (o) => { const app = new Koa(); app.use(snowplow.koa(o)); app.use((ctx) => { ctx.tracker.subject.setLang('fi'); every(ctx.tracker); ctx.body = '<p>'; }); return require('http').createServer(app.callback()); },
      fastify: async (o) => { const app = fastify(); await app.register(snowplow.fastify, o); app.get('/tea', (q, r) => { q.tracker.subject.setLang('fi'); every(q.tracker); r.type('text/html').send('<p>'); }); await app.ready(); return app.server; },
    };
    for (const name of Object.keys(apps)) {
      const own = createTracker({ ...options, namespace: name });
      const server = await apps[name]({ tracker: own, pageViews: () => true, headers: ['x-shop'], response: true, anonymous: () => false, entities: () => [{ schema: 'iglu:com.acme/shop/jsonschema/1-0-0', data: { id: 7 } }], subject: (req, subject) => { subject.setUserId('u-17'); } });
      await open(server, name);
      server.closeAllConnections();
      await own.close({ timeoutMs: 30000 });
      keep(name);
    }

    const redis = new Redis(${JSON.stringify(redis)}, { maxRetriesPerRequest: null });
    const key = 'prototypes-${when}';
    const pushed = new Tracker({ emitters: new RedisEmitter({ redis, key }), namespace: 'web' });
    every(pushed);
    await pushed.flush({ timeoutMs: 30000 });
    const worker = new RedisWorker({ redis, key, endpoint: collector.url });
    const running = worker.run();
    while (collector.good().length + collector.bad().length < 13) await new Promise((resolve) => setTimeout(resolve, 20));
    await worker.close({ timeoutMs: 30000 });
    await running;
    keep('redis');

    // BullMQ itself does not run in such a process: this queue takes and gives jobs as it does.
    const jobs = [];
    const queue = { add: async (name, data) => jobs.push({ name, data: JSON.parse(JSON.stringify(data)) }) };
    const queued = new Tracker({ emitters: new BullMqEmitter({ queue }), namespace: 'web' });
    every(queued);
    await queued.flush({ timeoutMs: 30000 });
    const processor = createProcessor({ endpoint: collector.url });
    for (const job of jobs) await processor(job);
    keep('bullmq');
    console.log('TOLD ' + JSON.stringify(told) + ' END');
    await collector.close();
    redis.disconnect();
    process.exit();
  })().catch((error) => { console.log('FAILED', error); process.exit(1); });
`;

type Told = Record<string, { readonly good: readonly string[]; readonly bad: readonly unknown[] }>;

describe.skipIf(!hasRedis)('with properties on the prototypes of everything', () => {
  let redis: RedisServer;
  const children: Child[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => {
    await Promise.all(children.map((child) => child.stop()));
    await redis.close();
  });

  async function told(when: 'never' | 'before' | 'after'): Promise<Told> {
    const child = Child.program(program(when, redis.url));
    children.push(child);
    const [, json = ''] = await child.printed(/TOLD (.*) END/s, 90_000);
    return JSON.parse(json) as Told;
  }

  it(
    'events arrive unchanged through every entry point, whenever the properties came',
    { timeout: 300_000 },
    async () => {
      const plain = await told('never');
      for (const [how, { good, bad }] of Object.entries(plain)) {
        expect(bad, how).toEqual([]);
        expect(good.length, how).toBeGreaterThanOrEqual(13);
      }
      expect(await told('before')).toEqual(plain);
      expect(await told('after')).toEqual(plain);
    },
  );
});
