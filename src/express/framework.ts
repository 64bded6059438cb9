// How a request of Express 4 and 5 is read.
import type { Request, Response } from 'express';
import type { RequestFacts } from '../core/request';
import type { Framework } from '../middleware';

export const express: Framework<Request, Response> = {
  facts,
  header: (req, name) => req.get(name),
  route: (req) => (req.route ? `${req.baseUrl}${String((req.route as { path: unknown }).path)}` : undefined),
  contentType: (res) => res.getHeader('content-type'),
};

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
  const name = req.hostname as string | undefined;
  return name !== undefined && host?.startsWith(`${name}:`) ? host : name;
}
