// Decodes a tracker request into the flat parameters of its events, or into the reason why the pipeline loses all of them.
import { isJsonObject } from '../../core/contracts';
import { FIELDS } from '../fields/fields';
import { type Failure, MAX_FINDINGS } from '../hints/finding';
import * as lost from './lost-request';

export type Parameters = Readonly<Record<string, string>>;

/** A tracker request before its events are decoded. */
interface TrackerRequest {
  readonly method: string;
  /** Path without the query: `/i`, `/com.snowplowanalytics.snowplow/tp2`. */
  readonly path: string;
  /** Query without its `?`. */
  readonly query: string;
  readonly contentType: string | undefined;
  readonly body: string;
  /** The collector's id of the visitor, from `?nuid=`, the `sp` cookie or a new one. */
  readonly networkUserId: string;
}

interface TrackerPayload {
  readonly events: readonly Parameters[];
  /** Failures that lose the whole request; `events` then holds what could be read, only for display. */
  readonly failures: readonly Failure[];
}

// At these paths the query is the event, and the body is not read.
const QUERY_PATHS: ReadonlySet<string> = new Set(['/com.snowplowanalytics.snowplow/tp1', '/i', '/ice.png']);
const PAYLOAD_DATA = /^iglu:com\.snowplowanalytics\.snowplow\/payload_data\/jsonschema\/1-0-[0-4]$/;
const CONTENT_TYPE = /^application\/json(; ?charset=utf-8)?$/i;
// What java.net.URI refuses in a query: malformed escapes, and characters that must be escaped.
const ILLEGAL_QUERY = /%(?![0-9a-f]{2})|[\s"<>\\^`{|}]/i;
// What java.util.UUID accepts: five groups of hexadecimal digits, each truncated to its length.
const NETWORK_ID = /^[0-9a-f]{1,16}(-[0-9a-f]{1,16}){4}$/i;
const REQUIRED = ['tv', 'p', 'e'];

/** Reads a request as Enrich's Snowplow adapter does. Never throws. */
export function readTrackerRequest(request: TrackerRequest): TrackerPayload {
  const failures: Failure[] = [];
  if (!NETWORK_ID.test(request.networkUserId)) failures.push(lost.notAUuid(request.networkUserId));
  if (ILLEGAL_QUERY.test(request.query)) failures.push(lost.illegalQuery(request.query));
  else if (request.path !== lost.TP2 && !QUERY_PATHS.has(request.path)) failures.push(lost.unknownPath(request.path));
  if (failures.length > 0) return { events: [], failures };

  const query = parseQuery(request.query);
  if (QUERY_PATHS.has(request.path) || request.method !== 'POST' || (request.body === '' && request.query !== ''))
    return request.query === ''
      ? { events: [], failures: [lost.emptyRequest(request.path)] }
      : { events: [query], failures: [] };
  return readBody(request, query);
}

/**
 * Splits a query as the pipeline does: `;` separates like `&`, `+` is a space, a key without `=` is skipped, and the last value of a
 * repeated key wins.
 */
function parseQuery(query: string): Parameters {
  const pairs = query.split(/[&;]/).flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[unescape(pair.slice(0, at)), unescape(pair.slice(at + 1))] as const];
  });
  return Object.fromEntries(pairs);
}

// Invalid UTF-8 becomes replacement characters, as in Java; decodeURIComponent would throw.
const unescape = (text: string): string => new URLSearchParams(`x=${text}`).get('x')!;

function readBody({ body, contentType }: TrackerRequest, query: Parameters): TrackerPayload {
  const refuse = (failure: Failure): TrackerPayload => ({ events: [], failures: [failure] });
  if (body === '') return refuse(lost.emptyRequest(lost.TP2));
  if (!CONTENT_TYPE.test(contentType ?? '')) return refuse(lost.wrongContentType(contentType));
  let envelope: unknown;
  try {
    envelope = JSON.parse(body);
  } catch (error) {
    return refuse(lost.notJson(body, error as Error));
  }
  const { schema, data } = Object(envelope) as Partial<Record<string, unknown>>;
  if (typeof schema !== 'string' || !PAYLOAD_DATA.test(schema)) return refuse(lost.wrongEnvelope(schema));
  if (!Array.isArray(data) || data.length === 0) return refuse(lost.noEvents(data));
  return {
    events: data.map((item: unknown) => ({ ...stringValues(item), ...query })),
    failures: firstFailures(data),
  };
}

// Only as many as are shown, because a body may hold a hundred thousand faults.
function firstFailures(data: readonly unknown[]): Failure[] {
  const failures: Failure[] = [];
  for (const [index, item] of data.entries())
    for (const failure of checkItem(item, `data[${index}]`)) {
      failures.push(failure);
      if (failures.length === MAX_FINDINGS) return failures;
    }
  return failures;
}

function* checkItem(item: unknown, path: string): Generator<Failure> {
  if (!isJsonObject(item)) return yield lost.notAnEvent(path, item);
  for (const key of REQUIRED) if (!Object.hasOwn(item, key)) yield lost.missingKey(path, key);
  for (const [key, value] of Object.entries(item) as [string, unknown][])
    if (!Object.hasOwn(FIELDS, key)) yield lost.unknownKey(path, key, value);
    else if (typeof value !== 'string') yield lost.notAString(path, key, value);
}

const stringValues = (item: unknown): Parameters =>
  Object.fromEntries(Object.entries(item ?? {}).filter(([, value]) => typeof value === 'string'));
