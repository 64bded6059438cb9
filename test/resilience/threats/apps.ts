// One small app on each framework: the middleware, and a handler that tracks. For tests of what leaves the app.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import type { RequestTracker } from '../../../src/core/tracker/tracker';
import { snowplow as forExpress } from '../../../src/express';
import { snowplow as forFastify } from '../../../src/fastify';
import { snowplow as forKoa } from '../../../src/koa';

export interface App {
  readonly server: Server;
  readonly url: string;
  close(): Promise<void>;
}

/** Starts an app whose one handler answers every path; `options` are those of the middleware, which all share. */
export type Framework = (options: object, handle: (tracker: RequestTracker) => void) => Promise<App>;

async function listen(server: Server): Promise<App> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { server, url, close };
}

export const frameworks: readonly (readonly [name: string, start: Framework])[] = [
  [
    'Express',
    (options, handle) => {
      const app = express().set('trust proxy', true);
      app.use(forExpress(options as never));
      app.use((req, res) => {
        handle(req.tracker);
        res.type('html').send('ok');
      });
      return listen(createServer(app));
    },
  ],
  [
    'Koa',
    (options, handle) => {
      const app = new Koa({ proxy: true });
      app.use(forKoa(options as never));
      app.use((ctx) => {
        handle(ctx.tracker);
        ctx.type = 'html';
        ctx.body = 'ok';
      });
      return listen(createServer(app.callback()));
    },
  ],
  [
    'Fastify',
    async (options, handle) => {
      const app = fastify({ trustProxy: true });
      await app.register(forFastify, options as never);
      app.get('/*', (request, reply) => {
        handle(request.tracker);
        return reply.type('text/html').send('ok');
      });
      const url = await app.listen({ port: 0, host: '127.0.0.1' });
      return { server: app.server, url, close: () => app.close() };
    },
  ],
];
