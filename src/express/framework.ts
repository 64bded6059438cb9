// How a request of Express 4 and 5 is read, and how the middleware takes it.
import type { TLSSocket } from 'node:tls';
import type { Express, Request, RequestHandler, Response } from 'express';
import type { RequestFacts } from '../core/request/request-fields';
import { matchedRoute } from '../middleware/matched-route';
import { type Framework, type Middleware, peek } from '../middleware/middleware';

const route = matchedRoute<Request, { path: unknown }>('route', (req, { path }) => req.baseUrl + String(path));

export const express: Framework<Request> = {
  facts,
  factsLater,
  header: (req, name) => req.headers[name] as string | undefined,
  watchRoute: route.watch,
  route: route.pattern,
};

/** The middleware as Express calls it. */
export function handler(middleware: Middleware<Request, Response>): RequestHandler {
  return (req, res, next) => {
    const entered = middleware.enter(req, res, res, (peek(req, 'socket') as { server?: never } | undefined)?.server);
    if (!peek(req, 'tracker')) req.tracker = entered.tracker;
    entered.run(next);
  };
}

function facts(req: Request): RequestFacts {
  return read(isDecided(req) ? req : standIn(req));
}

function factsLater(req: Request): () => RequestFacts {
  // What is made here must not name `req`, which it would hold on to.
  const shade = isDecided(req) ? undefined : standIn(req);
  const known = shade ? undefined : read(req);
  return () => known ?? read(shade as Request);
}

function read(req: Request): RequestFacts {
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

// What Express decides by getters of `express.request`, which has `fresh` too; an app may decide it for one request, or by
// getters of its own.
const DECIDED = ['ip', 'protocol', 'hostname'];

function isDecided(req: Request): boolean {
  let owner: object | null = req;
  for (; owner && !Object.hasOwn(owner, 'fresh'); owner = Object.getPrototypeOf(owner) as object | null)
    for (const name of DECIDED) if (Object.hasOwn(owner, name)) return true;
  return owner === null;
}

/**
 * Has what Express's getters look at, and nothing else of the request: they are many times faster there, see {@link peek},
 * and it can be kept when the request has ended.
 */
function standIn(req: Request): Request {
  const { remoteAddress, encrypted } = (peek(req, 'socket') ?? {}) as TLSSocket;
  const shade = Object.create(Object.getPrototypeOf(req) as object) as Writable<Request>;
  shade.headers = peek(req, 'headers');
  shade.method = peek(req, 'method');
  shade.originalUrl = peek(req, 'originalUrl');
  shade.socket = { remoteAddress, encrypted } as TLSSocket;
  return shade;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

// `req.hostname` is the framework's decision, but comes without the port.
function hostWithPort(req: Request): string | undefined {
  const { host, 'x-forwarded-host': forwarded } = req.headers;
  const name = req.hostname as string | undefined;
  if (!forwarded) return withPort(name, host);
  const trusts = (req.app as Express | undefined)?.get('trust proxy fn') as TrustProxy | undefined;
  const trusted = trusts?.(req.socket.remoteAddress, 0) ? String(forwarded).split(',', 1)[0]?.trimEnd() : undefined;
  return withPort(name, trusted, host);
}

type TrustProxy = (address: string | undefined, hop: number) => boolean;

/** A host as the header has it that a framework has taken its name from; a name that no header has is left as it is. */
export const withPort = (name: string | undefined, ...headers: (string | undefined)[]): string | undefined =>
  headers.find((header) => header !== undefined && (header === name || header.startsWith(`${name}:`))) ?? name;
