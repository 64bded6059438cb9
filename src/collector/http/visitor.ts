// The visitor of a request, as the pipeline sees it: address, network user id, and the `sp` cookie that carries it.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface Visitor {
  readonly anonymous: boolean;
  readonly ip: string;
  readonly networkUserId: string;
  /** The `Set-Cookie` of the answer, if it has one. */
  readonly setCookie: string | undefined;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const YEAR_MS = 365 * 24 * 60 * 60 * 1_000;
/** The headers that are removed from an anonymous request before it is stored. */
export const IDENTIFYING_HEADERS: readonly string[] = ['x-forwarded-for', 'x-real-ip', 'cookie'];

/** Reads the visitor of a request in the collector's order: SP-Anonymous, `?nuid=`, the `sp` cookie, a fresh id. */
export function visitorOf({ headers, socket }: IncomingMessage, query: URLSearchParams, now: Date): Visitor {
  const cookie = /(?:^|;\s*)sp=([^;]*)/.exec(headers.cookie ?? '')?.[1];
  if (headers['sp-anonymous'] !== undefined)
    return {
      anonymous: true,
      ip: 'unknown',
      networkUserId: NIL_UUID,
      setCookie: cookie === undefined ? undefined : cookieOf('', new Date(0)),
    };
  const networkUserId = query.get('nuid') ?? cookie ?? randomUUID();
  return {
    anonymous: false,
    ip: forwardedFor(headers) ?? socket.remoteAddress ?? 'unknown',
    networkUserId,
    setCookie: cookieOf(networkUserId, new Date(now.getTime() + YEAR_MS)),
  };
}

function cookieOf(value: string, expires: Date): string {
  // The value may come from a request, so characters that could end the header are removed.
  const safe = value.replaceAll(/[^\w.-]/g, '');
  return `sp=${safe}; Expires=${expires.toUTCString()}; Path=/; Secure; HttpOnly; SameSite=None`;
}

// Enrich trusts the first address here; the development collector shows what Enrich would store.
function forwardedFor(headers: IncomingMessage['headers']): string | undefined {
  const first = String(headers['x-forwarded-for'] ?? '')
    .split(',', 1)[0]!
    .trim();
  if (first !== '') return first;
  return /for="?\[?([0-9a-f.:]+)/i.exec(headers.forwarded ?? '')?.[1];
}
