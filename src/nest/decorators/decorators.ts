// The decorators: they only declare which events to track when the response is done.
import type { IncomingHttpHeaders } from 'node:http';
import { UseInterceptors } from '@nestjs/common';
import { ConfigError } from '../../core/errors';
import type { TrackerEvent } from '../../core/events/event';
import { buildGiven } from '../../core/events/given';
import { buildPageView, buildScreenView, type PageViewArgs, type ScreenViewArgs } from '../../core/events/page';
import { buildSelfDescribingEvent, type SelfDescribingEventArgs } from '../../core/events/self-describing';
import { buildStructEvent, type StructEventArgs } from '../../core/events/structured';
import type { SelfDescribing } from '../../core/protocol/self-describing-json';
import type { Builder } from '../../core/tracker/pipeline';
import { TrackingInterceptor } from './calls';
import { declare, declares, type Intent, type When } from './intents';

/** The properties of a request on the Express and the Fastify adapter. Use your own type if you know more. */
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

/** The argument of a decorator's functions, when the response is done. */
export interface TrackContext<Req = NestRequest, Result = unknown> {
  /** The framework's request: Express's or Fastify's. */
  readonly request: Req;
  /** The handler's arguments; empty if it was not reached. */
  readonly args: readonly unknown[];
  /** The handler's result, with promises and observables resolved; undefined if it was not reached or threw. */
  readonly result: Result;
}

/**
 * An event's fields, each a value or a function that returns it, and `on`; or one function that returns all fields, for a success.
 */
export type Tracked<Args, Req, Result> =
  | ({ [Field in keyof Args]: Args[Field] | ((context: TrackContext<Req, Result>) => Args[Field]) } & {
      /** When to track it: for a status below 400, for other statuses, or at any end of the request. @default 'success' */
      on?: When | undefined;
    })
  | ((context: TrackContext<Req, Result>) => Args);

type TrackDecorator = MethodDecorator & ClassDecorator;

/**
 * A page view when the response is done. On a controller, it applies to each handler that has none itself.
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

/**
 * Any event when a success was answered: what a builder or a function of `defineSchema` makes. Nothing is tracked when the
 * function gives undefined.
 *
 * @example
 * \@Post('orders')
 * \@TrackEvent(({ result }: TrackContext<Request, Order>) => ecommerce.transaction(asTransaction(result)))
 * order() {}
 */
export const TrackEvent = <Req = NestRequest, Result = unknown>(
  event: (context: TrackContext<Req, Result>) => TrackerEvent | SelfDescribing | undefined,
): TrackDecorator => tracking('TrackEvent', buildGiven, { event });

// Only writes metadata: others know the class and the method by their identity.
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
