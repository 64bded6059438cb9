// One look-up of a host name at a time, for every connection of the process that waits for its address.
import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

const underWay = new Map<string, Promise<LookupAddress[]>>();

/**
 * `dns.lookup` for connections that take all addresses of a name. While the resolver hangs, each look-up occupies one of
 * the few threads that the app's own look-ups and files share: connections to one host wait for the same one. Its answer
 * is for those who wait, and is not kept.
 */
export const sharedLookup: LookupFunction = (hostname, options, tell) => {
  let found = underWay.get(hostname);
  if (!found) {
    found = new Promise((resolve, reject) =>
      lookup(hostname, { ...options, all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses))),
    );
    underWay.set(hostname, found);
    const end = (): void => void underWay.delete(hostname);
    found.then(end, end);
  }
  found.then(
    (addresses) => tell(null, addresses),
    (error: NodeJS.ErrnoException) => tell(error, []),
  );
};
