// The adapter contract on Koa 2 and 3.
import { createServer, type Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import Koa3, { type Context } from 'koa';
import Koa2 from 'koa2';
import { snowplow } from '../../../src/koa';
import { testAdapter } from '../../conformance/adapter';
import { SELF_SIGNED } from '../../support/self-signed';
import { type Adapter, type Call, FORWARDED } from '../../conformance/adapter-world';

const call = (ctx: Context): Call => ({
  tracker: ctx.tracker,
  query: ctx.URL.searchParams,
  raw: { req: ctx.req, res: ctx.res },
  send(status, body, headers = {}) {
    ctx.status = status;
    ctx.body = body;
    ctx.set(headers);
  },
  takeRaw() {
    ctx.respond = false;
    return ctx.res;
  },
});

const adapter = (Koa: typeof Koa3): Adapter => ({
  route: undefined,
  trusting: [{ proxy: true }, 'first'],
  http2: true,
  trust: [
    [undefined, '127.0.0.1'],
    [{ proxy: true }, FORWARDED.split(', ')[0] as string],
    [{ proxy: true, proxyIpHeader: 'x-real-ip' }, '7.7.7.7'],
    [{ proxy: true, maxIpsCount: 1 }, FORWARDED.split(', ')[2] as string],
  ],
  async start({ mounts, trust, http2, mountPath, handle, onError }) {
    const app = new Koa({ ...(trust as object) });
    app.silent = true;
    app.use(async (ctx, next) => {
      try {
        await next();
      } catch (error) {
        if (ctx.tracker) onError?.(call(ctx as Context), error);
        ctx.status = 418;
        ctx.body = String(error);
      }
    });
    // What koa-mount does.
    app.use((ctx, next) => {
      if (!ctx.path.startsWith(mountPath)) return;
      ctx.path = ctx.path.slice(mountPath.length);
      return next();
    });
    for (const options of mounts) app.use(snowplow(options));
    app.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/r/')) return next();
      if (ctx.method === 'POST') for await (const _chunk of ctx.req);
      await handle(call(ctx as Context));
    });
    const respond = app.callback();
    const server = http2
      ? (createSecureServer(SELF_SIGNED, (req, res) => void respond(req, res)) as unknown as Server)
      : createServer((req, res) => void respond(req, res));
    return { server, close: () => new Promise((resolve) => server.close(() => resolve())) };
  },
});

testAdapter('Koa 2', adapter(Koa2));
testAdapter('Koa 3', adapter(Koa3));
