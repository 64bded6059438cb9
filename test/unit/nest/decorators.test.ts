// The decorators, on both adapters: each declared event exactly once, at the response's end, and an unchanged response.
import {
  type CallHandler, type CanActivate, Catch, type ArgumentsHost, type ExceptionFilter, Controller, type ExecutionContext,
  Get, Header, HttpException, Injectable, type NestInterceptor, Param, ParseIntPipe, Post, Sse, StreamableFile, UseGuards,
  UseInterceptors,
} from '@nestjs/common'; // prettier-ignore
import { APP_GUARD } from '@nestjs/core';
import { get } from 'node:http';
import { interval, map, type Observable, of } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { defineSchema } from '../../../src/core/protocol/define-schema';
import { currentTracker } from '../../../src/core/tracker/scope';
import * as ecommerce from '../../../src/ecommerce';
import {
  type NestRequest, type TrackContext, TrackerService, TrackEvent, TrackPageView, TrackScreenView, TrackSelfDescribingEvent,
  TrackStructEvent,
} from '../../../src/nest'; // prettier-ignore
import { ADAPTERS, type RunningNest, sendingTo, settling, startNest } from './app';

@Injectable()
class Refusing implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return !context.switchToHttp().getRequest<NestRequest>().url.startsWith('/refused/globally');
  }
}
@Injectable()
class Never implements CanActivate {
  canActivate = (): boolean => false;
}
@Injectable()
class FromCache implements NestInterceptor {
  intercept = (_context: ExecutionContext, _next: CallHandler): Observable<unknown> => of({ cached: true });
}
@Catch(RangeError)
class Odd implements ExceptionFilter {
  catch(_error: RangeError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: string): void } }>();
    response.status(409).send('odd');
  }
}

const struct = (action: string, on?: 'success' | 'error' | 'always') => TrackStructEvent({ category: 'c', action, on });
const SCHEMA = 'iglu:com.acme/seen/jsonschema/1-0-0';

const seen = defineSchema<{ paid: boolean }>(SCHEMA);
interface Order {
  readonly paid: boolean;
  readonly order: ecommerce.Transaction;
}

@Controller()
class Shop {
  @Get('plain') @TrackPageView({ pageTitle: 'Plain' }) @struct('first') @struct('second') plain(): object {
    return { tea: 'assam' };
  }
  @Get('viewed') @TrackPageView({ pageTitle: 'Declared' }) viewed(): string {
    currentTracker()?.trackPageView({ pageTitle: 'Own' });
    return 'seen';
  } // prettier-ignore
  @Get('twice') @TrackPageView({ pageTitle: 'One' }) @TrackPageView({ pageTitle: 'Two' }) twice(): string {
    return 'seen';
  } // prettier-ignore
  @Get('teas/:id')
  @TrackScreenView({ name: ({ args }) => `tea ${typeof args[0]} ${String(args[0])}` })
  @TrackStructEvent(({ request, result }: TrackContext<NestRequest, { tea: string }>) => ({ category: request.method, action: result.tea }))
  @TrackSelfDescribingEvent({ event: ({ result }) => ({ schema: SCHEMA, data: result as object }), on: 'always' })
  one(@Param('id', ParseIntPipe) _id: number): Promise<object> {
    return Promise.resolve({ tea: 'sencha' });
  } // prettier-ignore
  @Get('orders/:paid')
  @TrackEvent(({ result, request }: TrackContext<NestRequest, Order>) => result.paid
    ? ecommerce.transaction({ ...result.order, context: [ecommerce.user({ id: String(request.headers['x-user'] ?? 7) })] })
    : undefined)
  @TrackEvent(({ result }: TrackContext<NestRequest, Order>) => seen({ paid: result.paid }))
  ordered(@Param('paid') paid: string): Order {
    return { paid: paid === 'paid', order: { transactionId: 'T', revenue: 9, currency: 'EUR', paymentMethod: 'card', totalQuantity: 1 } };
  } // prettier-ignore
  @Get('observable') @struct('observable') @TrackStructEvent({ category: 'c', action: ({ result }) => String(result) })
  observable(): Observable<string> {
    return of('oolong');
  } // prettier-ignore
  @Post('created') @struct('created') created(): string {
    return 'made';
  }
  @Get('thrown') @struct('never') @struct('failed', 'error') @struct('any', 'always') thrown(): never {
    throw new HttpException('teapot', 418);
  }
  @Get('filtered') @struct('filtered', 'error') filtered(): never {
    throw new RangeError('odd');
  }
  @Get('refused') @UseGuards(Never) @struct('never') @struct('failed', 'error') @struct('any', 'always') refused(): string {
    return 'unreachable';
  } // prettier-ignore
  @Get('refused/globally') @struct('never') @struct('any', 'always') globally(): string {
    return 'unreachable';
  } // prettier-ignore
  @Get('cached') @UseInterceptors(FromCache) @struct('cached') cached(): string {
    return 'unreachable';
  } // prettier-ignore
  @Get('file') @Header('content-type', 'text/plain') @struct('file') file(): StreamableFile {
    return new StreamableFile(Buffer.from('tea leaves'));
  } // prettier-ignore
  @Sse('ticks') @struct('ticks') ticks(): Observable<{ data: string }> {
    return interval(5).pipe(map((n) => ({ data: String(n) })));
  } // prettier-ignore
  @Get('broken')
  @TrackStructEvent({ category: () => { throw new Error('broken'); }, action: 'a' })
  @TrackStructEvent({ category: 'c', action: (() => Promise.reject(new Error('late'))) as never })
  @TrackStructEvent({ category: 'c', action: '' })
  @TrackEvent(() => { throw new Error('broken'); })
  @TrackEvent((() => Promise.reject(new Error('late'))) as never)
  @TrackEvent((() => 7) as never)
  @TrackEvent(() => ecommerce.transaction({} as never))
  @struct('sound')
  broken(): string {
    return 'fine';
  } // prettier-ignore
}

