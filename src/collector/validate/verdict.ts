// Judges one event as the pipeline would: what makes it bad, and what would silently go wrong.
import { decodeJson, type Item, type SelfDescribing } from '../decode/self-describing';
import type { Parameters } from '../decode/tracker-payload';
import { failing, type Failure } from '../hints/finding';
import type { CollectedRequest, Judgement } from '../log/event';
import type { SchemaCheck } from '../schemas/schema-check';
import { dataWarnings } from './data-warnings';
import { checkFields } from './field-rules';
import { checkUrls } from './url-rules';
import { findWarnings } from './warnings';

// The largest record of Kinesis, Kafka and NSQ. The collector splits larger requests, but cannot split an event.
const MAX_RECORD = 1_000_000;

/** Judges one event of a complete request. */
export type Judge = (payload: Parameters, request: CollectedRequest) => Promise<Judgement>;

/** Makes the judge, with or without a check of schemas. The judge never rejects. */
export function judging(checkSchema: SchemaCheck | undefined): Judge {
  return async (payload, request) => {
    const { events, contexts, failures } = decodeJson(payload);
    const items = [...events, ...contexts];
    const errors = [
      ...checkSize(payload, request),
      ...checkFields(payload),
      ...checkUrls(payload, request),
      ...failures,
    ];
    if (checkSchema) for (const item of items) errors.push(...(await checkSchema(item)));
    return {
      event: events.map(withoutPath)[0],
      contexts: contexts.map(withoutPath),
      errors,
      warnings: [
        ...findWarnings({ payload, request }),
        ...items.flatMap((item) => dataWarnings(item, checkSchema !== undefined)),
      ],
      unchecked: checkSchema ? [] : items.map(({ schema }) => schema),
    };
  };
}

const withoutPath = ({ schema, data }: Item): SelfDescribing => ({ schema, data });

function checkSize(payload: Parameters, { bytes }: CollectedRequest): Failure[] {
  if (bytes <= MAX_RECORD) return [];
  const size = Buffer.byteLength(JSON.stringify(payload));
  if (size <= MAX_RECORD) return [];
  const problem = `holds an event of ${size} bytes; a record takes ${MAX_RECORD}, although the collector answers 200`;
  return [failing('size_violation')('body', 'too-large', String(size), problem, 'Send less data with one event.')];
}
