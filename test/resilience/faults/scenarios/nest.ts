// Nest ends an app by its own rules: hooks in an order, a signal that it raises again, and close() by whoever likes to.
import type { INestApplication } from '@nestjs/common';
import type { Inside } from '../harness/inside';
import { type Scenario, scenario, type Stage } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

interface Shop {
  readonly endpoint: string;
  readonly adapter: string;
  readonly hooks: boolean;
}

/** An app whose events come from a request-scoped provider, from a request in flight, and from each hook of its end. */
async function shop(inside: Inside, { endpoint, adapter, hooks }: Shop): Promise<void> {
  const { require, track, onDrop, note } = inside;
  require('reflect-metadata');
  const { Controller, Get, Inject, Injectable, Module, Query, Scope } =
    require('@nestjs/common') as typeof import('@nestjs/common');
  const { NestFactory } = require('@nestjs/core') as typeof import('@nestjs/core');
  const { SnowplowModule, TrackerService } =
    require('snowplow-middleware/nest') as typeof import('../../../../src/nest');
  type Tracks = { tracker: InstanceType<typeof TrackerService> };
  const tracks = (prototype: object): void => Inject(TrackerService)(prototype, 'tracker');

  class Basket {
    async add(this: Tracks, visitor: string, ms: number): Promise<void> {
      this.tracker.subject.setUserId(visitor);
      await new Promise((resolve) => setTimeout(resolve, ms));
      track(1, visitor, this.tracker);
    }
  }
  tracks(Basket.prototype);
  Injectable({ scope: Scope.REQUEST })(Basket);

  class Routes {
    declare basket: Basket & Tracks;
    async add(visitor: string, ms: string): Promise<string> {
      note('begun', visitor);
      await this.basket.add(visitor, Number(ms));
      return 'ok';
    }
  }
  Inject(Basket)(Routes.prototype, 'basket');
  Get('add')(Routes.prototype, 'add', Object.getOwnPropertyDescriptor(Routes.prototype, 'add') as never);
  for (const [index, name] of ['visitor', 'ms'].entries()) Query(name)(Routes.prototype, 'add', index);
  Controller()(Routes);

  class Ending {
    onModuleDestroy(this: Tracks): void {
      track(1, 'onModuleDestroy', this.tracker);
    }
    beforeApplicationShutdown(this: Tracks): void {
      track(1, 'beforeApplicationShutdown', this.tracker);
    }
    onApplicationShutdown(this: Tracks): void {
      track(1, 'onApplicationShutdown', this.tracker);
    }
  }
  tracks(Ending.prototype);
  Injectable()(Ending);

  class App {}
  const emitter = { onDrop, flushIntervalMs: 0, batchSize: 1_000 };
  const imports = [SnowplowModule.forRoot({ endpoint, emitter, logger: false })];
  Module({ controllers: [Routes], providers: [Basket, Ending], imports })(App);
  const platform = require(`@nestjs/platform-${adapter}`) as Record<string, new () => never>;
  const [made] = Object.entries(platform).flatMap(([name, Adapter]) =>
    /^(Express|Fastify)Adapter$/.test(name) ? [new Adapter()] : [],
  );
  const app: INestApplication = await NestFactory.create(App, made as never, { logger: false });
  if (hooks) app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  app.getHttpServer().keepAliveTimeout = 500;
  process.on('exit', () => note('exit event'));
  Object.assign(inside, { app, server: app.getHttpServer() as never, tracker: app.get(TrackerService).app });
}

/** A controller that says of itself who may enter, decorated by the package above and below; a guard reads what it says. */
async function guarded(inside: Inside, { endpoint, adapter, place }: Guarded): Promise<void> {
  const { require, note } = inside;
  require('reflect-metadata');
  const { Controller, Get, Module, SetMetadata } = require('@nestjs/common') as typeof import('@nestjs/common');
  const { NestFactory, Reflector } = require('@nestjs/core') as typeof import('@nestjs/core');
  const { SnowplowModule, TrackStructEvent } =
    require('snowplow-middleware/nest') as typeof import('../../../../src/nest');
  class Stock {}
  class Office {
    secret(): string {
      return 'secret';
    }
  }
  const role = SetMetadata('role', 'nobody');
  const ours = TrackStructEvent({ category: 'office', action: 'asked', on: 'always' });
  Get('secret')(Office.prototype, 'secret', Object.getOwnPropertyDescriptor(Office.prototype, 'secret') as never);
  Reflect.defineMetadata('design:paramtypes', [Stock], Office);
  for (const decorate of place === 'above' ? [role, Controller(), ours] : [ours, Controller(), role]) decorate(Office);

  class App {}
  const imports = [SnowplowModule.forRoot({ endpoint, emitter: { batchSize: 1 }, logger: false })];
  Module({ controllers: [Office], providers: [Stock], imports })(App);
  const platform = require(`@nestjs/platform-${adapter}`) as Record<string, new () => never>;
  const [made] = Object.entries(platform).flatMap(([name, Adapter]) =>
    /^(Express|Fastify)Adapter$/.test(name) ? [new Adapter()] : [],
  );
  const app: INestApplication = await NestFactory.create(App, made as never, { logger: false });
  const reflector = new Reflector();
  app.useGlobalGuards({
    canActivate(context) {
      note('asked', context.getClass().name);
      return reflector.get<string | undefined>('role', context.getClass()) === undefined;
    },
  });
  await app.listen(0, '127.0.0.1');
  Object.assign(inside, { app, server: app.getHttpServer() as never });
}

