// The rule of `pageViews: true`: which requests are a visitor who goes to a page, and which answers are one.
// Part of middleware.ts, which asks when the response is done.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Reads a request's header. @param name In lower case. */
export type ReadHeader = (name: string) => string | undefined;

/** Whether a GET was answered with a page, or with 304 for one that the visitor has, and a visitor went there. */
export function isPageView(raw: ServerResponse, header: ReadHeader): boolean {
  const { statusCode } = raw;
  if ((statusCode !== 200 && statusCode !== 304) || methodOf(raw) !== 'GET') return false;
  if (!isNavigation(header, statusCode === 200) || isUnseen(raw, header)) return false;
  return statusCode === 304 || HTML.test(contentType(raw));
}

const EARLY = ['sec-purpose', 'purpose', 'x-sec-purpose'];

/** Whether nobody looks at what the request asked for: a HEAD, or a browser that fetches what may be wanted later. */
export const isUnseen = (raw: ServerResponse, header: ReadHeader): boolean =>
  methodOf(raw) === 'HEAD' || EARLY.some((name) => header(name));

const methodOf = (raw: ServerResponse): string | undefined => (raw.req as IncomingMessage | undefined)?.method;

const NAVIGATE = new Set(['navigate']);
// A service worker that passes a navigation on has no destination.
const WHOLE_PAGE = new Set(['document', 'empty']);
const ANYTHING = new Set(['*/*']);
// Scripts that ask for HTML and put it into the page that is there.
const BY_SCRIPT = ['hx-request', 'turbo-frame', 'x-turbo-request-id', 'x-requested-with'];

/** @param isSent Whether a body was sent: of a 304 nothing else says that it is a page. */
function isNavigation(header: ReadHeader, isSent: boolean): boolean {
  const mode = header('sec-fetch-mode');
  const destination = header('sec-fetch-dest');
  if (mode || destination) return isOnly(NAVIGATE, mode) && isOnly(WHOLE_PAGE, destination);
  if (BY_SCRIPT.some((name) => header(name))) return false;
  const accepted = values(header('accept'));
  if (accepted.includes('text/html')) return true;
  return isSent && accepted.every((type) => ANYTHING.has(type));
}

function isOnly(allowed: ReadonlySet<string>, header: string | undefined): boolean {
  const given = values(header);
  return given.length > 0 && given.every((value) => allowed.has(value));
}

/** The values of a header, without their parameters. Other middleware may have put something there that is not text. */
const values = (header: unknown): string[] =>
  (typeof header === 'string' ? header : '')
    .toLowerCase()
    .split(',')
    .map((value) => (value.split(';', 1)[0] as string).trim())
    .filter((value) => value !== '');

const HTML = /^\s*text\/html\s*(?:;|$)/i;
const SENT_TYPE = /\r\ncontent-type:([^\r]*)/i;

// Node keeps the head that it has sent as a text, which alone has the headers given to `writeHead`. HTTP/2 and Bun keep no such
// text: `getHeader` knows all headers there.
function contentType(raw: ServerResponse): string {
  const head: unknown = Reflect.get(raw, '_header');
  if (typeof head === 'string' && head.startsWith('HTTP/')) return SENT_TYPE.exec(head)?.[1] ?? '';
  return String(raw.getHeader('content-type') ?? '');
}
