// The entry point `snowplow-middleware/koa`: middleware for Koa 2 and 3.
// Layer 4: may import middleware/, create-tracker and core. Next: middleware/middleware.ts, which does the work.
import type { Context, Middleware as KoaMiddleware, Response } from 'koa';
import type { RequestFacts } from '../core/request/request-fields';
import type { RequestTracker } from '../core/tracker/tracker';
import { matchedRoute } from '../middleware/matched-route';
import { type Framework, Middleware } from '../middleware/middleware';
import { type MiddlewareOptions, resolveMiddleware } from '../middleware/options';

declare module 'koa' {
  interface ExtendableContext {
    /** Tracks for the visitor of this request. */
    tracker: RequestTracker;
  }
}

/** The hooks get Koa's context, and `pageViews` its response beside it. */
export type KoaOptions = MiddlewareOptions<Context, Response>;

// Koa has no routes of its own; this is where its router leaves the pattern. The path of an app that is
// mounted in another lacks its mount path for as long as the inner one is at work.
const route = matchedRoute<Context, unknown>('_matchedRoute', (ctx, pattern) => mountPathOf(ctx) + String(pattern));

const koa: Framework<Context> = {
  facts,
  header: (ctx, name) => ctx.get(name) || undefined,
  watchRoute: route.watch,
  route: route.pattern,
};

/**
 * Tracks for each visitor: gives every request a `ctx.tracker` whose events carry the visitor's address, user agent,
 * browser ids and page. Mount it before the middleware that tracks.
 *
 * @throws ConfigError that names the option.
 * @example
 * app.use(snowplow({ endpoint: 'https://collector.acme.com', namespace: 'web', appId: 'shop', shutdown: { signals: ['SIGTERM'] } }));
 * app.use(async (ctx) => {
 *   ctx.tracker.trackScreenView({ name: 'Home' });
 *   ctx.body = 'ok';
 * });
 */
export function snowplow(options: KoaOptions): KoaMiddleware {
  const middleware = new Middleware(koa, resolveMiddleware('snowplow', options));
  return (given, next) => {
    const ctx = given as Context;
    const { server } = ctx.req.socket as { server?: never };
    return middleware.enter(ctx, ctx.response, ctx.res, server, next);
  };
}

function mountPathOf(ctx: Context): string {
  const { originalUrl, path } = ctx;
  const whole = originalUrl.replace(/^https?:\/\/[^/?]*/i, '').split('?', 1)[0] as string;
  if (whole.endsWith(path)) return whole.slice(0, whole.length - path.length);
  // The inner app's own root, asked for without a slash.
  const innermost: unknown = ctx['mountPath'];
  return path === '/' && typeof innermost === 'string' && whole.endsWith(innermost) ? whole : '';
}

function facts(ctx: Context): RequestFacts {
  const { headers } = ctx;
  return {
    ip: ctx.ip,
    method: ctx.method,
    protocol: ctx.protocol,
    host: ctx.host || undefined,
    originalUrl: ctx.originalUrl,
    userAgent: headers['user-agent'],
    acceptLanguage: headers['accept-language'],
    cookie: headers.cookie,
    referrer: headers.referer,
    dnt: headers['dnt'] as string | undefined,
    gpc: headers['sec-gpc'] as string | undefined,
  };
}
