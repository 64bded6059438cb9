// SnowplowModule: how it is set up, injected, mounted and ended.
import {
  Controller, Get, Inject, Injectable, type MiddlewareConsumer, Module, type NestModule, type OnModuleInit, Req,
} from '@nestjs/common'; // prettier-ignore
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { structEvent } from '../../../src/core/events/structured';
import { currentTracker } from '../../../src/core/tracker/scope';
import { Subject } from '../../../src/core/protocol/subject';
import type { RequestTracker } from '../../../src/core/tracker/tracker';
import { createTracker } from '../../../src/create-tracker';
import {
  InjectTracker, SnowplowMiddleware, SnowplowModule, type SnowplowOptions, type SnowplowOptionsFactory, TrackerService,
} from '../../../src/nest'; // prettier-ignore
import { goTo } from '../../support/go-to';
import { ADAPTERS, type RunningNest, sendingTo, startNest } from './app';

@Injectable()
class Stock {
  constructor(@Inject(TrackerService) private readonly tracker: TrackerService) {}
  async reserve(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.tracker.trackStructEvent({ category: 'stock', action: 'reserve' });
  }
}
@Controller()
class Shop {
  constructor(@Inject(Stock) private readonly stock: Stock) {}
  @Get('reserve') async reserve(@Req() req: { tracker: RequestTracker; raw?: { tracker: unknown } }): Promise<boolean[]> {
    await this.stock.reserve();
    return [currentTracker() === req.tracker, (req.raw ?? req).tracker === req.tracker];
  } // prettier-ignore
  @Get('health') health(): string {
    return 'ok';
  }
}
const SHOP = { controllers: [Shop], providers: [Stock] };

