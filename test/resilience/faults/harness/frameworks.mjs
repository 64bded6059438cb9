// The frameworks that apps run on, behind one way to say what an app does: a scenario is the same on each of them.
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';

const queryOf = (url) => new URL(url, 'http://app').searchParams;
const ended = (server) => new Promise((resolve) => server.close(resolve));

// What a handler is called with. By the time that what it returns is settled, it has sent an answer or asked for the raw one.
const onExpress = (req, res) => ({
  tracker: req.tracker,
  query: queryOf(req.originalUrl),
  req,
  res,
  raw: () => res,
  send: (body, type = 'text/plain', status = 200) => void res.status(status).type(type).send(body),
});

const express =
  (name) =>
  async ({ require, middleware, routes, onError }) => {
    const app = require(name)().set('trust proxy', 'loopback');
    if (middleware) app.use(require('snowplow-middleware/express').snowplow(middleware));
    for (const [path, handle] of routes)
      app.all(path, (req, res, next) => void handle(onExpress(req, res))?.catch?.(next));
    if (onError) app.use((error, req, res, _next) => void onError(error, onExpress(req, res)));
    const server = createServer(app);
    return { server, close: () => ended(server) };
  };

const koa =
  (name) =>
  async ({ require, middleware, routes, onError, http2 }) => {
    const app = new (require(name))({ proxy: true, maxIpsCount: 1 });
    app.silent = true;
    const call = (ctx) => ({
      tracker: ctx.tracker,
      query: ctx.URL.searchParams,
      req: ctx.req,
      res: ctx.res,
      raw() {
        ctx.respond = false;
        ctx.res.statusCode = 200;
        return ctx.res;
      },
      send: (body, type = 'text/plain', status = 200) => void Object.assign(ctx, { status, type, body }),
    });
    if (onError) app.use((ctx, next) => next().catch((error) => onError(error, call(ctx))));
    if (middleware) app.use(require('snowplow-middleware/koa').snowplow(middleware));
    app.use((ctx) => routes.get(ctx.path)?.(call(ctx)));
    const server = (http2 ? createHttp2Server : createServer)(app.callback());
    return { server, close: () => ended(server) };
  };

const onFastify = (request, reply) => ({
  tracker: request.tracker,
  query: queryOf(request.originalUrl),
  req: request.raw,
  res: reply.raw,
  raw() {
    reply.hijack();
    return reply.raw;
  },
  send: (body, type = 'text/plain', status = 200) => void reply.code(status).type(type).send(body),
});
// Bodies are for the handlers to read, as they are on the other frameworks.
const leaveBodies = (app) => app.addContentTypeParser('*', (_request, _payload, done) => done(null));

async function fastify({ require, middleware, routes, onError, http2 = false }) {
  const app = require('fastify')({ trustProxy: 'loopback', http2 });
  leaveBodies(app);
  if (middleware) await app.register(require('snowplow-middleware/fastify').snowplow, middleware);
  if (onError) app.setErrorHandler((error, request, reply) => onError(error, onFastify(request, reply)));
  for (const [path, handle] of routes)
    app.all(path, async (request, reply) => {
      await handle(onFastify(request, reply));
      return reply;
    });
  await app.ready();
  return { server: app.server, close: () => app.close() };
}

const nest =
  (platform) =>
  async ({ require, middleware, routes, onError, http2 = false, hooks = false }) => {
    require('reflect-metadata');
    const { All, Catch, Controller, Module, Req, Res } = require('@nestjs/common');
    const { NestFactory } = require('@nestjs/core');
    const { SnowplowModule } = require('snowplow-middleware/nest');
    const call = platform === 'express' ? onExpress : onFastify;
    class Routes {}
    for (const [path, handle] of routes) {
      const method = { value: (req, res) => handle(call(req, res)), writable: true };
      Object.defineProperty(Routes.prototype, path, method);
      All(path)(Routes.prototype, path, method);
      Req()(Routes.prototype, path, 0);
      Res()(Routes.prototype, path, 1);
    }
    Controller()(Routes);
    class App {}
    Module({ controllers: [Routes], imports: middleware ? [SnowplowModule.forRoot(middleware)] : [] })(App);
    const { ExpressAdapter } = platform === 'express' ? require('@nestjs/platform-express') : {};
    const { FastifyAdapter } = platform === 'express' ? {} : require('@nestjs/platform-fastify');
    const adapter = ExpressAdapter ? new ExpressAdapter() : new FastifyAdapter({ trustProxy: 'loopback', http2 });
    if (ExpressAdapter) adapter.set('trust proxy', 'loopback');
    else leaveBodies(adapter.getInstance());
    const app = await NestFactory.create(App, adapter, { logger: false, abortOnError: false });
    if (onError) {
      class Failed {
        catch(error, host) {
          const http = host.switchToHttp();
          return onError(error, call(http.getRequest(), http.getResponse()));
        }
      }
      Catch()(Failed);
      app.useGlobalFilters(new Failed());
    }
    if (hooks) app.enableShutdownHooks();
    await app.init();
    if (FastifyAdapter) await adapter.getInstance().ready();
    return { server: app.getHttpServer(), close: () => app.close() };
  };

const frameworks = {
  express: express('express'),
  express4: express('express4'),
  koa: koa('koa'),
  fastify,
  nest: nest('express'),
  'nest on fastify': nest('fastify'),
};

/**
 * Makes an app: its server, which does not listen yet, and its own way to close.
 *
 * @param app `require`; the options of the `middleware`, none for an app without; `routes`, a Map of handlers by path;
 * `onError(error, call)`; `http2`; `hooks`, whether Nest listens for signals.
 */
export const makeApp = (framework, app) => frameworks[framework](app);
