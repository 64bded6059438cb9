// The `/micro` endpoints, for tests written against Snowplow Micro.
import type { IncomingMessage } from 'node:http';
import { isJsonObject } from '../../core/contracts';
import { readBody } from '../http/body';
import { splitTarget } from '../http/collect';
import { type Handler, say } from '../http/server';
import type { EventLog } from '../log/event-log';
import { schemaKey, type SchemaSource } from '../schemas/iglu';
import { microBad, microGood } from './micro-shapes';

const MAX_FILTER = 64 * 1024;
const ENDPOINTS = `Endpoints:
GET, POST /micro/all    how many events there are
GET, POST /micro/good   good events, newest first; filters: event_type, schema, contexts, limit
GET, POST /micro/bad    bad events, newest first; filters: vendor, version, limit
GET, POST /micro/reset  forget all events
GET /micro/iglu/{vendor}/{name}/jsonschema/{version}`;

type Filter = Readonly<Record<string, unknown>>;
/** Returns the answer, to send as JSON. */
type Endpoint = (log: EventLog, filter: Filter) => unknown;

const ENDPOINT_OF: Readonly<Record<string, Endpoint>> = {
  '/micro/all': counts,
  '/micro/good': (log, { event_type, schema, contexts, limit }) =>
    newestFirst(
      log.good
        .map(microGood)
        .filter(
          (event) =>
            (event_type === undefined || event.eventType === event_type) &&
            (schema === undefined || event.schema === schema) &&
            asList(contexts).every((context) => event.contexts.includes(context as string)),
        ),
      limit,
    ),
  '/micro/bad': (log, { vendor, version, limit }) =>
    newestFirst(
      log.bad
        .map(microBad)
        .filter(
          ({ collectorPayload }) =>
            (vendor === undefined || collectorPayload?.api.vendor === vendor) &&
            (version === undefined || collectorPayload?.api.version === version),
        ),
      limit,
    ),
  '/micro/reset': (log) => {
    log.clear();
    return counts(log);
  },
};

/** Makes the handler for all paths under `/micro`. */
export function microApi(log: EventLog, schemas: SchemaSource | undefined): Handler {
  return async (request, response) => {
    const [path, query] = splitTarget(request.url!);
    if (!['GET', 'HEAD', 'POST'].includes(request.method!))
      return say(405, '405 method not allowed')(request, response);
    if (path.startsWith('/micro/iglu/')) {
      const key = schemaKey(path.slice('/micro/iglu/'.length));
      const schema = key && (await schemas?.find(key).catch(() => undefined));
      if (schema === undefined)
        return say(404, 'The given folders and registries have no such schema.')(request, response);
      return sendJson(schema);
    }
    const endpoint = Object.hasOwn(ENDPOINT_OF, path) ? ENDPOINT_OF[path]! : undefined;
    if (!endpoint) return say(404, ENDPOINTS)(request, response);
    const filter = await readFilter(request, query);
    if (!filter) return say(400, 'The filter must be a JSON object.')(request, response);
    return sendJson(JSON.stringify(endpoint(log, filter)));

    function sendJson(text: string): void {
      response.writeHead(200, { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }).end(text);
    }
  };
}

async function readFilter(request: IncomingMessage, query: string): Promise<Filter | undefined> {
  const parameters = new URLSearchParams(query);
  const filter: Filter = {
    ...Object.fromEntries(parameters),
    ...(parameters.has('contexts') && { contexts: parameters.getAll('contexts') }),
  };
  if (request.method !== 'POST') return filter;
  const { text } = await readBody(request, MAX_FILTER);
  if (text.trim() === '') return filter;
  try {
    const body: unknown = JSON.parse(text);
    return isJsonObject(body) ? { ...filter, ...body } : undefined;
  } catch {
    return undefined;
  }
}

function counts({ good, bad }: EventLog): { total: number; good: number; bad: number } {
  return { total: good.length + bad.length, good: good.length, bad: bad.length };
}

function newestFirst<Item>(events: readonly Item[], limit: unknown): Item[] {
  const most = limit === undefined ? Infinity : Number(limit);
  return events.toReversed().slice(0, Number.isNaN(most) ? undefined : most);
}

const asList = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];
