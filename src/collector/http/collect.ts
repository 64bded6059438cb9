// The endpoint for trackers: receives a request, judges and stores its events, answers as the real collector does.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readTrackerRequest } from '../decode/tracker-payload';
import type { Failure } from '../hints/finding';
import { collectedEvent, type CollectedRequest, type Judgement, lostRequest } from '../log/event';
import type { EventLog } from '../log/event-log';
import type { Judge } from '../validate/verdict';
import { readBody } from './body';
import type { Faults } from './faults';
import { IDENTIFYING_HEADERS, type Visitor, visitorOf } from './visitor';

/** The largest accepted body; larger ones are answered with 413 and not stored. */
const MAX_BODY = 1024 * 1024;
// The real collector's limits of a request line and of all headers, in bytes.
const MAX_TARGET = 20_480;
const MAX_HEADERS = 40_960;
const GIF = Buffer.from('R0lGODlhAQABAPAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');

interface Collecting {
  readonly log: EventLog;
  readonly faults: Faults;
  readonly judge: Judge;
  /** Resolves after `ms`, or at once when the collector closes. */
  readonly pause: (ms: number) => Promise<void>;
}

/** Whether the collector accepts tracker requests at this path: `/i`, `/ice.png`, or any two segments. */
export function isCollectPath(path: string, method: string): boolean {
  if (path === '/i' || path === '/ice.png') return method !== 'POST';
  return /^\/[^/]+\/[^/]+$/.test(path) && path !== '/r/tp2';
}

/** Makes the handler of tracker requests. */
export function collecting({ log, faults, judge, pause }: Collecting) {
  let requests = 0;
  let events = 0;

  async function keep(request: CollectedRequest, read: ReturnType<typeof readTrackerRequest>): Promise<void> {
    const verdicts: Judgement[] = [];
    // One at a time, because their schemas are read from files.
    if (read.failures.length === 0) for (const payload of read.events) verdicts.push(await judge(payload, request));
    const failures = [...read.failures, ...sinking(request.method, verdicts)];
    if (failures.length > 0) log.add(lostRequest(++events, read.events, request, failures));
    else
      for (const [index, verdict] of verdicts.entries())
        log.add(collectedEvent(++events, read.events[index]!, request, verdict));
  }

  return async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const receivedAt = new Date();
    const method = incoming.method!;
    const [path, query] = splitTarget(incoming.url!);
    const visitor = visitorOf(incoming, new URLSearchParams(query), receivedAt);
    const body = await readBody(incoming, MAX_BODY);
    const contentType = incoming.headers['content-type'];
    const read = readTrackerRequest({
      method,
      path,
      query,
      contentType,
      body: body.text,
      networkUserId: visitor.networkUserId,
    });
    const refusal = refuse(incoming, body.bytes);
    const fault = refusal === undefined ? faults.next() : undefined;
    const request: CollectedRequest = {
      id: ++requests,
      method,
      path,
      query,
      headers: headersOf(incoming, visitor.anonymous),
      contentType,
      anonymous: visitor.anonymous,
      ip: visitor.ip,
      networkUserId: visitor.networkUserId,
      bytes: body.bytes,
      eventCount: read.events.length,
      answer: refusal ?? fault?.connection ?? fault?.status ?? 200,
      receivedAt,
    };
    log.addRequest(request);
    if (refusal === undefined && (!fault || fault.accept)) await keep(request, read);
    await pause(faults.delayMs);

    if (fault?.connection === 'hang') return;
    if (fault?.connection === 'reset') incoming.socket.resetAndDestroy();
    else answer(incoming, response, request.answer as number, { ...common(incoming, visitor), ...fault?.headers });
  };
}

/** Failures of one event that lose the whole request. */
const sinking = (method: string, verdicts: readonly Judgement[]): Failure[] =>
  verdicts.flatMap(({ errors }, index) =>
    errors
      .filter(({ scope }) => scope === 'payload')
      .map((failure) => ({ ...failure, field: `${method === 'POST' ? `data[${index}].` : ''}${failure.field}` })),
  );

/** Answers a CORS preflight as the collector does: with credentials, so with the origin itself instead of `*`. */
export function answerPreflight(incoming: IncomingMessage, response: ServerResponse): void {
  response
    .writeHead(200, {
      ...cors(incoming),
      'Access-Control-Allow-Headers': 'Content-Type, SP-Anonymous',
      'Access-Control-Max-Age': '3600',
      'Content-Length': '0',
    })
    .end();
}

const cors = ({ headers }: IncomingMessage): Record<string, string> => ({
  'Access-Control-Allow-Origin': headers.origin ?? '*',
  'Access-Control-Allow-Credentials': 'true',
});

const common = (incoming: IncomingMessage, { setCookie }: Visitor): Record<string, string> => ({
  ...cors(incoming),
  ...(setCookie && { 'Set-Cookie': setCookie }),
});

function refuse({ headers, rawHeaders, url }: IncomingMessage, bytes: number): number | undefined {
  if (url!.length > MAX_TARGET || rawHeaders.join().length > MAX_HEADERS) return 400;
  if (bytes > MAX_BODY) return 413;
  // The real collector does not decompress, and silently loses such a body. Here it is refused.
  return (headers['content-encoding'] ?? 'identity') === 'identity' ? undefined : 415;
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'The request line is longer than 20480 bytes, or the headers than 40960: send this event with POST.',
  413: 'The body is larger than 1 MiB: send fewer events per request.',
  415: 'The collector accepts no compressed bodies: leave Content-Encoding out.',
};

function answer(incoming: IncomingMessage, response: ServerResponse, status: number, headers: Record<string, string>) {
  const isPost = incoming.method === 'POST';
  if (status !== 200)
    response
      .writeHead(status, { ...headers, 'Content-Type': 'text/plain', ...(status === 413 && { Connection: 'close' }) })
      .end(REASONS[status] ?? '');
  else if (isPost) response.writeHead(200, { ...headers, 'Content-Type': 'text/plain; charset=UTF-8' }).end('ok');
  else
    response
      .writeHead(200, {
        ...headers,
        'Content-Type': 'image/gif',
        'Cache-Control': 'no-cache, no-store, must-revalidate',
        'Content-Length': GIF.length,
      })
      .end(incoming.method === 'HEAD' ? undefined : GIF);
}

/** Splits a request target into path and query. */
export function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

function headersOf({ headers }: IncomingMessage, anonymous: boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !anonymous || !IDENTIFYING_HEADERS.includes(name))
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}
