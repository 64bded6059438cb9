// The variants in which each framework's application is measured.

/**
 * `bare`: the application alone. `no-op`: a middleware that reads the fields that a tracker needs, and nothing else.
 * `idle`: ours, tracking nothing. `tracks`: ours, one page view with an entity. `official`: the same by the official tracker.
 */
export const VARIANTS = ['bare', 'no-op', 'idle', 'tracks', 'official'];

let read;

/** Reads what a tracker reads of a request, so that the no-op pays for the framework's getters too. */
export function readFields(req) {
  const { ip, method, protocol, hostname, originalUrl, headers } = req;
  read = [ip, method, protocol, hostname, originalUrl, headers['user-agent'], headers['accept-language']];
  read.push(headers.cookie, headers.referer, headers.dnt, headers['sec-gpc']);
}

/** Keeps the reading from being optimised away. */
export const lastRead = () => read;
