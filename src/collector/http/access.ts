// Who may read or clear what the collector holds: programs of this machine, and pages of the collector itself.
import type { IncomingMessage } from 'node:http';
import { type Handler, say } from './server';

// What browsers say of their own bar, and of pages of the same scheme, host and port; programs say nothing.
const OWN_SITES: ReadonlySet<unknown> = new Set([undefined, 'none', 'same-origin']);
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Guards a handler. A foreign `Host` means that a name was pointed at this address (DNS rebinding); a foreign `Origin`
 * or site means that another page is asking, of another port of this machine too. Trackers' endpoints stay open to all:
 * that is their purpose.
 *
 * @param host The address the collector listens on, allowed as a name beside the loopback's.
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
  // A person may follow a link to the page; no other site may load, read or clear a thing.
  const followed = url === '/' && headers['sec-fetch-mode'] === 'navigate';
  return (
    (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) ||
    (!OWN_SITES.has(headers['sec-fetch-site']) && !followed)
  );
}
