// Decodes `ue_pr`/`ue_px` and `co`/`cx`, and checks their envelopes.
import { excerpt, type Failure } from './finding';

/**
 * Data with the `iglu:` URI of the schema that describes it.
 *
 * @example
 * { schema: 'iglu:com.acme/user/jsonschema/1-0-0', data: { plan: 'gold' } }
 */
export interface SelfDescribing {
  readonly schema: string;
  readonly data: unknown;
}

export interface DecodedJson {
  /** The event, or the contexts, of both forms together; the ones with a broken envelope are left out. */
  readonly items: readonly (SelfDescribing & { readonly path: string })[];
  readonly failures: readonly Failure[];
}

const IGLU = /^iglu:[a-zA-Z0-9-_.]+\/[a-zA-Z0-9-_]+\/[a-zA-Z0-9-_]+\/\d+-\d+-\d+$/;
const MAX_DEPTH = 40;

interface Envelope {
  readonly name: string;
  readonly schema: RegExp;
  readonly versions: string;
  readonly items: (data: unknown, path: string) => readonly { item: unknown; path: string }[] | undefined;
  readonly holds: string;
}

const SNOWPLOW = 'iglu:com.snowplowanalytics.snowplow';
const UNSTRUCT: Envelope = {
  name: 'unstruct_event',
  schema: /^iglu:com\.snowplowanalytics\.snowplow\/unstruct_event\/jsonschema\/1-0-0$/,
  versions: '1-0-0',
  items: (data, path) => [{ item: data, path: `${path}.data` }],
  holds: 'one {schema, data}',
};
const CONTEXTS: Envelope = {
  name: 'contexts',
  schema: /^iglu:com\.snowplowanalytics\.snowplow\/contexts\/jsonschema\/1-0-[01]$/,
  versions: '1-0-1',
  items: (data, path) =>
    Array.isArray(data) ? data.map((item: unknown, index) => ({ item, path: `${path}.data[${index}]` })) : undefined,
  holds: 'a list of {schema, data}',
};

/** The event of `ue_pr` (plain) or `ue_px` (base64). */
export function decodeUnstruct(payload: Readonly<Record<string, string>>): DecodedJson {
  return decode(payload, 'ue_pr', 'ue_px', UNSTRUCT);
}

/** The contexts of `co` (plain) or `cx` (base64). */
export function decodeContexts(payload: Readonly<Record<string, string>>): DecodedJson {
  return decode(payload, 'co', 'cx', CONTEXTS);
}

function decode(payload: Readonly<Record<string, string>>, plain: string, base64: string, envelope: Envelope) {
  const items: (SelfDescribing & { path: string })[] = [];
  const failures: Failure[] = [];
  for (const key of [plain, base64]) {
    const value = payload[key];
    if (value === undefined) continue;
    const text = key === base64 ? Buffer.from(value, 'base64').toString() : value;
    const opened = open(key, value, text, envelope);
    if ('rule' in opened) failures.push(opened);
    else
      for (const { item, path } of opened) {
        const wrong = checkItem(item, path);
        if (wrong) failures.push(wrong);
        else items.push({ ...(item as SelfDescribing), path });
      }
  }
  return { items, failures };
}

function open(key: string, value: string, text: string, envelope: Envelope) {
  const mend = `Send ${key} as {"schema":"${SNOWPLOW}/${envelope.name}/jsonschema/${envelope.versions}","data":…} with ${envelope.holds}.`;
  if (value === '')
    return failure(
      key,
      'empty-json',
      '',
      'is empty, which is not JSON',
      'Leave the key out when there is nothing to send.',
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    const problem = key.endsWith('x') ? 'is not base64 of JSON' : 'is not JSON';
    return failure(key, 'not-json', text, problem, mend);
  }
  if (isDeeperThan(json, MAX_DEPTH))
    return failure(key, 'too-deep', text, `nests more than ${MAX_DEPTH} levels`, 'Flatten the data.');
  if (!isSelfDescribing(json))
    return failure(key, 'not-self-describing', json, 'has not the keys schema and data', mend);
  if (!IGLU.test(json.schema))
    return failure(key, 'not-an-iglu-uri', json.schema, 'names no iglu: URI as its schema', mend);
  if (!envelope.schema.test(json.schema))
    return failure(key, 'wrong-envelope', json.schema, `is not a ${envelope.name} envelope`, mend);
  const items = envelope.items(json.data, key);
  if (!items) return failure(key, 'not-a-list', json.data, 'does not hold a list', mend);
  if (items.length === 0 && json.schema.endsWith('1-0-0'))
    return failure(key, 'empty-list', text, 'holds no context', `Leave ${key} out when there is no context.`);
  return items;
}

function checkItem(item: unknown, path: string): Failure | undefined {
  const mend = 'Send {"schema":"iglu:<vendor>/<name>/jsonschema/1-0-0","data":{…}}, with no other key.';
  if (!isSelfDescribing(item) || Object.keys(item).length !== 2)
    return failure(path, 'not-self-describing', item, 'has not exactly the keys schema and data', mend);
  if (!IGLU.test(item.schema))
    return failure(path, 'not-an-iglu-uri', item.schema, 'names no iglu: URI as its schema', mend);
  return undefined;
}

function isSelfDescribing(value: unknown): value is SelfDescribing {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<SelfDescribing>).schema === 'string' &&
    Object.hasOwn(value, 'data')
  );
}

// Level by level rather than by recursion, because the data may be built to overflow a stack.
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return false;
}

function failure(field: string, rule: string, value: unknown, problem: string, mend: string): Failure {
  return { scope: 'event', type: 'schema_violations', field, rule, value: excerpt(value), problem, mend };
}
