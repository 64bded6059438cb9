// One tracker request into the flat parameters of its events, or the reason why the pipeline loses all of them.
import { FIELDS } from './fields';
import { excerpt, type Failure, type FailureType } from './finding';
import { isUuid } from './field-rules';

export type Parameters = Readonly<Record<string, string>>;

/** What a tracker request says, before any event is looked at. */
export interface TrackerRequest {
  readonly method: string;
  /** Path without the query: `/i`, `/com.snowplowanalytics.snowplow/tp2`. */
  readonly path: string;
  /** Query without its `?`. */
  readonly query: string;
  readonly contentType: string | undefined;
  readonly body: string;
  /** The collector's id of the visitor, from `?nuid=`, the `sp` cookie or a fresh one. */
  readonly networkUserId: string;
}

export interface TrackerPayload {
  readonly events: readonly Parameters[];
  /** Failures that lose the whole request; `events` then holds what could be read, for show. */
  readonly failures: readonly Failure[];
}

const TP2 = '/com.snowplowanalytics.snowplow/tp2';
const PAYLOAD_DATA = /^iglu:com\.snowplowanalytics\.snowplow\/payload_data\/jsonschema\/1-0-[0-4]$/;
const CONTENT_TYPE = /^application\/json(; ?charset=utf-8)?$/i;
// What java.net.URI refuses in a query: malformed escapes, and characters that have to be escaped.
const ILLEGAL_QUERY = /%(?![0-9a-f]{2})|[\s"<>\\^`{|}]/i;
const REQUIRED = ['tv', 'p', 'e'];
const ENVELOPE =
  '{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[{"e":"pv","p":"srv","tv":"…"}]}';

/** Reads a request the way Enrich's Snowplow adapter does. Never throws. */
export function readTrackerRequest(request: TrackerRequest): TrackerPayload {
  const failures: Failure[] = [];
  if (!isUuid(request.networkUserId)) failures.push(notAUuid(request.networkUserId));
  if (ILLEGAL_QUERY.test(request.query)) failures.push(illegalQuery(request.query));
  else if (!isTrackerPath(request.path)) failures.push(unknownPath(request.path));
  if (failures.length > 0) return { events: [], failures };

  const query = parseQuery(request.query);
  if (request.method !== 'POST' || (request.body === '' && request.query !== ''))
    return request.query === '' ? { events: [], failures: [emptyRequest()] } : { events: [query], failures: [] };
  return readBody(request, query);
}

function isTrackerPath(path: string): boolean {
  return path === '/i' || path === '/ice.png' || path === TP2 || path === '/com.snowplowanalytics.snowplow/tp1';
}

/** Splits a query as the pipeline does: `+` is a space, a key without `=` is skipped, the last of a repeated key wins. */
function parseQuery(query: string): Parameters {
  const pairs = query.split('&').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[unescape(pair.slice(0, at)), unescape(pair.slice(at + 1))] as const];
  });
  return Object.fromEntries(pairs);
}

// Bytes that are no UTF-8 become replacement characters, as in Java; decodeURIComponent would throw.
const unescape = (text: string): string => new URLSearchParams(`x=${text}`).get('x')!;

function readBody({ body, contentType }: TrackerRequest, query: Parameters): TrackerPayload {
  const refuse = (failure: Failure): TrackerPayload => ({ events: [], failures: [failure] });
  if (body === '') return refuse(emptyRequest());
  if (!CONTENT_TYPE.test(contentType ?? '')) return refuse(wrongContentType(contentType));
  let envelope: unknown;
  try {
    envelope = JSON.parse(body);
  } catch (error) {
    return refuse(notJson(body, error));
  }
  const { schema, data } = (typeof envelope === 'object' && envelope !== null ? envelope : {}) as Partial<
    Record<string, unknown>
  >;
  if (typeof schema !== 'string' || !PAYLOAD_DATA.test(schema)) return refuse(wrongEnvelope(schema));
  if (!Array.isArray(data) || data.length === 0) return refuse(noEvents(data));
  const failures = data.flatMap((item: unknown, index) => checkItem(item, `data[${index}]`));
  const events = data.map((item: unknown) => ({ ...stringValues(item), ...query }));
  return { events, failures };
}

