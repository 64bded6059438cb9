// A schema without what no type can say, as docs/typed-events.md lists it: what is left, types and Ajv have to judge alike.
import type { Schema } from './random-data';

const LIMITS: ReadonlySet<string> = new Set([
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'not',
  'dependencies',
]);

/** The same schema without limits, `oneOf` as `anyOf`, integers as numbers, and other names as an index signature has them. */
export function loosened(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(loosened);
  if (typeof schema !== 'object' || schema === null) return schema;
  const result: Record<string, unknown> = {};
  for (const [keyword, part] of Object.entries(schema as Schema)) {
    if (LIMITS.has(keyword)) continue;
    if (keyword === 'enum') result[keyword] = part;
    else if (keyword === 'type') result[keyword] = withoutInteger(part);
    else if (['properties', 'patternProperties', 'definitions'].includes(keyword))
      result[keyword] = mapped(part as Schema);
    else result[keyword] = loosened(part);
  }
  const { oneOf, anyOf } = result;
  delete result['oneOf'];
  if (oneOf !== undefined && anyOf !== undefined)
    result['allOf'] = [...((result['allOf'] ?? []) as unknown[]), { anyOf: oneOf }]; // prettier-ignore
  else if (oneOf !== undefined) result['anyOf'] = oneOf;
  return withIndex(result);
}

const mapped = (schemas: Schema): Schema =>
  Object.fromEntries(Object.entries(schemas).map(([name, part]) => [name, loosened(part)]));

function withoutInteger(type: unknown): unknown {
  const names = [type].flat().map((name) => (name === 'integer' ? 'number' : name));
  return [...new Set(names)];
}

/** Other names take what is written for them, and what the properties take. */
function withIndex(schema: Record<string, unknown>): Schema {
  const {
    properties = {},
    patternProperties,
    additionalProperties = true,
  } = schema as Record<string, Schema | undefined>;
  if (typeof (additionalProperties as unknown) === 'boolean' && patternProperties === undefined) return schema;
  delete schema['patternProperties'];
  const patterns = Object.values((patternProperties ?? {}) as Schema);
  const others = [...patterns, ...((additionalProperties as unknown) === false ? [] : [additionalProperties])];
  schema['additionalProperties'] = { anyOf: [...others, ...Object.values(properties as Schema)].map((part) => (part === true ? {} : part)) }; // prettier-ignore
  return schema;
}
