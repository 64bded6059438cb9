// Requests that a guard or an interceptor of the app keeps from a handler: the handler's events, and its own class's, wherever
// the handler comes from.
import {
  type CanActivate, type CallHandler, Controller, type ExecutionContext, Get, Injectable, type NestInterceptor,
  NotFoundException, Param, Scope, UseGuards, UseInterceptors, VersioningType,
} from '@nestjs/common'; // prettier-ignore
import { APP_GUARD } from '@nestjs/core';
import { type Observable, of } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { type NestRequest, TrackerService, TrackStructEvent } from '../../../src/nest';
import { ADAPTERS, type RunningNest, sendingTo, settling, startNest } from './app';

const askedFor = (context: ExecutionContext, name: string): boolean =>
  context.switchToHttp().getRequest<NestRequest>().headers[name] === '1';

@Injectable()
class FirstGuard implements CanActivate {
  canActivate = (context: ExecutionContext): boolean => !askedFor(context, 'x-app-guard');
}
@Injectable()
class ClassGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (askedFor(context, 'x-hide')) throw new NotFoundException();
    return !askedFor(context, 'x-class-guard');
  }
}
@Injectable()
class Cache implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return askedFor(context, 'x-cached') ? of('cached') : next.handle();
  }
}
@Injectable({ scope: Scope.REQUEST })
class PerRequest {}

const struct = (action: string, on?: 'error' | 'always') => TrackStructEvent({ category: 'c', action, on });

abstract class Listing {
  @Get('all') all(): string {
    return 'all';
  }
  @Get('one/:id') one(@Param('id') id: string): string {
    return id;
  }
}
@UseGuards(ClassGuard)
@UseInterceptors(Cache)
@struct('teas', 'always')
@struct('refused teas', 'error')
@Controller('teas')
class Teas extends Listing {
  @Get('own/:id') @struct('own', 'always') own(@Param('id') id: string): string {
    return id;
  }
}
// The same handlers at the same paths: only the version tells whose they are.
@UseGuards(ClassGuard)
@struct('first', 'always')
@Controller({ path: 'cups', version: '1' })
class FirstCups extends Listing {}
@UseGuards(ClassGuard)
@struct('second', 'always')
@Controller({ path: 'cups', version: '2' })
class SecondCups extends FirstCups {
  constructor(readonly _perRequest: PerRequest) {
    super();
  }
}
Reflect.defineMetadata('design:paramtypes', [PerRequest], SecondCups);
@UseGuards(ClassGuard)
@Controller('plain')
class Plain extends Listing {}

describe.each(ADAPTERS)('a refusal on %s', (_name, makeAdapter) => {
  let collector: Collector;
  let running: RunningNest;
  let settle: () => Promise<void>;
  beforeAll(async () => {
    collector = await startCollector();
    const providers = [PerRequest, { provide: APP_GUARD, useClass: FirstGuard }];
    const controllers = [Teas, FirstCups, SecondCups, Plain];
    running = await startNest(makeAdapter, { controllers, providers }, sendingTo(collector), (app) =>
      app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
    );
    settle = settling(running.app, running.app.get(TrackerService));
  });
  beforeEach(() => collector.reset());
  afterAll(async () => {
    await running.app.close();
    await collector.close();
  });

  it.each([
    ['/teas/own/7', {}, 200, 'own,teas'],
    ['/teas/all', {}, 200, 'teas'],
    ['/teas/all', { 'x-cached': '1' }, 200, 'teas'],
    ['/teas/one/7', { 'x-cached': '1' }, 200, 'teas'],
    ['/teas/own/7', { 'x-app-guard': '1' }, 403, 'own,teas,refused teas'],
    ['/teas/all', { 'x-app-guard': '1' }, 403, 'teas,refused teas'],
    ['/teas/one/7', { 'x-app-guard': '1' }, 403, 'teas,refused teas'],
    ['/teas/all', { 'x-class-guard': '1' }, 403, 'teas,refused teas'],
    ['/teas/one/7', { 'x-hide': '1' }, 404, 'teas,refused teas'],
    ['/cups/all', { 'x-class-guard': '1', 'x-version': '1' }, 403, 'first'],
    ['/cups/all', { 'x-class-guard': '1', 'x-version': '2' }, 403, 'second,first'],
    ['/cups/one/7', { 'x-app-guard': '1', 'x-version': '2' }, 403, 'second,first'],
    ['/plain/one/7', { 'x-class-guard': '1' }, 403, ''],
    ['/teas/nowhere', { 'x-class-guard': '1' }, 404, ''],
  ] as const)('%s with %j (%i) gives %j', async (path, headers, status, actions) => {
    const response = await fetch(running.url + path, { headers });
    await response.text();
    await settle();
    expect([
      response.status,
      collector
        .good()
        .map(({ payload }) => payload['se_ac'])
        .join(),
    ]).toEqual([status, actions]);
    collector.assertAllGood();
  });
});
