// Decodes `ue_pr`/`ue_px` and `co`/`cx`, and checks their envelopes.
import { INT32_MAX, isJsonObject, isObject } from '../../core/contracts';
import { failing, type Failure, typeName } from '../hints/finding';
import { inCode } from '../hints/origins';

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

/** Self-describing data with its path, as the caller of a tracker would write it: `event`, `context[1]`. */
export interface Item extends SelfDescribing {
  readonly path: string;
}

/** The JSON of an event, from both forms of each pair. Items with a broken envelope are left out. */
interface DecodedJson {
  readonly events: readonly Item[];
  readonly contexts: readonly Item[];
  readonly failures: readonly Failure[];
}

const MAX_DEPTH = 40;

interface Envelope {
  /** The key for plain JSON, and the one for base64. */
  readonly keys: readonly [plain: string, base64: string];
  readonly schema: RegExp;
  readonly example: string;
  readonly itemsOf: (data: unknown) => readonly unknown[] | undefined;
  readonly path: (index: number) => string;
}

const UNSTRUCT: Envelope = {
  keys: ['ue_pr', 'ue_px'],
  schema: /^iglu:com\.snowplowanalytics\.snowplow\/unstruct_event\/jsonschema\/1-0-0$/,
  example:
    '{"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":{"schema":…,"data":…}}',
  itemsOf: (data) => [data],
  path: () => 'event',
};
const CONTEXTS: Envelope = {
  keys: ['co', 'cx'],
  schema: /^iglu:com\.snowplowanalytics\.snowplow\/contexts\/jsonschema\/1-0-[01]$/,
  example: '{"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1","data":[{"schema":…,"data":…}]}',
  itemsOf: (data) => (Array.isArray(data) ? data : undefined),
  path: (index) => `context[${index}]`,
};

const violation = failing('schema_violations');

/** Decodes the event and the contexts of a payload. */
export function decodeJson(payload: Readonly<Record<string, string>>): DecodedJson {
  const failures: Failure[] = [];
  return { events: decode(payload, UNSTRUCT, failures), contexts: decode(payload, CONTEXTS, failures), failures };
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

function decode(payload: Readonly<Record<string, string>>, envelope: Envelope, failures: Failure[]): Item[] {
  return envelope.keys.flatMap((key) => {
    const value = payload[key];
    const opened = value === undefined ? [] : open(key, value, envelope);
    if (!isList(opened)) {
      failures.push(opened);
      return [];
    }
    return opened.flatMap((item, index) => {
      const path = envelope.path(index);
      const wrong = checkItem(item, path, inCode(key));
      if (wrong) failures.push(wrong);
      return wrong ? [] : [{ ...(item as SelfDescribing), path }];
    });
  });
}

function open(key: string, value: string, { keys, schema, example, itemsOf }: Envelope) {
  const isBase64 = key === keys[1];
  const text = isBase64 ? Buffer.from(value, 'base64').toString() : value;
  const refuse = (rule: string, at: unknown, problem: string, hint?: string): Failure =>
    violation(key, rule, at, problem, hint ?? `Send ${isBase64 ? 'base64url of ' : ''}${example}.${inCode(key)}`);
  if (value === '')
    return refuse('empty-json', '', 'is empty, which is not JSON', 'Leave the key out if there is nothing to send.');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // If it is not base64 either, the sent text says more than the decoded one.
    const shown = text.includes('\uFFFD') ? value : text;
    return refuse('not-json', shown, `is not ${isBase64 ? 'base64 of ' : ''}JSON: ${(error as Error).message}`);
  }
  if (isDeeperThan(json, MAX_DEPTH))
    return refuse('too-deep', text, `nests more than ${MAX_DEPTH} levels`, `Flatten the data.${inCode(key)}`);
  if (!isSelfDescribing(json)) return refuse('not-self-describing', json, 'lacks the keys schema and data');
  if (!isSchemaUri(json.schema))
    return refuse('not-an-iglu-uri', json.schema, `names a schema that ${faultOf(json.schema)}`);
  if (!schema.test(json.schema)) return refuse('wrong-envelope', json.schema, 'has the wrong envelope');
  const items = itemsOf(json.data);
  if (!items) return refuse('not-a-list', json.data, 'does not hold a list');
  if (items.length === 0 && json.schema.endsWith('1-0-0'))
    return refuse('empty-list', text, 'holds no context', `Leave ${key} out if there is no context.`);
  return items;
}

function checkItem(item: unknown, path: string, where: string): Failure | undefined {
  const hint = `Send { schema: 'iglu:com.acme/name/jsonschema/1-0-0', data: {…} }, with no other key.${where}`;
  const refuse = (problem: string): Failure => violation(path, 'not-self-describing', item, problem, hint);
  if (!isJsonObject(item)) return refuse(`is ${typeName(item)}`);
  if (!isSelfDescribing(item)) return refuse('lacks the keys schema and data');
  const more = Object.keys(item).find((key) => key !== 'schema' && key !== 'data');
  if (more !== undefined) return refuse(`has the key ${more} in addition to schema and data`);
  if (isSchemaUri(item.schema)) return undefined;
  return violation(
    `${path}.schema`,
    'not-an-iglu-uri',
    item.schema,
    faultOf(item.schema),
    `Write iglu:vendor/name/jsonschema/1-0-0.${where}`,
  );
}

function isSelfDescribing(value: unknown): value is SelfDescribing {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<SelfDescribing>).schema === 'string' &&
    Object.hasOwn(value, 'data')
  );
}

const SCHEMA_URI = /^iglu:[\w.-]+\/[\w-]+\/[\w-]+\/([\d-]+)$/;

function isSchemaUri(schema: string): boolean {
  const [, version = ''] = SCHEMA_URI.exec(schema) ?? [];
  return isSchemaVersion(version);
}

/** Why a text is not an `iglu:` URI. */
function faultOf(schema: string): string {
  if (!schema.startsWith('iglu:')) return 'does not begin with iglu:';
  const parts = schema.split('/');
  if (parts.length !== 4) return `has ${parts.length} parts instead of vendor/name/format/version`;
  if (!/^\d+-\d+-\d+$/.test(parts[3]!)) return 'has no version of three numbers, such as 1-0-0';
  if (!isSchemaVersion(parts[3]!))
    return 'has a version that no schema can have: versions start at 1-0-0 and have no leading zeros';
  return 'holds characters that a schema URI may not hold';
}

// Level by level instead of recursively, because hostile data could overflow the stack.
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((item) => (isObject(item) ? Object.values(item) : []));
  }
  return false;
}

// A SchemaVer: a model from 1, a revision and an addition, each a 32-bit integer without leading zeros.
const SCHEMA_VERSION = /^[1-9]\d*(?:-(?:0|[1-9]\d*)){2}$/;

const isSchemaVersion = (version: string): boolean =>
  SCHEMA_VERSION.test(version) && version.split('-').every((part) => Number(part) <= INT32_MAX);
