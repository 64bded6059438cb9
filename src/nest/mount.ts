// How the middleware gets into a Nest app, on the Express and on the Fastify adapter.
import type { HttpServer } from '@nestjs/common';
import type { Request, RequestHandler, Response } from 'express';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestFacts } from '../core/request/request-fields';
import { express, handler, withPort } from '../express/framework';
import { fastify } from '../fastify/framework';
import { type Framework, Middleware } from '../middleware/middleware';
import { trackDeclared } from './decorators/calls';
import type { ResolvedModule } from './options';

/** The middleware as an adapter's `use` takes it. */
export type Handler = RequestHandler;

/** What an app has of this package: kept by its container, so that two apps in one process have nothing in common. */
export interface Mounted {
  readonly names: Set<string | undefined>;
  /** The module whose tracker has the decorators' events: the one without a name, else the first. */
  declaring: string | undefined;
  /** The middleware that the app applies by itself. */
  readonly byHand: Handler[];
}

/** A middleware as the module mounts it. */
export interface Mountable {
  readonly handle: Handler;
  /** The app has ended. */
  end(): void;
}

const mountable = (middleware: Middleware<Request, Response>): Mountable => ({
  handle: handler(middleware),
  end: () => middleware.end(),
});

const apps = new WeakMap<object, Mounted>();

export function mountedIn(container: object): Mounted {
  let mounted = apps.get(container);
  if (!mounted) apps.set(container, (mounted = { names: new Set(), declaring: undefined, byHand: [] }));
  return mounted;
}

/** @param name The module's, by which it is known in `mounted`. */
export function makeHandler(
  adapter: HttpServer,
  options: ResolvedModule,
  mounted: Mounted,
  name: string | undefined,
): Mountable {
  if (adapter.getType() === 'fastify')
    return fastifyHandler(adapter.getInstance() as FastifyInstance, options, mounted, name);
  const declared = trackDeclared<Request>(mounted, name, options.tracker.log);
  return mountable(new Middleware<Request, Response>(express, options, declared));
}

// Nest gives a middleware Node's own request, with what Fastify decided about it, and runs it before any hook that can be
// added here. So the middleware enters with that one, and the hook tells whose it is.
function fastifyHandler(
  instance: FastifyInstance,
  options: ResolvedModule,
  mounted: Mounted,
  name: string | undefined,
): Mountable {
  const requests = new WeakMap<object, FastifyRequest>();
  const replies = new WeakMap<object, FastifyReply>();
  const view = (raw: object): object => requests.get(raw) ?? replies.get(raw) ?? raw;
  const framework: Framework<Request> = {
    facts: (raw) => {
      const request = requests.get(raw);
      return request ? fastify.facts(request) : early(raw);
    },
    header: express.header,
    route: (raw) => requests.get(raw)?.routeOptions.url,
  };
  if (!instance.hasRequestDecorator('tracker')) instance.decorateRequest('tracker', null as never);
  instance.addHook('onRequest', (request, reply, done) => {
    requests.set(request.raw, request);
    replies.set(reply.raw, reply);
    request.tracker = (request.raw as unknown as FastifyRequest).tracker;
    done();
  });
  const declared = trackDeclared<Request>(mounted, name, options.tracker.log, view);
  const { hooks, privacy } = options;
  // The hooks get Fastify's request and reply, which the app knows.
  const viewed = {
    ...throughView(options, view),
    hooks: throughView(hooks, view),
    privacy: throughView(privacy, view),
  };
  return mountable(new Middleware(framework, viewed, declared));
}

// What Fastify decided before its hooks ran: the host's name without the port, in its version 5. It takes the last of a list.
function early(raw: Request): RequestFacts {
  const { host, ':authority': authority, 'x-forwarded-host': forwarded } = raw.headers;
  // Only where it trusts a proxy it gives all addresses on the way.
  const trusted = (raw.ips as unknown) && typeof forwarded === 'string' ? forwarded.split(',').at(-1) : undefined;
  return {
    ...express.facts(raw),
    host: withPort(raw.hostname, trusted?.trim(), host, authority as string | undefined),
  };
}

/** The same options, in which each hook is given the views of its arguments. */
function throughView<Options extends object>(options: Options, view: (given: object) => object): Options {
  const viewed = Object.entries(options).map(([name, option]: [string, unknown]) =>
    typeof option === 'function' ? [name, (...args: object[]): unknown => option(...args.map(view))] : [name, option],
  );
  return Object.fromEntries(viewed) as Options;
}