function checkItem(item: unknown, path: string): Failure[] {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return [
      protocol(
        path,
        'not-an-event',
        item,
        'is not an object',
        'Each item of data is one flat object of wire keys to strings.',
      ),
    ];
  const missing = REQUIRED.filter((key) => !Object.hasOwn(item, key)).map((key) =>
    protocol(
      `${path}.${key}`,
      'missing-key',
      '',
      'is missing',
      `Send ${key} with every event: tv, p and e are required.`,
    ),
  );
  const wrong = Object.entries(item).flatMap(([key, value]: [string, unknown]) => {
    if (!Object.hasOwn(FIELDS, key))
      return [
        protocol(
          `${path}.${key}`,
          'unknown-key',
          value,
          'is no key of the tracker protocol',
          'Put data of your own into a self-describing event or a context.',
        ),
      ];
    if (typeof value !== 'string')
      return [
        protocol(
          `${path}.${key}`,
          'not-a-string',
          value,
          `is ${article(value)}, and every value must be a string`,
          'Send String(value), or leave the key out when there is none.',
        ),
      ];
    return [];
  });
  return [...missing, ...wrong];
}

const stringValues = (item: unknown): Parameters =>
  Object.fromEntries(Object.entries(item ?? {}).filter(([, value]) => typeof value === 'string'));

function article(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function lost(type: FailureType, field: string, rule: string, value: unknown, problem: string, mend: string): Failure {
  return { scope: 'payload', type, field, rule, value: excerpt(value), problem, mend };
}

const protocol = (field: string, rule: string, value: unknown, problem: string, mend: string): Failure =>
  lost('tracker_protocol_violations', field, rule, value, problem, mend);

const emptyRequest = (): Failure =>
  protocol('body', 'empty-request', '', 'is empty, and so is the query', `POST ${ENVELOPE}.`);

const wrongContentType = (contentType: string | undefined): Failure =>
  protocol(
    'Content-Type',
    'wrong-content-type',
    contentType ?? '',
    contentType ? 'is not application/json' : 'is missing',
    'Send Content-Type: application/json; charset=utf-8, with no other parameter.',
  );

const notJson = (body: string, error: unknown): Failure =>
  protocol('body', 'not-json', body, `is not JSON: ${(error as Error).message}`, `POST ${ENVELOPE}.`);

const wrongEnvelope = (schema: unknown): Failure =>
  protocol(
    'schema',
    'wrong-envelope',
    schema ?? '',
    schema === undefined ? 'is missing: the body is no payload_data' : 'is not payload_data/jsonschema/1-0-0 to 1-0-4',
    `Wrap the events: ${ENVELOPE}.`,
  );

const noEvents = (data: unknown): Failure =>
  protocol(
    'data',
    'no-events',
    data ?? '',
    Array.isArray(data) ? 'holds no event' : 'is not a list',
    'Send at least one event, or no request.',
  );

const notAUuid = (networkUserId: string): Failure =>
  lost(
    'collector_payload_format_violation',
    'sp',
    'network-id-not-a-uuid',
    networkUserId,
    'is not a UUID: a cookie named sp, or ?nuid=, with any other value loses the whole request',
    "Delete the cookie, or send the visitor's id as tnuid in the event, where any text goes.",
  );

const illegalQuery = (query: string): Failure =>
  lost(
    'collector_payload_format_violation',
    'query',
    'illegal-query',
    query,
    'holds a character or an escape that no URI may hold',
    'Encode keys and values with encodeURIComponent or URLSearchParams.',
  );

const unknownPath = (path: string): Failure =>
  lost(
    'adapter_failures',
    'path',
    'unknown-path',
    path,
    'is no path of the Snowplow tracker protocol; the collector takes it and the events are lost later',
    `Send to ${TP2}, or GET /i.`,
  );
