// How many events a body holds, for each tracker's format.
import { gunzipSync } from 'node:zlib';

const counting = (marker) => {
  const bytes = Buffer.from(marker);
  return (body) => {
    let found = 0;
    for (let at = body.indexOf(bytes); at !== -1; at = body.indexOf(bytes, at + bytes.length)) found++;
    return found;
  };
};
const inPostHog = counting('"uuid":"');
const inMixpanel = counting('"$insert_id":"');

/** Tracker to `(body, head) => events`. */
export const EVENTS_IN = {
  snowplow: counting('"eid":"'),
  segment: counting('"messageId":"'),
  posthog: (body, head) => inPostHog(head.includes('content-encoding: gzip') ? gunzipSync(body) : body),
  mixpanel: (body) => inMixpanel(Buffer.from(body.latin1Slice('data='.length), 'base64')),
};

/** The ids of a Snowplow body's events. */
export function* eventIds(body) {
  for (const [, id] of body.latin1Slice().matchAll(/"eid":"([^"]+)"/g)) yield id;
}
