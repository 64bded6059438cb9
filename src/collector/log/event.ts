// The records that the collector keeps of a request and of each of its events.
import { randomUUID } from 'node:crypto';
import type { SelfDescribing } from '../decode/self-describing';
import type { Parameters } from '../decode/tracker-payload';
import { EVENT_NAMES, lookUp } from '../fields/fields';
import { bounded, type Failure, type Finding, type Verdict } from '../hints/finding';

/**
 * One request of a tracker, as it arrived.
 *
 * @example
 * collector.requests().map(({ method, eventCount, answer }) => [method, eventCount, answer]); // [['POST', 10, 200]]
 */
export interface CollectedRequest {
  /** 1 for the first request, and so on. */
  readonly id: number;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: string;
  /** Names in lower case. An anonymous request has no headers that identify the visitor, as in the pipeline. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
  /** Whether it came with `SP-Anonymous`. */
  readonly anonymous: boolean;
  /** The visitor's address as the pipeline would read it, or `unknown` if anonymous. */
  readonly ip: string;
  /** The visitor's id: `?nuid=`, else the `sp` cookie, else a new one; all zeros if anonymous. */
  readonly networkUserId: string;
  /** Bytes of the body. */
  readonly bytes: number;
  /** How many events it held. */
  readonly eventCount: number;
  /** The answer: a status, or what a {@link Fault} did to the connection. */
  readonly answer: number | 'reset' | 'hang';
  readonly receivedAt: Date;
}

/**
 * One event, decoded and judged.
 *
 * @example
 * const [event] = collector.good();
 * event.payload.url; // as on the wire
 * event.warnings.map(({ field, problem }) => `${field} ${problem}`);
 */
export interface CollectedEvent {
  /** 1 for the first event, and so on. Events of one request share its {@link CollectedRequest.id}. */
  readonly number: number;
  /** `eid`, or a generated id if the event has none, as in the pipeline. */
  readonly id: string;
  /** The wire keys and values as sent; empty if a whole request was lost. */
  readonly payload: Parameters;
  /** The enriched name: `page_view`, `page_ping`, `struct`, `unstruct`, `transaction`, `transaction_item`. */
  readonly event: string;
  /** Schema of a self-describing event. */
  readonly schema: string | undefined;
  /** Data of a self-describing event. */
  readonly data: unknown;
  readonly contexts: readonly SelfDescribing[];
  /** The faults that make it bad; empty in a good event. */
  readonly errors: readonly Failure[];
  /** What the pipeline accepts silently and stores wrongly. */
  readonly warnings: readonly Finding[];
  /** Schemas that were not checked, because no source of schemas was given or Ajv is not installed. */
  readonly unchecked: readonly string[];
  /** The events of a request that was lost as a whole. */
  readonly lost: readonly Parameters[];
  readonly request: CollectedRequest;
  readonly receivedAt: Date;
}

/** An event's verdict, with its decoded data. */
export interface Judgement extends Verdict {
  readonly event: SelfDescribing | undefined;
  readonly contexts: readonly SelfDescribing[];
}

/** Combines an event with its verdict. */
export function collectedEvent(
  number: number,
  payload: Parameters,
  request: CollectedRequest,
  { event, contexts, errors, warnings, unchecked }: Judgement,
): CollectedEvent {
  return {
    number,
    id: payload['eid'] ?? randomUUID(),
    payload,
    event: lookUp(EVENT_NAMES, payload['e'] ?? '') ?? payload['e'] ?? '',
    schema: event?.schema,
    data: event?.data,
    contexts,
    errors: bounded(errors),
    warnings: bounded(warnings),
    unchecked,
    lost: [],
    request,
    receivedAt: request.receivedAt,
  };
}

/** The bad event for a request that is lost as a whole: one bad row, however many events it held. */
export function lostRequest(
  number: number,
  lost: readonly Parameters[],
  request: CollectedRequest,
  errors: readonly Failure[],
): CollectedEvent {
  const judgement = { event: undefined, contexts: [], errors, warnings: [], unchecked: [] };
  return { ...collectedEvent(number, {}, request, judgement), lost };
}
