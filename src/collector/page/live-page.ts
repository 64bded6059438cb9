// The live page: its static files, and its stream of events.
import type { ServerResponse } from 'node:http';
import { nameOf } from '../expect/explain';
import { outcomeOf } from '../hints/finding';
import { type Handler, say } from '../http/server';
import type { CollectedEvent } from '../log/event';
import type { EventLog } from '../log/event-log';
import { PAGE_FILES } from './page-files';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};
const TICK_MS = 50;
const AT_ONCE = 200;

/** The handler for a path of the page; undefined for other paths. */
export function livePage(path: string, log: EventLog, closing: AbortSignal): Handler | undefined {
  if (path === '/events') return (_request, response) => stream(response, log, closing);
  const file = path === '/' ? 'index.html' : path.slice(1);
  const content = PAGE_FILES.get(file);
  if (content === undefined) return undefined;
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return say(405, '405 method not allowed')(request, response);
    response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[file.split('.')[1]!]! }).end(content);
  };
}

// Reads from the log at the client's pace: a slow client misses events that the log has removed, and costs no memory.
function stream(response: ServerResponse, log: EventLog, closing: AbortSignal): void {
  let sent = 0;
  let cleared = true;
  let timer: NodeJS.Timeout | undefined;

  const send = (): void => {
    timer = undefined;
    if (response.writableNeedDrain) return;
    const events = log.since(sent, AT_ONCE);
    if (events.length === 0 && !cleared) return;
    sent = events.at(-1)?.number ?? sent;
    const message = { cleared, totals: log.totals, events: events.map(viewOf) };
    cleared = false;
    response.write(`data: ${JSON.stringify(message)}\n\n`);
    if (events.length === AT_ONCE) sendSoon();
  };
  const sendSoon = (): void => {
    timer ??= setTimeout(send, TICK_MS);
  };
  const unsubscribe = log.subscribe(sendSoon, () => {
    cleared = true;
    sendSoon();
  });
  const end = (): void => {
    response.end();
  };
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
  response.on('drain', sendSoon);
  response.on('close', () => {
    clearTimeout(timer);
    unsubscribe();
    closing.removeEventListener('abort', end);
  });
  closing.addEventListener('abort', end);
  send();
}

/** An event as the page shows it. */
function viewOf(event: CollectedEvent): unknown {
  const { payload, request, lost } = event;
  const { aid = '', tna = '' } = lost[0] ?? payload;
  return {
    ...event,
    name: nameOf(event),
    verdict: outcomeOf(event),
    app: aid,
    tracker: tna,
    user: payload['uid'] ?? payload['duid'] ?? '',
    visitor: payload['duid'] ?? '',
    summary: summaryOf(event),
    request: { ...request, query: undefined, contentType: undefined },
  };
}

const SUMMARY_LENGTH = 300;

/** A summary of an event: the data of a self-describing event, category and action, a title, or a URL. */
export function summaryOf({ payload, schema, data }: CollectedEvent): string {
  const { url, page, se_ca, se_ac, se_la, se_va, tr_id, ti_sk } = payload;
  const structured = [se_ca, se_ac, se_la, se_va].filter(Boolean).join(' · ');
  const text = schema ? (JSON.stringify(data) ?? '') : structured || tr_id || ti_sk || page || url || '';
  return text.slice(0, SUMMARY_LENGTH);
}