abstract class Listing {
  @Get('inherited') inherited(): string {
    return 'i';
  }
}
@Controller('whole')
@TrackPageView({ pageTitle: 'Whole' })
@TrackStructEvent({ category: 'class', action: ({ args }) => `args ${args.length}`, on: 'always' })
class Whole extends Listing {
  @Get('own') own(@Param() _params: object): string {
    return 'o';
  }
  @Get('titled') @TrackPageView({ pageTitle: 'Titled' }) titled(): string {
    return 't';
  }
  @Get('refused') @UseGuards(Never) refused(): string {
    return 'unreachable';
  }
}

/** The same routes without a tracker, for comparison: Nest itself sees to the difference. */
describe.each(ADAPTERS)('decorated handlers on %s', (_name, makeAdapter) => {
  let collector: Collector;
  let tracked: RunningNest;
  let plain: RunningNest;
  let settle: () => Promise<void>;

  beforeAll(async () => {
    collector = await startCollector();
    const metadata = { controllers: [Shop, Whole], providers: [{ provide: APP_GUARD, useClass: Refusing }] };
    const prepare = (app: RunningNest['app']): unknown => app.useGlobalFilters(new Odd());
    const ignore = (req: NestRequest): boolean => req.headers['x-ignored'] === '1';
    tracked = await startNest(makeAdapter, metadata, { ...sendingTo(collector), pageViews: true, ignore, logger: false, emitter: { logger: false } }, prepare); // prettier-ignore
    plain = await startNest(makeAdapter, metadata, undefined, prepare);
    settle = settling(tracked.app, tracked.app.get(TrackerService));
  });
  beforeEach(() => collector.reset());
  afterAll(async () => {
    await tracked.app.close();
    await plain.app.close();
    await collector.close();
  });

  const told = async (): Promise<unknown[]> => {
    await settle();
    return collector.good().map(({ payload, data }) => payload['se_ac'] ?? payload['page'] ?? data);
  };
  const answer = async (url: string, init?: RequestInit): Promise<object> => {
    const response = await fetch(url, init);
    const headers = Object.fromEntries(response.headers);
    delete headers['date'];
    return { status: response.status, headers, body: await response.text() };
  };

  it.each([
    ['/plain', 'GET', 200, ['Plain', 'first', 'second']],
    ['/plain', 'HEAD', 200, ['first', 'second']],
    ['/viewed', 'GET', 200, ['Own']],
    ['/twice', 'GET', 200, ['One']],
    ['/teas/7', 'GET', 200, [{ name: 'tea number 7' }, 'sencha', { tea: 'sencha' }]],
    ['/teas/none', 'GET', 400, []],
    ['/orders/paid', 'GET', 200, [{ type: 'transaction' }, { paid: true }]],
    ['/orders/open', 'GET', 200, [{ paid: false }]],
    ['/observable', 'GET', 200, ['observable', 'oolong']],
    ['/created', 'POST', 201, ['created']],
    ['/thrown', 'GET', 418, ['failed', 'any']],
    ['/filtered', 'GET', 409, ['filtered']],
    ['/refused', 'GET', 403, ['failed', 'any']],
    ['/refused/globally', 'GET', 403, ['any']],
    ['/cached', 'GET', 200, ['cached']],
    ['/file', 'GET', 200, ['file']],
    ['/broken', 'GET', 200, ['sound']],
    ['/whole/own', 'GET', 200, ['Whole', 'args 1']],
    ['/whole/titled', 'GET', 200, ['Titled', 'args 0']],
    ['/whole/inherited', 'GET', 200, ['Whole', 'args 0']],
    ['/whole/refused', 'GET', 403, ['args 0']],
    ['/nowhere', 'GET', 404, []],
  ] as const)('%s (%s, %i) tracks %j and answers as without a tracker', async (path, method, status, events) => {
    const [mine, theirs] = await Promise.all([answer(tracked.url + path, { method }), answer(plain.url + path, { method })]); // prettier-ignore
    expect(mine).toEqual(theirs);
    expect(mine).toMatchObject({ status });
    // Every page of text/html would be a page view of its own, had no decorator given one.
    const declared = (await told()).filter((event) => event !== undefined);
    expect(declared).toEqual(events);
    collector.assertAllGood();
  });

  it('tracks a stream of events once, when the visitor leaves it', async () => {
    await new Promise<void>((resolve, reject) => {
      const client = get(`${tracked.url}/ticks`, (response) => {
        expect(response.headers['content-type']).toContain('text/event-stream');
        let chunks = 0;
        response.on('data', () => {
          if (++chunks < 3) return;
          client.destroy();
          resolve();
        });
        response.on('error', () => {});
      });
      client.on('error', reject);
    });
    expect(await told()).toEqual(['ticks']);
  });

  it('tracks no declared event of an ignored request, and none twice under load', async () => {
    await fetch(`${tracked.url}/plain`, { headers: { 'x-ignored': '1' } });
    expect(await told()).toEqual([]);
    await Promise.all(Array.from({ length: 100 }, () => fetch(`${tracked.url}/plain`)));
    const events = await told();
    expect(events).toHaveLength(300);
    expect(events.filter((event) => event === 'first')).toHaveLength(100);
  });

  it.each([
    ['purpose', 'prefetch'],
    ['sec-purpose', 'prefetch;prerender'],
    ['x-sec-purpose', 'prefetch'],
  ])('tracks no declared page view of what is fetched early (%s: %s), and the other events', async (name, value) => {
    await fetch(`${tracked.url}/plain`, { headers: { [name]: value } });
    expect(await told()).toEqual(['first', 'second']);
  });

  it("puts the visitor's page and the time of arrival on a declared page view", async () => {
    const before = Date.now();
    await fetch(`${tracked.url}/plain?size=2`, { headers: { 'user-agent': 'Mozilla/5.0' } });
    await settle();
    const [view] = await collector.waitFor({ e: 'pv' });
    expect(view?.payload).toMatchObject({ url: `${tracked.url}/plain?size=2`, ua: 'Mozilla/5.0', ip: '127.0.0.1' });
    expect(Number(view?.payload['dtm'])).toBeGreaterThanOrEqual(before);
  });
});
