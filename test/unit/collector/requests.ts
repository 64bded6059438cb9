// What trackers send, for the collector's tests.
import { randomUUID } from 'node:crypto';

export const SCHEMA = 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4';

/** A page view as a good server tracker sends it, with nothing to warn of. */
export function pageView(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    e: 'pv',
    p: 'srv',
    tv: 'node-1',
    aid: 'shop',
    eid: randomUUID(),
    dtm: String(Date.now()),
    url: 'https://shop.example/catalogue?page=2',
    ip: '203.0.113.9',
    ua: 'Mozilla/5.0',
    tnuid: '7ff0c1c2-1e0a-4f3b-9d7e-2f9b5c1f6a11',
    ...fields,
  };
}

/** Posts events in a payload_data envelope. */
export function post(url: string, data: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/com.snowplowanalytics.snowplow/tp2`, {
    method: 'POST',
    body: JSON.stringify({ schema: SCHEMA, data }),
    ...init,
    headers: { 'content-type': 'application/json; charset=utf-8', ...(init.headers as Record<string, string>) },
  });
}

export const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const unstruct = (schema: string, data: unknown): unknown => ({
  schema: 'iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0',
  data: { schema, data },
});

export const contexts = (...data: unknown[]): unknown => ({
  schema: 'iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1',
  data,
});
