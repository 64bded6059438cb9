// The door `snowplow-middleware/express`: middleware for Express 4 and 5.
// Floor 3: may import the files at the root of src, and core. Next: middleware.ts, which does the work.
import type { Request, RequestHandler, Response } from 'express';
import type { RequestFacts } from '../core/request';
import type { RequestTracker } from '../core/tracker';
import { type Framework, Middleware } from '../middleware';
import type { MiddlewareOptions } from '../middleware-options';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how Express has its request extended
  namespace Express {
    interface Request {
      /** Tracks for the visitor of this request. */
      tracker: RequestTracker;
    }
  }
}

export type ExpressOptions = MiddlewareOptions<Request, Response>;

const framework: Framework<Request> = {
  name: 'snowplow',
  facts,
  header: (req, name) => req.get(name),
  route: (req) => (req.route ? `${req.baseUrl}${String((req.route as { path: unknown }).path)}` : undefined),
};

/**
 * Tracks for each visitor: gives every request a `req.tracker` whose events carry the visitor's address, user agent,
 * browser ids and page. Mount it before the routes that track.
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
  const middleware = new Middleware(framework, options);
  return (req, res, next) => {
    const entered = middleware.enter(req, res, res, (req.socket as { server?: never }).server);
    req.tracker ??= entered.tracker;
    entered.run(next);
  };
}

function facts(req: Request): RequestFacts {
  const { headers } = req;
  return {
    ip: req.ip,
    method: req.method,
    protocol: req.protocol,
    host: hostWithPort(req),
    originalUrl: req.originalUrl,
    userAgent: headers['user-agent'],
    acceptLanguage: headers['accept-language'],
    cookie: headers.cookie,
    referrer: headers.referer,
    dnt: headers['dnt'] as string | undefined,
    gpc: headers['sec-gpc'] as string | undefined,
  };
}

// `req.hostname` is the framework's decision, but comes without the port: that is taken from the header it was read from.
function hostWithPort(req: Request): string | undefined {
  const { host } = req.headers;
  const name = req.hostname;
  return host?.startsWith(name) ? host : name;
}
