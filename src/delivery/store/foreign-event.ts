// An event that was read from a queue or a store: ours, or one that another tracker has put there. Nothing about it is trusted.
import { createHash } from 'node:crypto';
import type { EncodedEvent } from '../../core/emitter';
import { ContractError, show } from '../../core/errors';
import { encodePayload } from '../../core/tracker/encode';
import { fail, isUuid, isJsonObject } from '../../core/contracts';

/**
 * Numbers and booleans become text, nulls are left out, as the Python tracker's own worker would send them.
 *
 * @returns undefined when the value is not an event.
 */
export function eventOf(value: unknown, anonymous: boolean): EncodedEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const payload: Record<string, string> = Object.create(null);
  for (const [key, field] of Object.entries(value)) {
    if (field === null) continue;
    if (typeof field === 'object') return undefined;
    payload[key] = String(field);
  }
  const id = payload['eid'];
  return encodePayload(payload, isUuid(id) ? id : uuidOf(JSON.stringify(value)), anonymous);
}

/**
 * Makes an event of the JSON text that an event store of your own has kept: `json` of the event that `put` was given. What the
 * pipeline does not take is left out; an event without a UUID gets one that is the same each time.
 *
 * @param options `anonymous`: what the event said when it was put. An anonymous event loses what identifies the visitor.
 * @throws ContractError, a TypeError, when the text is not an event.
 * @example
 * const event = decodeEvent(row.json, { anonymous: row.anonymous === 1 });
 */
export function decodeEvent(json: string, options: { readonly anonymous: boolean }): EncodedEvent {
  let anonymous: unknown;
  let value: unknown;
  try {
    ({ anonymous } = options);
    if (typeof json === 'string') value = JSON.parse(json);
  } catch {
    // Options that cannot be read, or no JSON: both are reported below.
  }
  if (typeof anonymous !== 'boolean') fail('decodeEvent', 'options.anonymous', 'true or false', anonymous);
  const event = eventOf(value, anonymous);
  // The message does not quote the text, which may be personal.
  const received = typeof json === 'string' ? 'another text' : show(json);
  if (!event) throw new ContractError('decodeEvent', 'json', 'the JSON text of an event', received);
  return event;
}

// The same at every delivery, so that the pipeline can tell a repeat.
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
