// Encodes user data with its schema as JSON text: a self-describing event, and the entities of an event.
import { isAbsent } from '../contracts';
import type { EventArgs } from '../events/event';
import { jsonOpening, type SelfDescribing } from '../protocol/self-describing-json';
import { Refusal } from './refusal';

const UNSTRUCT = 'iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0';
const CONTEXTS = 'iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1';

// The pipeline refuses JSON deeper than 40 levels; the envelopes take three of them.
const MAX_DEPTH = 32;

/** The envelope of a self-describing event. */
export function eventJson(event: SelfDescribing): string {
  return `{"schema":"${UNSTRUCT}","data":${stringify(event, 'event')}}`;
}

/** The envelope of an event's entities: those of its arguments, then `further` ones. Undefined without entities. */
export function entitiesJson(context: EventArgs['context'], further: readonly SelfDescribing[]): string | undefined {
  let texts = '';
  let index = 0;
  for (const entity of isAbsent(context) ? [] : context)
    texts += `${texts && ','}${stringify(entity, 'context', index++)}`;
  for (const entity of further) texts += `${texts && ','}${stringify(entity)}`;
  return texts === '' ? undefined : `{"schema":"${CONTEXTS}","data":[${texts}]}`;
}

// Most data fits into this buffer, which is reused.
const scratch = Buffer.allocUnsafeSlow(16_384);

export function toBase64(json: string): string {
  // A UTF-16 unit takes at most three bytes.
  if (json.length * 3 > scratch.length) return Buffer.from(json).toString('base64url');
  return scratch.toString('base64url', 0, scratch.write(json));
}

// `argument` names the caller's argument in the error; entities of a hook have none.
function stringify({ schema, data }: SelfDescribing, argument?: string, index?: number): string {
  // Checked here too, because contracts may be off: the pipeline reads nothing without a well-formed schema URI.
  const opening = jsonOpening(schema);
  if (opening === '') throw new Refusal('invalid');
  const json = jsonOf(data);
  if (json === undefined) throw new Refusal('unserializable');
  if (json[0] !== '{') throw unfit('an object', 'a toJSON() that returns none', argument, index);
  if (isTooDeep(json)) throw unfit(`at most ${MAX_DEPTH} levels deep`, 'more', argument, index);
  return `${opening}${json}}`;
}

function unfit(expected: string, received: string, argument: string | undefined, index: number | undefined): Refusal {
  if (argument === undefined) return new Refusal('invalid');
  return new Refusal('invalid', {
    path: `${argument}${index === undefined ? '' : `[${index}]`}.data`,
    expected,
    received,
  });
}

function jsonOf(data: unknown): string | undefined {
  try {
    return JSON.stringify(data);
  } catch {
    // JSON has no BigInt, so it becomes text. Every other error is thrown again.
    return JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  }
}

function isTooDeep(json: string): boolean {
  if (count(json, '{', MAX_DEPTH) + count(json, '[', MAX_DEPTH) <= MAX_DEPTH) return false;
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < json.length; index++) {
    const char = json[index];
    if (quoted) {
      if (char === '\\') index++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}

// How often `char` occurs; stops counting just above `limit`.
function count(text: string, char: string, limit: number): number {
  let found = 0;
  for (let at = text.indexOf(char); at !== -1 && found <= limit; at = text.indexOf(char, at + 1)) found++;
  return found;
}
