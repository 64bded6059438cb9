// Events by size: the largest that one of our requests may carry, one byte more, and sizes that only a stranger puts into a queue.
import type { Payload } from 'snowplow-middleware';
import { encodePayload } from '../../src/core/tracker/encode';
import { ENVELOPE_BYTES, EVENT_OVERHEAD } from '../../src/delivery/body-size';
import { getQuery } from '../../src/delivery/http/collector-transport';
import { sampleEvent } from './feed';

export const METHODS = ['post', 'get'] as const;
export type Method = (typeof METHODS)[number];

/** An event that makes a request of so many bytes: of the body, or of a GET's target. */
export function eventFor(bytes: number, method: Method): Payload {
  // The one text that is not cut to a length.
  const event = { ...sampleEvent(), co: 'x' };
  const { eid } = event as unknown as { eid: string };
  const encoded = encodePayload(event, eid, false);
  if (!encoded) throw new Error('the sample is no event');
  const shortest =
    method === 'post'
      ? ENVELOPE_BYTES + encoded.bytes + EVENT_OVERHEAD
      : '/i?'.length + getQuery(encoded, Date.now()).length;
  return { ...event, co: 'x'.repeat(1 + bytes - shortest) };
}

/** Ordinary ones between those of the limit's size and others above it. */
export function eventsAround(limit: number, method: Method): { readonly all: Payload[]; readonly fitting: string[] } {
  const large = [limit + 1, 700_000].map((bytes) => eventFor(bytes, method));
  const fitting = [limit, limit - 1, limit - 500, limit].map((bytes) => eventFor(bytes, method));
  const small = Array.from({ length: 30 }, () => sampleEvent());
  const good = [...small.slice(0, 20), ...fitting, ...small.slice(20)];
  const all = [...good.slice(0, 5), ...large, ...good.slice(5)];
  return { all, fitting: good.map(({ eid }) => eid as string) };
}