describe.each(ADAPTERS)('SnowplowModule on %s', (name, makeAdapter) => {
  let collector: Collector;
  let running: RunningNest | undefined;

  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(async () => {
    await running?.app.close();
    running = undefined;
    await collector.close();
  });
  const reserved = async (): Promise<object | undefined> => {
    const [event] = await collector.waitFor({ se_ac: 'reserve' });
    return event?.payload;
  };

  it("tracks for the request's visitor from a service deep in the call chain, with a global prefix and outside it", async () => {
    running = await startNest(makeAdapter, SHOP, { ...sendingTo(collector), pageViews: () => true }, (app) =>
      app.setGlobalPrefix('api', { exclude: ['health'] }),
    );
    const response = await fetch(`${running.url}/api/reserve`, { headers: { 'user-agent': 'Mozilla/5.0' } });
    expect(await response.json()).toEqual([true, true]);
    expect(await reserved()).toMatchObject({ tna: 'web', ua: 'Mozilla/5.0', ip: '127.0.0.1', url: `${running.url}/api/reserve` }); // prettier-ignore
    await fetch(`${running.url}/health`);
    await fetch(`${running.url}/nowhere`);
    await collector.waitFor({ e: 'pv', url: /\/health$/ });
    await collector.waitFor({ e: 'pv', url: /\/nowhere$/ });
    expect(await (await fetch(`${running.url}/api/reserve`)).json()).toEqual([true, true]);
  });

  it('makes its options by a factory, a class or a provider of the app', async () => {
    @Injectable()
    class Settings implements SnowplowOptionsFactory {
      createSnowplowOptions(): SnowplowOptions {
        return sendingTo(collector);
      }
    }
    const URL_TOKEN = Symbol('url');
    @Module({ providers: [Settings, { provide: URL_TOKEN, useValue: collector.url }], exports: [Settings, URL_TOKEN] })
    class SettingsModule {}
    const imports = [SettingsModule];
    const useFactory = async (endpoint: string) => Promise.resolve({ ...sendingTo(collector), endpoint });
    for (const module of [
      SnowplowModule.forRootAsync({ imports, inject: [URL_TOKEN], useFactory }),
      SnowplowModule.forRootAsync({ useClass: Settings }),
      SnowplowModule.forRootAsync({ imports, useExisting: Settings }),
    ]) {
      collector.reset();
      running = await startNest(makeAdapter, { ...SHOP, imports: [module] });
      await fetch(`${running.url}/reserve`);
      expect(await reserved()).toMatchObject({ tna: 'web', ip: '127.0.0.1' });
      await running.app.close();
    }
    running = undefined;
  });

  it('keeps two named trackers apart, each with the visitor of the request', async () => {
    @Controller()
    class Both {
      constructor(
        @InjectTracker() private readonly web: TrackerService,
        @InjectTracker('audit') private readonly audit: TrackerService,
      ) {}
      @Get('both') both(): boolean {
        this.web.trackStructEvent({ category: 'c', action: 'web' });
        this.audit.setSubject(this.audit.subject.setUserId('u-17')).trackStructEvent({ category: 'c', action: 'audit' });
        return currentTracker('audit') !== undefined;
      } // prettier-ignore
    }
    const audit = SnowplowModule.forRoot({ ...sendingTo(collector), namespace: 'audit-events', name: 'audit' });
    running = await startNest(makeAdapter, { controllers: [Both], imports: [audit] }, sendingTo(collector));
    const response = await fetch(`${running.url}/both`, { headers: { 'user-agent': 'Mozilla/5.0' } });
    expect(await response.text()).toBe('true');
    const [web] = await collector.waitFor({ se_ac: 'web' });
    const [other] = await collector.waitFor({ se_ac: 'audit' });
    expect(web?.payload).toMatchObject({ tna: 'web', ua: 'Mozilla/5.0', ip: '127.0.0.1' });
    expect(web?.payload).not.toHaveProperty('uid');
    expect(other?.payload).toMatchObject({ tna: 'audit-events', uid: 'u-17', ua: 'Mozilla/5.0', ip: '127.0.0.1' });
  });

  it("obeys the visitor's privacy mode in a service's events about another subject", async () => {
    @Controller()
    class Other {
      constructor(@Inject(TrackerService) private readonly tracker: TrackerService) {}
      @Get('other') other(): void {
        const subject = new Subject().setUserId('u-9').setLang('et');
        this.tracker.withSubject(subject).trackStructEvent({ category: 'c', action: 'other' });
      }
    }
    running = await startNest(
      makeAdapter,
      { controllers: [Other] },
      { ...sendingTo(collector), anonymous: () => true },
    );
    await fetch(`${running.url}/other`);
    const [event] = await collector.waitFor({ se_ac: 'other' });
    expect(event?.payload).toMatchObject({ lang: 'et' });
    expect(event?.payload).not.toHaveProperty('uid');
  });

  it('lets nothing that is said of the subject outside a request reach a visitor', async () => {
    running = await startNest(makeAdapter, SHOP, sendingTo(collector));
    running.app.get(TrackerService).subject.setUserId('u-9');
    await fetch(`${running.url}/reserve`);
    expect(await reserved()).not.toHaveProperty('uid');
  });

  it("gives its hooks the framework's request, with what a guard has put on it", async () => {
    const user = { id: 'u-23' };
    running = await startNest(
      makeAdapter,
      SHOP,
      {
        ...sendingTo(collector),
        subject: (req, subject) => void subject.setUserId((req.user as typeof user | undefined)?.id),
        entities: (req) => [{ schema: 'iglu:com.acme/query/jsonschema/1-0-0', data: req.query as object }],
      },
      (app) =>
        app.useGlobalGuards({
          canActivate: (context) => Object.assign(context.switchToHttp().getRequest<object>(), { user }) !== undefined,
        }),
    );
    await fetch(`${running.url}/reserve?size=2`);
    const [event] = await collector.waitFor({ se_ac: 'reserve' });
    expect(event?.payload['uid']).toBe('u-23');
    expect(event?.contexts).toMatchObject([{ data: { size: '2' } }]);
  });

  it('leaves the mounting to the app that says so', async () => {
    @Module({})
    class ByHand implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer.apply(SnowplowMiddleware).forRoutes('reserve');
      }
    }
    const subject = (req: { query: unknown }, own: Subject): void => void own.setUserId(JSON.stringify(req.query));
    running = await startNest(makeAdapter, { ...SHOP, imports: [ByHand] }, { ...sendingTo(collector), mount: false, pageViews: () => true, subject }); // prettier-ignore
    expect(await (await fetch(`${running.url}/reserve?a=1`)).json()).toEqual([true, true]);
    expect(await reserved()).toMatchObject({ ip: '127.0.0.1', uid: '{"a":"1"}' });
    await fetch(`${running.url}/health`);
    await collector.waitFor({ e: 'pv' });
    expect(collector.good()).toHaveLength(2);
  });

  it('reaches class middleware of the app', async () => {
    @Module({})
    class Logging implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply((_req: unknown, _res: unknown, next: () => void) => {
            currentTracker()?.trackStructEvent({ category: 'c', action: 'middleware' });
            next();
          })
          .forRoutes('health');
      }
    }
    running = await startNest(makeAdapter, { ...SHOP, imports: [Logging] }, sendingTo(collector));
    await fetch(`${running.url}/health`, { headers: { 'user-agent': 'Mozilla/5.0' } });
    const [event] = await collector.waitFor({ se_ac: 'middleware' });
    expect(event?.payload).toMatchObject({ ua: 'Mozilla/5.0', ip: '127.0.0.1' });
  });

  it('knows the host and port of a request that class middleware tracks for', async () => {
    @Module({})
    class Logging implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply((_req: unknown, _res: unknown, next: () => void) => {
            currentTracker()?.trackStructEvent({ category: 'c', action: 'middleware' });
            next();
          })
          .forRoutes('health');
      }
    }
    const express = (): ExpressAdapter => {
      const trusting = new ExpressAdapter();
      trusting.set('trust proxy', true);
      return trusting;
    };
    const trusting = name === 'Express' ? express : () => new FastifyAdapter({ trustProxy: true });
    const { url } = (running = await startNest(trusting, { ...SHOP, imports: [Logging] }, sendingTo(collector)));
    const ask = async (headers: Record<string, string>): Promise<unknown> => {
      collector.reset();
      await goTo(`${url}/health`, headers);
      const [event] = await collector.waitFor({ se_ac: 'middleware' });
      return event?.payload['url'];
    };
    expect(await ask({})).toBe(`${url}/health`);
    const host = 'shop.example:3000';
    expect(await ask({ host, 'x-forwarded-host': 'shop.example:8443' })).toBe('http://shop.example:8443/health');
    expect(await ask({ host, 'x-forwarded-host': 'shop.example' })).toBe('http://shop.example/health');
  });

  it('has nothing that is request-scoped, so that no handler is made anew for each request', async () => {
    running = await startNest(makeAdapter, SHOP, sendingTo(collector));
    const modules = [...running.app.get(ModulesContainer).values()];
    const wrappers = modules.flatMap((module) => [...module.providers.values(), ...module.controllers.values(), ...module.injectables.values()]); // prettier-ignore
    expect(wrappers.length).toBeGreaterThan(10);
    // Nest's own token of the request is there in every app.
    const scoped = wrappers.filter((wrapper) => !wrapper.isDependencyTreeStatic()).map(({ name }) => name);
    expect(scoped).toEqual(['REQUEST']);
  });

  it('flushes and closes with the app, once', async () => {
    running = await startNest(makeAdapter, SHOP, { ...sendingTo(collector), emitter: { batchSize: 100 } });
    const { app, url } = running;
    const tracker = app.get(TrackerService);
    await fetch(`${url}/reserve`, { headers: { connection: 'close' } });
    expect(collector.good()).toEqual([]);
    await app.close();
    expect(await reserved()).toMatchObject({ ip: '127.0.0.1' });
    expect(tracker.health().status).toBe('down');
    expect(tracker.track(structEvent({ category: 'c', action: 'late' }))).toBeUndefined();
    await app.close();
  });

  it('leaves a shared tracker open', async () => {
    const tracker = createTracker({ ...sendingTo(collector), emitter: { batchSize: 100 } });
    running = await startNest(makeAdapter, SHOP, { tracker });
    await fetch(`${running.url}/reserve`);
    await running.app.close();
    running = undefined;
    await reserved();
    expect(tracker.health().status).toBe('up');
    await tracker.close();
  });
});

