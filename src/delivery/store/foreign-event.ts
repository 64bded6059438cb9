// An event that was read from a queue: ours, or one that another tracker has put there. Nothing about it is trusted.
import { createHash } from 'node:crypto';
import { isUuid } from '../../core/contracts';
import type { EncodedEvent } from '../../core/emitter';
import { encodePayload } from '../../core/tracker/encode';
import { isJsonObject } from '../../core/shape';

/**
 * Numbers and booleans become text, nulls are left out, as the Python tracker's own worker would send them.
 *
 * @returns undefined when it is no event.
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

// The same at every delivery, so that the pipeline can tell a repeat.
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
