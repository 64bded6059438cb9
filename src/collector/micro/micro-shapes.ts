// Events in the format of Snowplow Micro: good events enriched, bad events with the bad row that Enrich would write.
import type { Failure, FailureType } from '../hints/finding';
import type { CollectedEvent, CollectedRequest } from '../log/event';
import { enrich } from '../validate/enriched';

const BAD_ROW_VERSIONS: Readonly<Record<FailureType, string>> = {
  collector_payload_format_violation: '1-0-0',
  adapter_failures: '1-0-0',
  tracker_protocol_violations: '1-0-1',
  generic_error: '1-0-0',
  schema_violations: '2-0-1',
  enrichment_failures: '2-0-1',
  size_violation: '1-0-0',
};

export function microGood(event: CollectedEvent) {
  const enriched = enrich(event);
  const { event_vendor, event_name, event_format, event_version } = enriched;
  return {
    rawEvent: { ...sourceOf(event.request), parameters: event.payload },
    eventType: event.event || null,
    schema: event_name === null ? null : `iglu:${[event_vendor, event_name, event_format, event_version].join('/')}`,
    contexts: event.contexts.map(({ schema }) => schema),
    event: enriched,
    incomplete: false,
  };
}

// Micro's titles of errors, by how far an event was processed.
const UNREADABLE = "Can't deserialize Thrift bytes.";
const NOT_EXTRACTED = 'Error while extracting event(s) from collector payload and validating it/them.';
const NOT_VALID = 'Error while validating the event.';

export function microBad(event: CollectedEvent) {
  const { request, errors, payload, lost } = event;
  const [{ type, scope }] = errors as [Failure];
  const whole = scope === 'payload';
  const unreadable = type === 'collector_payload_format_violation';
  const source = sourceOf(request);
  return {
    // null if the collector's own record cannot be read.
    collectorPayload: unreadable
      ? null
      : {
          ...source,
          querystring: [...new URLSearchParams(request.query)].map(([name, value]) => ({ name, value })),
          body: request.method === 'POST' ? JSON.stringify(whole ? lost : [payload]) : null,
        },
    rawEvent: whole ? null : { ...source, parameters: payload },
    // A title, and the bad row as JSON text.
    errors: [unreadable ? UNREADABLE : whole ? NOT_EXTRACTED : NOT_VALID, JSON.stringify(badRow(event))],
    // Not in Micro: what is wrong and how to fix it, in plain words.
    verdict: errors,
  };
}

function badRow({ errors, payload, receivedAt, request }: CollectedEvent): unknown {
  const { type } = errors[0]!;
  return {
    schema: `iglu:com.snowplowanalytics.snowplow.badrows/${type}/jsonschema/${BAD_ROW_VERSIONS[type]}`,
    data: {
      processor: { artifact: 'snowplow-middleware', version: 'collector' },
      failure: {
        timestamp: receivedAt.toISOString(),
        messages: errors.map(({ field, value, problem }) => ({ field, value, error: `${field} ${problem}` })),
      },
      payload: { raw: { ...sourceOf(request), parameters: payload } },
    },
  };
}

function sourceOf({ path, contentType, headers, ip, networkUserId, receivedAt }: CollectedRequest) {
  const [vendor = '', version = ''] = path.split('/').filter(Boolean);
  return {
    api: version ? { vendor, version } : { vendor: 'com.snowplowanalytics.snowplow', version: 'tp1' },
    contentType: contentType ?? null,
    source: { name: 'snowplow-middleware', encoding: 'UTF-8', hostname: headers['host'] ?? null },
    context: {
      timestamp: receivedAt.toISOString(),
      ipAddress: ip,
      useragent: headers['user-agent'] ?? null,
      refererUri: headers['referer'] ?? null,
      headers: Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      userId: networkUserId,
    },
  };
}