describe('SnowplowModule', () => {
  let collector: Collector;
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(() => collector.close());

  it('tracks for the app at bootstrap, and for a subject in runWith, without any HTTP server', async () => {
    @Injectable()
    class Job implements OnModuleInit {
      constructor(@Inject(TrackerService) readonly tracker: TrackerService) {}
      onModuleInit(): void {
        this.tracker.trackStructEvent({ category: 'job', action: 'boot' });
      }
    }
    @Module({ imports: [SnowplowModule.forRoot(sendingTo(collector))], providers: [Job] })
    class Jobs {}
    const app = await NestFactory.createApplicationContext(Jobs, { logger: false });
    const { tracker } = app.get(Job);
    await tracker.runWith(new Subject().setUserId('u-17'), async () => {
      await new Promise((resolve) => setImmediate(resolve));
      tracker.setSubject(tracker.subject.setLang('et')).trackStructEvent({ category: 'job', action: 'run' });
    });
    await app.close();
    const events = collector.good().map(({ payload }) => payload);
    expect(events).toMatchObject([{ se_ac: 'boot' }, { se_ac: 'run', uid: 'u-17', lang: 'et' }]);
    expect(events[0]).not.toHaveProperty('uid');
  });

  it('answers a subject that is set outside of a scope as a broken contract', async () => {
    const tracker = createTracker({ ...sendingTo(collector), contracts: 'throw' });
    const service = new TrackerService(tracker);
    expect(() => service.setSubject(new Subject())).toThrow(
      /setSubject: `subject` must be set in a request or in runWith/,
    );
    await tracker.close();
  });

  it.each([
    ['a second unnamed module', [{}, { namespace: 'other' }], /SnowplowModule: name must be different/],
    ['an option that does not exist', [{ pageView: true }], /Unknown option `pageView`/],
    ['an empty name', [{ name: '' }], /name must be a non-empty string/],
    ['a mount that is no switch', [{ mount: 'yes' }], /mount must be true or false/],
    ['no endpoint', [{ endpoint: undefined }], /endpoint must be a host name or a URL/],
  ])('refuses %s with a clear error', async (_what, wrong, message) => {
    const start = async (): Promise<unknown> => {
      @Module({
        imports: wrong.map((options) => SnowplowModule.forRoot({ ...sendingTo(collector), ...options } as never)),
      })
      class Wrong {}
      return NestFactory.create(Wrong, { logger: false, abortOnError: false });
    };
    await expect(start()).rejects.toThrow(message);
  });

  it('refuses asynchronous options that are made in no way, or in two', () => {
    expect(() => SnowplowModule.forRootAsync({})).toThrow(/one of useFactory, useClass and useExisting/);
    const useFactory = (): SnowplowOptions => sendingTo(collector);
    expect(() => SnowplowModule.forRootAsync({ useFactory, useClass: class {} as never })).toThrow(/got 2 of them/);
  });
});
