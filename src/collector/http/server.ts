// The collector's HTTP server: routes, limits, and a bounded close.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerPreflight, isCollectPath, splitTarget } from './collect';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

const CLOSE_MS = 250;

/** Routes tracker requests to `collect` and the rest to `other`. */
export function makeServer(collect: Handler, other: (path: string) => Handler | undefined): Server {
  const server = createServer(
    // The collector's own limit for headers, with a margin for a request line that is slightly too long.
    {
      maxHeaderSize: 65_536,
      headersTimeout: 10_000,
      requestTimeout: 25_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => {
      const [path] = splitTarget(request.url!);
      void Promise.resolve(route(path, request.method!, collect, other)(request, response)).catch(() => {
        // Usually the client has disconnected during its request.
        if (!response.headersSent) response.writeHead(500, { Connection: 'close' });
        response.end();
      });
    },
  );
  server.maxConnections = 64;
  return server;
}

function route(path: string, method: string, collect: Handler, other: (path: string) => Handler | undefined): Handler {
  const handler = other(path);
  if (handler) return handler;
  if (method === 'OPTIONS') return answerPreflight;
  if (path === '/health' || path === '/sink-health') return say(200, 'ok');
  if (path === '/robots.txt') return say(200, 'User-agent: *\nDisallow: /\n\nUser-agent: Googlebot\nDisallow: /');
  if (path === '/r/tp2') return say(404, 'redirects disabled');
  if (!isCollectPath(path, method)) return say(404, '404 not found');
  return ['GET', 'HEAD', 'POST'].includes(method) ? collect : say(405, '405 method not allowed');
}

/** A handler that answers with a text. */
export const say =
  (status: number, text: string): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8' }).end(text);
  };

/** Listens; resolves to the server's URL. @throws Error if the port is taken or the host is not on this machine. */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { address, port: bound, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
}

/** Stops listening, gives running requests a moment to finish, then ends every connection. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await closed;
  clearTimeout(deadline);
}
