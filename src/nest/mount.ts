// Mounts the middleware in a Nest app, on the Express and the Fastify adapter.
import type { HttpServer } from '@nestjs/common';
import type { Request, RequestHandler, Response } from 'express';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestFacts } from '../core/request/request-fields';
import { express, handler, withPort } from '../express/framework';
import { fastify } from '../fastify/framework';
import { type Framework, Middleware } from '../middleware/middleware';
import { trackDeclared } from './decorators/calls';
import type { ResolvedModule } from './options';

/** The state of this package in one app, by the app's container, so that two apps in one process share nothing. */
interface Mounted {
  readonly names: Set<string | undefined>;
  /** The module whose tracker gets the decorators' events: the one without a name, else the first. */
  declaring: string | undefined;
  /** The middleware that the app applies itself. */
  readonly byHand: RequestHandler[];
}

/** A middleware as the module mounts it. */
export interface Mountable {
  readonly handle: RequestHandler;
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

/** @param name The module's name in `mounted`. */
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

// Nest passes Node's own request to a middleware, with Fastify's decisions on it, and runs the middleware before any hook that can be
// added here. So the middleware enters with Node's request, and the hook records to which of Fastify's requests it belongs.
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
  // The hooks receive Fastify's request and reply, which the app knows.
  const viewed = {
    ...throughView(options, view),
    hooks: throughView(hooks, view),
    privacy: throughView(privacy, view),
  };
  return mountable(new Middleware(framework, viewed, declared));
}

// Fastify's decisions before its hooks ran. Fastify 5 gives the host's name without the port, and uses the last host of a list.
function early(raw: Request): RequestFacts {
  const { host, ':authority': authority, 'x-forwarded-host': forwarded } = raw.headers;
  // It lists all addresses on the way only if it trusts a proxy.
  const trusted = (raw.ips as unknown) && typeof forwarded === 'string' ? forwarded.split(',').at(-1) : undefined;
  return {
    ...express.facts(raw),
    host: withPort(raw.hostname, trusted?.trim(), host, authority as string | undefined),
  };
}

/** The same options, with hooks that receive the views of their arguments. */
function throughView<Options extends object>(options: Options, view: (given: object) => object): Options {
  const viewed = Object.entries(options).map(([name, option]: [string, unknown]) =>
    typeof option === 'function' ? [name, (...args: object[]): unknown => option(...args.map(view))] : [name, option],
  );
  return Object.fromEntries(viewed) as Options;
}
