// Handlers that are not HTTP routes: resolvers and messages, called through Nest's own machinery.
import { type CanActivate, Inject, Injectable, Module, UseGuards } from '@nestjs/common';
import { type AbstractHttpAdapter, ExternalContextCreator, NestFactory } from '@nestjs/core';
import { of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { currentTracker } from '../../../src/core/tracker/scope';
import { Subject } from '../../../src/core/protocol/subject';
import { SnowplowModule, TrackerService, TrackStructEvent } from '../../../src/nest';
import { ADAPTERS, type RunningNest, sendingTo, startNest } from './app';

// Metadata of any kind: what marks a method as Nest's to call.
const Handles = (): MethodDecorator => (_target, _key, descriptor: PropertyDescriptor) =>
  Reflect.defineMetadata('pattern', 'paid', descriptor.value as object);

const nobody: CanActivate = { canActivate: () => false };

@Injectable()
class Answers {
  constructor(@Inject(TrackerService) private readonly tracker: TrackerService) {}
  @Handles() teas(): string {
    this.tracker.trackStructEvent({ category: 'resolver', action: 'by hand' });
    return 'assam';
  }
  @Handles()
  @TrackStructEvent({ category: 'resolver', action: ({ args, result }) => `${String(args[0])} ${String(result)}` })
  @TrackStructEvent({ category: 'resolver', action: 'failed', on: 'error' })
  declared(size: string): unknown {
    if (size === 'none') throw new Error('no such size');
    return of(`tea ${size}`);
  }
  @Handles()
  @UseGuards(nobody)
  @TrackStructEvent({ category: 'resolver', action: 'never' })
  @TrackStructEvent({ category: 'resolver', action: 'refused', on: 'error' })
  refused(): string {
    return 'unreachable';
  }
  @Handles()
  @TrackStructEvent({ category: 'message', action: ({ request, result }) => `${JSON.stringify(request)} ${String(result)}` })
  paid(data: { userId: string }): unknown {
    return this.tracker.runWith(new Subject().setUserId(data.userId), () => {
      this.tracker.trackStructEvent({ category: 'message', action: 'by hand' });
      return Promise.resolve('done');
    });
  } // prettier-ignore
}

/** A handler as Nest's transports call it: guards, interceptors and all. */
const through = (app: { get(token: typeof ExternalContextCreator): ExternalContextCreator }, instance: Answers, name: keyof Answers, type: string) =>
  app.get(ExternalContextCreator).create(instance, instance[name] as never, name, undefined, undefined, undefined, undefined, undefined, type) as (...args: unknown[]) => Promise<unknown>; // prettier-ignore

describe.each(ADAPTERS)('a GraphQL operation on %s', (_name, makeAdapter) => {
  let collector: Collector;
  let running: RunningNest;
  beforeEach(async () => {
    collector = await startCollector();
    const options = { ...sendingTo(collector), emitter: { batchSize: 100 } };
    running = await startNest(makeAdapter, { providers: [Answers] }, options, (app) => {
      const answers = app.get(Answers);
      const teas = through(app, answers, 'teas', 'graphql');
      const declared = through(app, answers, 'declared', 'graphql');
      const refused = through(app, answers, 'refused', 'graphql');
      const http = app.getHttpAdapter() as AbstractHttpAdapter;
      // What a GraphQL server does with one request: many resolvers, at once, one answer.
      http.post('/graphql', async (_req: unknown, res: unknown) => {
        await Promise.allSettled([teas(), teas(), declared('small'), declared('large'), declared('none'), refused()]);
        return http.reply(res, { data: {} }, 200);
      });
    });
  });
  afterEach(() => collector.close());

  it("has the request's tracker in its resolvers, and one declared event a resolver at its end", async () => {
    const response = await fetch(`${running.url}/graphql`, {
      method: 'POST',
      headers: { 'user-agent': 'Mozilla/5.0' },
    });
    expect(response.status).toBe(200);
    await running.app.close();
    const events = collector.good().map(({ payload }) => payload);
    expect(events.map(({ se_ac }) => se_ac)).toEqual(['by hand', 'by hand', 'failed', 'refused']);
    for (const { ua, ip } of events) expect([ua, ip]).toEqual(['Mozilla/5.0', '127.0.0.1']);
  });
});

describe('a message handler', () => {
  it('tracks what it declares when it is done, and for a subject inside runWith', async () => {
    const collector = await startCollector();
    @Module({ imports: [SnowplowModule.forRoot(sendingTo(collector))], providers: [Answers] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const paid = through(app, app.get(Answers), 'paid', 'rpc');
    expect(await paid({ userId: 'u-17' })).toBe('done');
    expect(currentTracker()).toBeUndefined();
    await app.close();
    expect(collector.good().map(({ payload }) => [payload['se_ac'], payload['uid']])).toEqual([
      ['by hand', 'u-17'],
      ['{"userId":"u-17"} done', undefined],
    ]);
    await collector.close();
  });
});
