// An entry of the list, read as an event: ours, or one that another tracker has put there. Nothing about it is trusted.
import { createHash } from 'node:crypto';
import { isUuid } from '../core/contracts';
import type { EncodedEvent } from '../core/emitter';
import { encodePayload } from '../core/payload';

/**
 * Numbers and booleans become text, nulls are left out, as the Python tracker's own worker would send them.
 *
 * @returns undefined when it is no event.
 */
export function eventOf(entry: string, anonymous: boolean): EncodedEvent | undefined {
  const payload = flat(entry);
  if (!payload) return undefined;
  const id = payload['eid'];
  return encodePayload(payload, isUuid(id) ? id : uuidOf(entry), anonymous);
}

function flat(entry: string): Record<string, string> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(entry);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const payload: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(parsed)) {
    if (value === null) continue;
    if (typeof value === 'object') return undefined;
    payload[key] = String(value);
  }
  return payload;
}

// The same at every delivery, so that the pipeline can tell a repeat.
function uuidOf(entry: string): string {
  const hex = createHash('sha256').update(entry).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
