// Reads a JSON schema of draft 4 and says what data it takes. What a type cannot say is left to the doc comment.
import { isJsonObject } from '../../core/contracts';
import {
  ANY_ARRAY,
  ANY_OBJECT,
  type ArrayShape,
  type DataType,
  EVERYTHING,
  intersect,
  isNone,
  literal,
  NONE,
  type ObjectShape,
  type OtherNames,
  type Property,
  TooManyAlternatives,
  typeOfName,
  unite,
} from './data-type';
import { notesOn } from './notes';

/** What is wrong with a schema, and where: a JSON pointer such as `#/properties/items/type`. */
export class SchemaError extends Error {
  constructor(
    readonly pointer: string,
    readonly problem: string,
  ) {
    super(`${pointer}: ${problem}`);
  }
}

/** The schema is valid but gets no type: its data cannot be an event or an entity, or it refers to another schema. */
export class UntypedSchemaError extends SchemaError {}

type Schema = Readonly<Record<string, unknown>>;

/**
 * The objects that a schema takes.
 *
 * @throws SchemaError where the schema is not one of draft 4, refers to itself or to another file, or takes no object.
 */
export function objectTypeOf(schema: unknown): DataType {
  const type = dataTypeOf(schema);
  const objects = { ...NONE, objects: type.objects };
  if (isNone(objects) && !isNone(type))
    throw new UntypedSchemaError('#/type', 'takes no object, and data of events and entities is an object');
  if (isNone(objects)) throw new SchemaError('#', 'no data can meet this schema');
  return objects;
}

/** All data that a schema takes, of any kind. */
export function dataTypeOf(schema: unknown): DataType {
  return new Reader(schema).read(schema, '#');
}

const KINDS: Readonly<Record<string, Partial<DataType>>> = {
  null: { null: true },
  boolean: { booleans: EVERYTHING.booleans },
  number: { numbers: 'any' },
  integer: { numbers: 'any' },
  string: { strings: 'any' },
  array: { arrays: [ANY_ARRAY] },
  object: { objects: [ANY_OBJECT] },
};

class Reader {
  /** The references that are being followed. */
  readonly #followed: string[] = [];
  readonly #root: unknown;

  constructor(root: unknown) {
    this.#root = root;
  }

