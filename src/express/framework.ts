// How a request of Express 4 and 5 is read, and how the middleware takes it.
import type { TLSSocket } from 'node:tls';
import type { Request, RequestHandler, Response } from 'express';
import type { RequestFacts } from '../core/request';
import type { Framework, Middleware } from '../middleware';

export const express: Framework<Request, Response> = {
  facts,
  factsLater,
  header: (req, name) => req.headers[name] as string | undefined,
  route: (req) => (req.route ? `${req.baseUrl}${String((req.route as { path: unknown }).path)}` : undefined),
  contentType: (res) => res.getHeader('content-type'),
};

/** The middleware as Express calls it. */
export function handler(middleware: Middleware<Request, Response>): RequestHandler {
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

// What Express decides by its getters, and an app may have decided for one request.
const DECIDED = ['ip', 'protocol', 'hostname'];

const isDecided = (req: Request): boolean => DECIDED.some((name) => Object.hasOwn(req, name));

// Reading them takes longer than all else that a request costs which tracks nothing: they are asked of a stand-in, if ever.
function factsLater(req: Request): () => RequestFacts {
  // Functions made in one place share what they hold on to: `req` must not be named in these.
  if (isDecided(req)) {
    const read = facts(req);
    return () => read;
  }
  const shade = standIn(req);
  return () => facts(shade);
}

function standIn(req: Request): Request {
  const { headers, method, originalUrl, socket } = req;
  const { remoteAddress, encrypted } = socket as TLSSocket;
  const given = { headers, method, originalUrl, socket: { remoteAddress, encrypted } };
  return Object.assign(Object.create(Object.getPrototypeOf(req)) as Request, given);
}

// `req.hostname` is the framework's decision, but comes without the port: that is taken from the header it was read from.
function hostWithPort(req: Request): string | undefined {
  const { host } = req.headers;
  const name = req.hostname as string | undefined;
  return name !== undefined && host?.startsWith(`${name}:`) ? host : name;
}
