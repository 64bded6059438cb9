// Access control: only programs on this machine and the collector's own pages may read or clear its events.
import type { IncomingMessage } from 'node:http';
import { type Handler, say } from './server';

// What browsers send for their address bar, and for pages of the same scheme, host and port. Programs send nothing.
const OWN_SITES: ReadonlySet<unknown> = new Set([undefined, 'none', 'same-origin']);
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Guards a handler. A foreign `Host` means that a name was pointed at this address (DNS rebinding). A foreign `Origin` or site means
 * that another page sends the request, perhaps from another port of this machine. The endpoints for trackers stay open to all.
 *
 * @param host The address on which the collector listens; allowed as a name, like those of the loopback.
 */
export function guarded(host: string, handler: Handler): Handler {
  const names = new Set([...LOOPBACK, host.includes(':') ? `[${host}]` : host]);
  return (request, response) => {
    if (!names.has(hostName(request))) return say(403, 'Open the collector as localhost.')(request, response);
    if (isForeign(request)) return say(403, 'Other sites may not use this endpoint.')(request, response);
    return handler(request, response);
  };
}

const hostName = ({ headers }: IncomingMessage): string => (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();

function isForeign({ headers, url }: IncomingMessage): boolean {
  // A person may follow a link to the page. No other site may load, read or clear anything.
  const followed = url === '/' && headers['sec-fetch-mode'] === 'navigate';
  return (
    (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) ||
    (!OWN_SITES.has(headers['sec-fetch-site']) && !followed)
  );
}
