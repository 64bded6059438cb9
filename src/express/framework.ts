// How a request of Express 4 and 5 is read, and how the middleware takes it.
import type { TLSSocket } from 'node:tls';
import type { Express, Request, RequestHandler, Response } from 'express';
import type { RequestFacts } from '../core/request/request-fields';
import { matchedRoute } from '../middleware/matched-route';
import { type Framework, type Middleware, propertyOf } from '../middleware/middleware';

const route = matchedRoute<Request, { path: unknown }>('route', (req, { path }) => req.baseUrl + String(path));

export const express: Framework<Request> = {
  facts,
  snapshot,
  header: (req, name) => req.headers[name] as string | undefined,
  watchRoute: route.watch,
  route: route.pattern,
};

/** The middleware as Express calls it. */
export function handler(middleware: Middleware<Request, Response>): RequestHandler {
  return (req, res, next) => {
    const { server } = (propertyOf(req, 'socket') ?? {}) as { server?: never };
    middleware.enter(req, res, res, server, next);
  };
}

/** @param source What the strings are read from. */
function facts(req: Request, source = facadeOf(req) ?? req): RequestFacts {
  const { headers } = source;
  const { host, 'x-forwarded-host': forwarded } = headers;
  // The framework's decision, but without the port.
  const name = source.hostname as string | undefined;
  return {
    ip: source.ip,
    method: source.method,
    protocol: source.protocol,
    host: forwarded ? withPort(name, trustedHost(source, String(forwarded)), host) : withPort(name, host),
    originalUrl: source.originalUrl,
    userAgent: headers['user-agent'],
    acceptLanguage: headers['accept-language'],
    cookie: headers.cookie,
    referrer: headers.referer,
    dnt: headers['dnt'] as string | undefined,
    gpc: headers['sec-gpc'] as string | undefined,
  };
}

function snapshot(req: Request): () => RequestFacts {
  const facade = facadeOf(req);
  const known = facade ? undefined : facts(req, req);
  // It must not name `req`, which it would hold on to.
  return () => known ?? facts(facade as Request, facade);
}

// Express decides these by getters of `express.request`, which has `fresh` too. An app may decide them for one request, or by
// getters of its own.
const DECIDED = ['ip', 'protocol', 'hostname'];

/**
 * A read-only facade of a request: it has what Express's getters look at, and nothing else. The getters are many times faster
 * on it, see {@link propertyOf}, and it can be kept when the request has ended. Undefined where the app has getters of its own.
 */
function facadeOf(req: Request): Request | undefined {
  let owner: object | null = req;
  for (; owner && !Object.hasOwn(owner, 'fresh'); owner = Object.getPrototypeOf(owner) as object | null)
    for (const name of DECIDED) if (Object.hasOwn(owner, name)) return undefined;
  if (owner === null) return undefined;
  const { remoteAddress, encrypted } = (propertyOf(req, 'socket') ?? {}) as TLSSocket;
  const facade = Object.create(Object.getPrototypeOf(req) as object) as Writable<Request>;
  facade.headers = propertyOf(req, 'headers');
  facade.method = propertyOf(req, 'method');
  facade.originalUrl = propertyOf(req, 'originalUrl');
  facade.socket = { remoteAddress, encrypted } as TLSSocket;
  return facade;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The first of the hosts in `X-Forwarded-Host`, where Express trusts who sent it. */
function trustedHost(req: Request, forwarded: string): string | undefined {
  const trusts = (req.app as Express | undefined)?.get('trust proxy fn') as TrustProxy | undefined;
  return trusts?.(req.socket.remoteAddress, 0) ? forwarded.split(',', 1)[0]?.trimEnd() : undefined;
}

type TrustProxy = (address: string | undefined, hop: number) => boolean;

/** A host as the header has it that a framework has taken its name from; a name that no header has is left as it is. */
export function withPort(name: string | undefined, ...headers: (string | undefined)[]): string | undefined {
  for (const header of headers)
    if (header !== undefined && (header === name || header.startsWith(`${name}:`))) return header;
  return name;
}
