// Reads a request of Express 4 and 5, and makes the middleware's handler.
import type { TLSSocket } from 'node:tls';
import type { Express, Request, RequestHandler, Response } from 'express';
import type { RequestFacts } from '../core/request/request-fields';
import { matchedRoute } from '../middleware/matched-route';
import { factsOf, type Framework, type Middleware, propertyOf } from '../middleware/middleware';

const route = matchedRoute<Request, { path: unknown }>('route', (req, { path }) => req.baseUrl + String(path));

export const express: Framework<Request> = {
  facts,
  snapshot,
  header: (req, name) => req.headers[name] as string | undefined,
  watchRoute: route.watch,
  route: route.pattern,
};

/** The handler that Express calls. */
export function handler(middleware: Middleware<Request, Response>): RequestHandler {
  return (req, res, next) => {
    const { server } = (propertyOf(req, 'socket') ?? {}) as { server?: never };
    middleware.enter(req, res, res, server, next);
  };
}

/** @param source The object to read the strings from. */
function facts(req: Request, source = facadeOf(req) ?? req): RequestFacts {
  const { host, 'x-forwarded-host': forwarded } = source.headers;
  // The framework's decision, but without the port.
  const name = source.hostname as string | undefined;
  if (!forwarded) return factsOf(source, withPort(name, host));
  return factsOf(source, withPort(name, trustedHost(source, String(forwarded)), host));
}

function snapshot(req: Request): () => RequestFacts {
  const facade = facadeOf(req);
  const known = facade ? undefined : facts(req, req);
  // The closure must not name `req`, which it would keep alive.
  return () => known ?? facts(facade as Request, facade);
}

// Express decides these with getters of `express.request`, which also has `fresh`. An app may override them with its own getters or
// for one request.
const DECIDED = ['ip', 'protocol', 'hostname'];

/**
 * A read-only facade of a request, with only the properties that Express's getters read. The getters are many times faster on it, see
 * {@link propertyOf}, and it can outlive the request. Undefined if the app has its own getters.
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

/** The first host in `X-Forwarded-Host`, if Express trusts its sender. */
function trustedHost(req: Request, forwarded: string): string | undefined {
  const trusts = (req.app as Express | undefined)?.get('trust proxy fn') as TrustProxy | undefined;
  return trusts?.(req.socket.remoteAddress, 0) ? forwarded.split(',', 1)[0]?.trimEnd() : undefined;
}

type TrustProxy = (address: string | undefined, hop: number) => boolean;

/** The host with its port, from the header that holds the framework's host name; only the name if no header has it. */
export function withPort(name: string | undefined, ...headers: (string | undefined)[]): string | undefined {
  for (const header of headers)
    if (header !== undefined && (header === name || header.startsWith(`${name}:`))) return header;
  return name;
}
