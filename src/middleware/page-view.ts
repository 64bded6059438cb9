// The rule of `pageViews: true`: which requests are navigations to a page, and which responses are pages.
// Part of middleware.ts, which applies it when the response is done.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Reads a request's header. @param name In lower case. */
export type ReadHeader = (name: string) => string | undefined;

/** Whether a visitor navigated to a page: a GET that was answered with the page, or with 304 for a cached page. */
export function isPageView(raw: ServerResponse, header: ReadHeader): boolean {
  const { statusCode } = raw;
  if ((statusCode !== 200 && statusCode !== 304) || methodOf(raw) !== 'GET') return false;
  if (!isNavigation(header, statusCode === 200) || isUnseen(raw, header)) return false;
  return statusCode === 304 || HTML.test(contentType(raw));
}

const EARLY = ['sec-purpose', 'purpose', 'x-sec-purpose'];

/** Whether no person sees the response: a HEAD, or a prefetch. */
export const isUnseen = (raw: ServerResponse, header: ReadHeader): boolean =>
  methodOf(raw) === 'HEAD' || EARLY.some((name) => header(name));

const methodOf = (raw: ServerResponse): string | undefined => (raw.req as IncomingMessage | undefined)?.method;

const NAVIGATE = new Set(['navigate']);
// A navigation that a service worker forwards has no destination.
const WHOLE_PAGE = new Set(['document', 'empty']);
const ANYTHING = new Set(['*/*']);
// Headers of scripts that request HTML and insert it into the current page.
const BY_SCRIPT = ['hx-request', 'turbo-frame', 'x-turbo-request-id', 'x-requested-with'];

/** @param isSent Whether a body was sent. For a 304, only the request headers can show that it is a page. */
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

/** The values of a header, without their parameters. Other middleware may have set a value that is not text. */
const values = (header: unknown): string[] =>
  (typeof header === 'string' ? header : '')
    .toLowerCase()
    .split(',')
    .map((value) => (value.split(';', 1)[0] as string).trim())
    .filter((value) => value !== '');

const HTML = /^\s*text\/html\s*(?:;|$)/i;
const SENT_TYPE = /\r\ncontent-type:([^\r]*)/i;

// Node keeps the sent head as text, and only there are the headers that were passed to `writeHead`. HTTP/2 and Bun keep no such text,
// but there `getHeader` knows all headers.
function contentType(raw: ServerResponse): string {
  const head: unknown = Reflect.get(raw, '_header');
  if (typeof head === 'string' && head.startsWith('HTTP/')) return SENT_TYPE.exec(head)?.[1] ?? '';
  return String(raw.getHeader('content-type') ?? '');
}
