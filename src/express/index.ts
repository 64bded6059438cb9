// The entry point `snowplow-middleware/express`: middleware for Express 4 and 5.
// Layer 4: may import middleware/, create-tracker and core. Next: framework.ts, then middleware/middleware.ts, which does the work.
import type { Request, RequestHandler, Response } from 'express';
import type { RequestTracker } from '../core/tracker/tracker';
import { Middleware } from '../middleware/middleware';
import { type MiddlewareOptions, resolveMiddleware } from '../middleware/options';
import { express, handler } from './framework';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Express's request
  namespace Express {
    interface Request {
      /** Tracks for the visitor of this request. */
      tracker: RequestTracker;
    }
  }
}

/** Options of {@link snowplow}. */
export type ExpressOptions = MiddlewareOptions<Request, Response>;

/**
 * Middleware that gives every request a `req.tracker`, whose events carry the visitor's address, user agent, browser ids and
 * page. Mount it before the routes that track.
 *
 * @throws ConfigError that names the option.
 * @example
 * app.use(snowplow({ endpoint: 'https://collector.acme.com', namespace: 'web', appId: 'shop', shutdown: { signals: ['SIGTERM', 'SIGINT'] } }));
 * app.get('/basket', (req, res) => {
 *   req.tracker.trackStructEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 });
 *   res.send('ok');
 * });
 */
export function snowplow(options: ExpressOptions): RequestHandler {
  return handler(new Middleware(express, resolveMiddleware('snowplow', options)));
}
