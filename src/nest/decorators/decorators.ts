// The decorators: they only write down which events to track when the response is done.
import type { IncomingHttpHeaders } from 'node:http';
import { UseInterceptors } from '@nestjs/common';
import { ConfigError } from '../../core/errors';
import { buildPageView, buildScreenView, type PageViewArgs, type ScreenViewArgs } from '../../core/events/page';
import { buildSelfDescribingEvent, type SelfDescribingEventArgs } from '../../core/events/self-describing';
import { buildStructEvent, type StructEventArgs } from '../../core/events/structured';
import type { Builder } from '../../core/tracker/pipeline';
import { TrackingInterceptor } from './calls';
import { declare, declares, type Intent, type When } from './intents';

/** What a request has on the Express and on the Fastify adapter; name your own type where you know more. */
export interface NestRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl: string;
  readonly headers: IncomingHttpHeaders;
  readonly ip?: string | undefined;
  readonly params: unknown;
  readonly query: unknown;
  readonly body?: unknown;
  user?: unknown;
}

/** What a decorator's functions are given, when the response is done. */
export interface TrackContext<Req = NestRequest, Result = unknown> {
  /** The framework's request: Express's or Fastify's. */
  readonly request: Req;
  /** What the handler was called with; empty when it was not reached. */
  readonly args: readonly unknown[];
  /** What the handler gave, promises and observables resolved; undefined when it was not reached or threw. */
  readonly result: Result;
}

/**
 * An event's fields, each a value or a function that gives it, and `on`; or one function that gives all fields, for a
 * success.
 */
export type Tracked<Args, Req, Result> =
  | ({ [Field in keyof Args]: Args[Field] | ((context: TrackContext<Req, Result>) => Args[Field]) } & {
      /** Which answers it is for: below 400, the others, or any end of the request. @default 'success' */
      on?: When | undefined;
    })
  | ((context: TrackContext<Req, Result>) => Args);

type TrackDecorator = MethodDecorator & ClassDecorator;

/**
 * A page view when the response is done; on a controller, one for each of its handlers without one of its own.
 *
 * @example
 * \@Get('catalogue') @TrackPageView({ pageTitle: 'Catalogue' }) list() { return this.items; }
 */
export const TrackPageView = <Req = NestRequest, Result = unknown>(
  values: Tracked<PageViewArgs, Req, Result> = {},
): TrackDecorator => tracking('TrackPageView', buildPageView, values, true);

/**
 * A screen view when the response is done.
 *
 * @example
 * \@Get(':sku') @TrackScreenView({ name: ({ args }) => `tea ${String(args[0])}` }) one(@Param('sku') sku: string) {}
 */
export const TrackScreenView = <Req = NestRequest, Result = unknown>(
  values: Tracked<ScreenViewArgs, Req, Result>,
): TrackDecorator => tracking('TrackScreenView', buildScreenView, values, true);

/**
 * A structured event when the response is done.
 *
 * @example
 * \@Post('login') @TrackStructEvent({ category: 'account', action: 'login-failed', on: 'error' }) login() {}
 */
export const TrackStructEvent = <Req = NestRequest, Result = unknown>(
  values: Tracked<StructEventArgs, Req, Result>,
): TrackDecorator => tracking('TrackStructEvent', buildStructEvent, values);

/**
 * An event of your own schema when the response is done.
 *
 * @example
 * \@Post('orders')
 * \@TrackSelfDescribingEvent(({ result }: TrackContext<Request, Order>) => ({ event: { schema: ORDERED, data: { id: result.id } } }))
 * order() {}
 */
export const TrackSelfDescribingEvent = <Req = NestRequest, Result = unknown, T = unknown>(
  values: Tracked<SelfDescribingEventArgs<T>, Req, Result>,
): TrackDecorator => tracking('TrackSelfDescribingEvent', buildSelfDescribingEvent, values);

// Metadata is all that is written: the class and the method stay what others know them by.
function tracking<Args>(decorator: string, build: Builder<Args>, values: object, isView = false): TrackDecorator {
  const isPageView = decorator === 'TrackPageView';
  const intent: Intent = { decorator, build, values, isView, isPageView };
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const declaring: unknown = key === undefined ? target : descriptor?.value;
    if (typeof declaring !== 'function')
      throw new ConfigError(`@${decorator}`, 'on a method or a class, with experimentalDecorators');
    if (!declares(declaring)) UseInterceptors(TrackingInterceptor)(target, key as string, descriptor as never);
    declare(declaring, intent);
  };
}
