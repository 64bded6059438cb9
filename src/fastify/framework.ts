// Reads a request of Fastify 4 and 5, and mounts the middleware in an instance.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { factsOf, type Framework, type Middleware } from '../middleware/middleware';

export const fastify: Framework<FastifyRequest> = {
  // Fastify 4 has no `host`; its `hostname` includes the port.
  facts: (request) => factsOf(request, (request.host as string | undefined) ?? request.hostname),
  header: (request, name) => request.headers[name] as string | undefined,
  route: (request) => request.routeOptions.url,
  attach(request, tracker) {
    request.tracker ??= tracker;
    // Express-style middleware, which Fastify runs through a plugin, receives Node's own request.
    (request.raw as { tracker?: unknown }).tracker ??= tracker;
  },
};

/** Sets the tracker of every request of `instance`, before its other hooks run. */
export function mount(instance: FastifyInstance, middleware: Middleware<FastifyRequest, FastifyReply>): void {
  if (!instance.hasRequestDecorator('tracker')) instance.decorateRequest('tracker', null as never);
  instance.addHook('onRequest', (request, reply, done) =>
    middleware.enter(request, reply, reply.raw, request.server.server, done),
  );
}