  read(schema: unknown, pointer: string): DataType {
    if (!isSchema(schema)) throw new SchemaError(pointer, 'must be a schema, an object');
    try {
      const { $ref, ...own } = schema;
      const type = this.#own($ref === undefined ? schema : own, pointer);
      return $ref === undefined ? type : intersect(this.#follow($ref, `${pointer}/$ref`), type);
    } catch (error) {
      if (error instanceof TooManyAlternatives)
        throw new SchemaError(pointer, 'has alternatives that multiply to more than 256: divide the schema');
      throw error;
    }
  }

  #own(schema: Schema, pointer: string): DataType {
    const base = typesOf(schema, pointer);
    let type: DataType = {
      ...base,
      arrays: base.arrays.map(() => this.#array(schema, pointer)),
      objects: base.objects.flatMap(() => this.#object(schema, pointer) ?? []),
    };
    if (isEverything(base, type)) type = EVERYTHING;
    if (schema['enum'] !== undefined) type = intersect(type, enumOf(schema, pointer));
    for (const [keyword, parts] of listsOf(schema, pointer)) {
      const read = parts.map((part, index) => this.read(part, `${pointer}/${keyword}/${index}`));
      type = intersect(type, keyword === 'allOf' ? read.reduce(intersect) : read.reduce(unite));
    }
    return type;
  }

  #follow(reference: unknown, pointer: string): DataType {
    if (typeof reference !== 'string') throw new SchemaError(pointer, 'must be a text');
    if (!/^#(\/|$)/.test(reference))
      throw new UntypedSchemaError(
        pointer,
        `refers to another schema, ${JSON.stringify(reference)}: copy it into definitions`,
      );
    if (reference === '#' || this.#followed.includes(reference))
      throw new SchemaError(pointer, `is recursive, by ${JSON.stringify(reference)}: such a schema gets no type`);
    const target = resolvePointer(this.#root, reference);
    if (target === undefined)
      throw new SchemaError(pointer, `refers to ${JSON.stringify(reference)}, which is not there`);
    this.#followed.push(reference);
    const type = this.read(target, reference);
    this.#followed.pop();
    return type;
  }

  #array(schema: Schema, pointer: string): ArrayShape {
    const { items, additionalItems } = schema;
    if (items === undefined) return ANY_ARRAY;
    if (!Array.isArray(items)) return { places: [], rest: this.read(items, `${pointer}/items`), filled: 0 };
    const places = items.map((item, index) => this.read(item, `${pointer}/items/${index}`));
    const rest = this.#additional(additionalItems, `${pointer}/additionalItems`);
    const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0;
    // A place that takes nothing ends the array.
    const end = places.findIndex(isNone);
    const kept = end < 0 ? places : places.slice(0, end);
    return { places: kept, rest: end < 0 ? rest : NONE, filled: Math.min(least, kept.length) };
  }

  #additional(schema: unknown, pointer: string): DataType {
    if (schema === undefined || schema === true) return EVERYTHING;
    return schema === false ? NONE : this.read(schema, pointer);
  }

  #object(schema: Schema, pointer: string): ObjectShape | undefined {
    const others: OtherNames = {
      patterns: entriesOf(schema, 'patternProperties', pointer).map(([pattern, part]) => ({
        matches: matcherOf(pattern),
        type: this.read(part, `${pointer}/patternProperties/${escapePointer(pattern)}`),
      })),
      rest: this.#additional(schema['additionalProperties'], `${pointer}/additionalProperties`),
    };
    const required = requiredOf(schema, pointer);
    const properties = new Map<string, Property>();
    for (const [name, part] of entriesOf(schema, 'properties', pointer)) {
      const own = this.read(part, `${pointer}/properties/${escapePointer(name)}`);
      const type = typeOfName({ patterns: others.patterns, rest: EVERYTHING }, name);
      properties.set(name, { type: intersect(own, type), required: required.has(name), doc: notesOn(part as Schema) });
    }
    for (const name of required)
      if (!properties.has(name)) properties.set(name, { type: typeOfName(others, name), required: true, doc: [] });
    if ([...properties.values()].some((property) => property.required && isNone(property.type))) return undefined;
    const isOpen = others.patterns.length === 0 && others.rest === EVERYTHING;
    return isOpen && properties.size === 0 ? ANY_OBJECT : { properties, others: isOpen ? [] : [others] };
  }
}

const isSchema = (value: unknown): value is Schema => isJsonObject(value);

const isEverything = (base: DataType, type: DataType): boolean =>
  base === EVERYTHING && type.arrays[0] === ANY_ARRAY && type.objects[0] === ANY_OBJECT;

function typesOf(schema: Schema, pointer: string): DataType {
  const { type } = schema;
  if (type === undefined) return EVERYTHING;
  const names: unknown[] = Array.isArray(type) ? type : [type];
  const kinds = names.map((name) => (typeof name === 'string' && Object.hasOwn(KINDS, name) ? KINDS[name] : undefined));
  if (kinds.length === 0 || kinds.includes(undefined))
    throw new SchemaError(`${pointer}/type`, `must be one of ${Object.keys(KINDS).join(', ')}, or a list of them`);
  return Object.assign({}, NONE, ...kinds) as DataType;
}

function enumOf(schema: Schema, pointer: string): DataType {
  const { enum: values, type } = schema;
  if (!Array.isArray(values) || values.length === 0)
    throw new SchemaError(`${pointer}/enum`, 'must be a list of at least one value');
  const names: unknown[] = Array.isArray(type) ? type : [type];
  const isWhole = names.includes('integer') && !names.includes('number');
  const taken = isWhole ? values.filter((value) => typeof value !== 'number' || Number.isInteger(value)) : values;
  return taken.map(literal).reduce(unite, NONE);
}

function listsOf(schema: Schema, pointer: string): [keyword: string, parts: unknown[]][] {
  const given = ['allOf', 'anyOf', 'oneOf'].filter((keyword) => schema[keyword] !== undefined);
  return given.map((keyword) => {
    const parts = schema[keyword];
    if (!Array.isArray(parts) || parts.length === 0)
      throw new SchemaError(`${pointer}/${keyword}`, 'must be a list of at least one schema');
    return [keyword, parts];
  });
}

function entriesOf(schema: Schema, keyword: string, pointer: string): [string, unknown][] {
  const map = schema[keyword];
  if (map === undefined) return [];
  if (!isJsonObject(map)) throw new SchemaError(`${pointer}/${keyword}`, 'must be an object of schemas');
  return Object.entries(map);
}

function requiredOf(schema: Schema, pointer: string): Set<string> {
  const { required } = schema;
  if (required === undefined) return new Set();
  if (!Array.isArray(required) || required.some((name) => typeof name !== 'string'))
    throw new SchemaError(`${pointer}/required`, 'must be a list of names');
  return new Set(required as string[]);
}

/** Reads a pattern as Ajv does. A pattern that does not compile here may match any name. */
function matcherOf(pattern: string): (name: string) => boolean {
  for (const flags of ['u', ''])
    try {
      const expression = new RegExp(pattern, flags);
      return (name) => expression.test(name);
    } catch {
      // Some patterns are only refused with the flag `u`.
    }
  return () => false;
}

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

function resolvePointer(root: unknown, reference: string): unknown {
  let target: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    const name = decode(step).replaceAll('~1', '/').replaceAll('~0', '~');
    target =
      typeof target === 'object' && target !== null && Object.hasOwn(target, name)
        ? (target as Schema)[name]
        : undefined;
  }
  return target;
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
