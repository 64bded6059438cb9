// The failures that lose a whole request, in words, and how to fix them.
import { FIELDS, lookUp } from '../fields/fields';
import { failing, type Failure, typeName } from '../hints/finding';
import { nearest } from '../hints/nearest';
import { inCode } from '../hints/origins';

/** The path to which trackers post. */
export const TP2 = '/com.snowplowanalytics.snowplow/tp2';
const ENVELOPE =
  '{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[{"e":"pv","p":"srv","tv":"…"}]}';
const BY_EMITTER = '\nIn code: nothing to set, an Emitter does it.';
const protocol = failing('tracker_protocol_violations');
const format = failing('collector_payload_format_violation');

export const notAnEvent = (path: string, item: unknown): Failure =>
  protocol(
    path,
    'not-an-event',
    item,
    'is not an object',
    'Each item of data is one flat object of wire keys to strings.',
  );

export const missingKey = (path: string, key: string): Failure =>
  protocol(
    `${path}.${key}`,
    'missing-key',
    '',
    'is missing; every event needs tv, p and e',
    key === 'tv' ? `Send the name and version of the tracker.${BY_EMITTER}` : `Send ${key}.${inCode(key)}`,
  );

// The wire keys of enriched columns, because people confuse the two.
const KEY_OF_COLUMN = Object.fromEntries(
  Object.entries(FIELDS).flatMap(([key, { column }]) => (column === '' ? [] : [[column, key] as const])),
);
const KNOWN_NAMES = [...Object.keys(FIELDS), ...Object.keys(KEY_OF_COLUMN)];

/** How to fix a key that the protocol does not have: names the intended one, if it can be guessed. */
export function hintForUnknownKey(key: string): string {
  const guess = nearest(key, KNOWN_NAMES);
  if (!guess) return `Put your own data into a self-describing event or a context.${inCode('cx')}`;
  const meant = lookUp(KEY_OF_COLUMN, guess) ?? guess;
  return `On the wire it is called ${meant}.${inCode(meant)}`;
}

export const unknownKey = (path: string, key: string, value: unknown): Failure =>
  protocol(`${path}.${key}`, 'unknown-key', value, 'is not a key of the tracker protocol', hintForUnknownKey(key));

export const notAString = (path: string, key: string, value: unknown): Failure =>
  protocol(
    `${path}.${key}`,
    'not-a-string',
    value,
    `is ${typeName(value)}, but every value must be a string`,
    value === null ? `Leave it out if there is no value.${inCode(key)}` : `Send String(value).${inCode(key)}`,
  );

// At the paths that read only the query, an adapter fails; at the path that reads bodies, the protocol is violated.
export const emptyRequest = (path: string): Failure =>
  failing(path === TP2 ? 'tracker_protocol_violations' : 'adapter_failures')(
    'body',
    'empty-request',
    '',
    'is empty, and so is the query',
    `POST ${ENVELOPE}.${BY_EMITTER}`,
  );

export const wrongContentType = (contentType = ''): Failure =>
  protocol(
    'Content-Type',
    'wrong-content-type',
    contentType,
    contentType === '' ? 'is missing' : 'is not application/json',
    `Send the header Content-Type: application/json; charset=utf-8, with no other parameter; fetch() and sendBeacon() send text/plain by default.${BY_EMITTER}`,
  );

export const notJson = (body: string, { message }: Error): Failure =>
  protocol(
    'body',
    'not-json',
    body,
    `is not JSON: ${message}`,
    `POST ${ENVELOPE}, made by JSON.stringify().${BY_EMITTER}`,
  );

export const wrongEnvelope = (schema: unknown): Failure =>
  protocol(
    'schema',
    'wrong-envelope',
    schema ?? '',
    schema === undefined ? 'is missing: the body is not payload_data' : 'is not payload_data, 1-0-0 to 1-0-4',
    `Send ${ENVELOPE}.${BY_EMITTER}`,
  );

export const noEvents = (data: unknown): Failure =>
  protocol(
    'data',
    'no-events',
    data ?? '',
    Array.isArray(data) ? 'holds no event' : 'is not a list',
    'Send a list with at least one event, or no request.',
  );

export const notAUuid = (networkUserId: string): Failure =>
  format(
    'sp',
    'network-id-not-a-uuid',
    networkUserId,
    'is not a UUID: a cookie named sp, or ?nuid=, with any other value loses the whole request',
    `Delete the cookie, or send the visitor's id as tnuid in the event, which accepts any text.${inCode('tnuid')}`,
  );

export const illegalQuery = (query: string): Failure =>
  format(
    'query',
    'illegal-query',
    query,
    'holds a character or an escape that no URI may hold',
    'Encode keys and values with encodeURIComponent() or URLSearchParams.',
  );

export const unknownPath = (path: string): Failure =>
  failing('adapter_failures')(
    'path',
    'unknown-path',
    path,
    'is not a path of the Snowplow tracker protocol; the collector accepts it, and the events are lost later',
    `POST to ${TP2}, or GET /i.\nIn code: give an Emitter the collector's address as endpoint, without this path.`,
  );
