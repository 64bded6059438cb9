// The entry point `snowplow-middleware/koa`: middleware for Koa 2 and 3.
// Layer 4: may import middleware/, create-tracker and core. Next: middleware/middleware.ts, which does the work.
import type { Context, Middleware as KoaMiddleware, Response } from 'koa';
import type { RequestTracker } from '../core/tracker/tracker';
import { matchedRoute } from '../middleware/matched-route';
import { factsOf, type Framework, Middleware } from '../middleware/middleware';
import { type MiddlewareOptions, resolveMiddleware } from '../middleware/options';

declare module 'koa' {
  interface ExtendableContext {
    /** Tracks for the visitor of this request. */
    tracker: RequestTracker;
  }
}

/** The hooks receive Koa's context; `pageViews` also receives its response. */
export type KoaOptions = MiddlewareOptions<Context, Response>;

// Koa itself has no routes; this is where its router stores the pattern. While an app that is mounted in another one runs, its path
// lacks the mount path.
const route = matchedRoute<Context, unknown>('_matchedRoute', (ctx, pattern) => mountPathOf(ctx) + String(pattern));

const koa: Framework<Context> = {
  facts: (ctx) => factsOf(ctx, ctx.host || undefined),
  header: (ctx, name) => ctx.get(name) || undefined,
  watchRoute: route.watch,
  route: route.pattern,
};

/**
 * Middleware that gives every request a `ctx.tracker`, whose events carry the visitor's address, user agent, browser ids and
 * page. Mount it before the middleware that tracks.
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
  // The inner app's root, requested without a slash.
  const innermost: unknown = ctx['mountPath'];
  return path === '/' && typeof innermost === 'string' && whole.endsWith(innermost) ? whole : '';
}
