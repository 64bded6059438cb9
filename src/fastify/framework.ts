// How a request of Fastify 4 and 5 is read, and how the middleware is put into an instance.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestFacts } from '../core/request/request-fields';
import type { Framework, Middleware } from '../middleware/middleware';

export const fastify: Framework<FastifyRequest> = {
  facts,
  header: (request, name) => request.headers[name] as string | undefined,
  route: (request) => request.routeOptions.url,
  attach(request, tracker) {
    request.tracker ??= tracker;
    // Middleware in the style of Express, which Fastify runs through a plugin, is given Node's own request.
    (request.raw as { tracker?: unknown }).tracker ??= tracker;
  },
};

/** Gives every request of `instance` its tracker, before whatever else runs for it. */
export function mount(instance: FastifyInstance, middleware: Middleware<FastifyRequest, FastifyReply>): void {
  if (!instance.hasRequestDecorator('tracker')) instance.decorateRequest('tracker', null as never);
  instance.addHook('onRequest', (request, reply, done) =>
    middleware.enter(request, reply, reply.raw, request.server.server, done),
  );
}

function facts(request: FastifyRequest): RequestFacts {
  const { headers } = request;
  return {
    ip: request.ip,
    method: request.method,
    protocol: request.protocol,
    // Fastify 4 has no `host`; its `hostname` comes with the port.
    host: (request.host as string | undefined) ?? request.hostname,
    originalUrl: request.originalUrl,
    userAgent: headers['user-agent'],
    acceptLanguage: headers['accept-language'],
    cookie: headers.cookie,
    referrer: headers.referer,
    dnt: headers['dnt'] as string | undefined,
    gpc: headers['sec-gpc'] as string | undefined,
  };
}