interface Guarded {
  readonly endpoint: string;
  readonly adapter: string;
  readonly place: string;
}

const started = async (stage: Stage, adapter: string, hooks: boolean) => {
  const collector = await stage.collector();
  const app = await stage.app({ args: { endpoint: collector.url, adapter, hooks }, setup: shop });
  const visit = async (visitor: number, ms: number): Promise<number> => {
    const answer = await fetch(`${app.url}/add?visitor=${visitor}&ms=${ms}`);
    await answer.text();
    return answer.status;
  };
  /** Which events arrived, by what each says of itself. */
  const labels = (): Set<string | undefined> =>
    new Set(collector.requests.flatMap(({ events }) => events).map(({ se_la }) => se_la));
  return { collector, app, visit, labels };
};

export const nest: Scenario[] = ['express', 'fastify'].flatMap((adapter) => [
  scenario(
    44,
    `nest on ${adapter}: a signal sends what providers of a request, requests in flight and hooks have tracked, and needs no exit event`,
    { small: { requests: 50 }, full: { requests: 2_000 } },
    async (stage, { requests }) => {
      const { collector, app, visit, labels } = await started(stage, adapter, true);
      await Promise.all(Array.from({ length: requests }, (_, visitor) => visit(visitor, 10 * stage.random())));
      const inFlight = visit(requests, 400);
      await until('it is there', () =>
        stage.journal().notes.some(([kind, visitor]) => kind === 'begun' && visitor === String(requests)),
      );
      app.signal('SIGTERM');
      must('the request in flight is answered', (await inFlight) === 200, app.output);
      const { signal } = await app.end();
      must('it ends by the signal', signal === 'SIGTERM', app.output);
      const exitEvents = stage.journal().notes.filter(([kind]) => kind === 'exit event').length;
      const figures = { ...stage.verdict(), exitEvents };
      const foreign = collector.requests
        .flatMap(({ events }) => events)
        .filter(({ uid, se_la = '' }) => uid !== (/^\d+$/.test(se_la) ? se_la : undefined));
      must('no exit event came to help', exitEvents === 0, figures);
      must('each event is its own visitor’s', foreign.length === 0, foreign);
      must('all requests are there', figures.accepted >= requests + 1 + 2, figures);
      must(
        'so are the hooks before the server closed',
        ['onModuleDestroy', 'beforeApplicationShutdown'].every((hook) => labels().has(hook)),
        [...labels()],
      );
      must('nothing is repeated or lost', figures.duplicates + figures.dropped === 0, figures);
      return figures;
    },
  ),

  scenario(
    44,
    `nest on ${adapter}: without hooks for signals, close() called twice at once and once more sends all, once`,
    { small: { requests: 20 }, full: { requests: 1_000 } },
    async (stage, { requests }) => {
      const { app, visit, labels } = await started(stage, adapter, false);
      await Promise.all(Array.from({ length: requests }, (_, visitor) => visit(visitor, 0)));
      await app.run(async (inside) => {
        const { app: nestApp } = inside as unknown as { app: INestApplication };
        await Promise.all([nestApp.close(), nestApp.close()]);
        await nestApp.close();
      });
      const figures = stage.verdict();
      must('all requests are there', figures.received >= requests + 2, figures);
      must('so are the hooks before the server closed', labels().has('beforeApplicationShutdown'), [...labels()]);
      must('nothing is repeated or lost', figures.duplicates + figures.dropped === 0, figures);
      return { ...figures };
    },
  ),

  scenario(
    44,
    `nest on ${adapter}: a guard finds the roles that a controller has been given, above our decorators and below`,
    { small: {}, full: {} },
    async (stage) => {
      const collector = await stage.collector();
      for (const place of ['above', 'below']) {
        const app = await stage.app({ args: { endpoint: collector.url, adapter, place }, setup: guarded });
        const { status } = await fetch(`${app.url}/secret`, { headers: { connection: 'close' } });
        const asked = stage.journal().notes.filter(([kind]) => kind === 'asked');
        must(`the guard refuses with our decorator ${place}`, status === 403, { status, asked });
        must('it is asked about the class that the app has', asked.at(-1)?.[1] === 'Office', asked);
      }
      return {};
    },
  ),
]);
