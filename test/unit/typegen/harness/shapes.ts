// Shapes of schemas, each keyword of draft 4 that Iglu allows, alone and together with others.
import type { Schema } from './random-data';

const STRING = { type: 'string' };
const NUMBER = { type: 'number' };
const INTEGER = { type: 'integer' };
const BOOLEAN = { type: 'boolean' };

/** An object that takes its properties alone. */
const closed = (properties: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});
/** An object that takes other names too. */
const open = (properties: Schema, more: Schema = {}): Schema => ({ type: 'object', properties, ...more });
const required = (...names: string[]): Schema => ({ required: names });
/** One property `a`, required, of the given schema. */
const a = (schema: Schema): Schema => closed({ a: schema }, required('a'));

const CORPUS: Readonly<Record<string, Schema>> = {
  // Types
  string: a(STRING),
  number: a(NUMBER),
  integer: a(INTEGER),
  boolean: a(BOOLEAN),
  'null alone': a({ type: 'null' }),
  array: a({ type: 'array' }),
  object: a({ type: 'object' }),
  'no type at all': a({}),
  'a list of one type': a({ type: ['string'] }),
  'string or null': a({ type: ['string', 'null'] }),
  'number or string': a({ type: ['number', 'string'] }),
  'integer or number': a({ type: ['integer', 'number'] }),
  'every type': a({ type: ['string', 'number', 'boolean', 'null', 'array', 'object'] }),
  'array or object': a({ type: ['array', 'object'] }),
  'object or null': a({ type: ['object', 'null'], properties: { b: STRING }, additionalProperties: false }),
  'array or null': a({ type: ['array', 'null'], items: STRING }),
  'integer, boolean or null': a({ type: ['integer', 'boolean', 'null'] }),

  // Optional and required
  'all optional': closed({ a: STRING, b: NUMBER }),
  'all required': closed({ a: STRING, b: NUMBER }, required('a', 'b')),
  'some required': closed({ a: STRING, b: NUMBER, c: BOOLEAN }, required('b')),
  'optional or null': closed({ a: { type: ['string', 'null'] } }),
  'required without a property': open({ a: STRING }, required('b')),
  'required without a property, closed beside': open({ a: STRING }, { required: ['b'], additionalProperties: STRING }),
  'required alone': { type: 'object', required: ['a', 'b'] },
  'an empty list of required': closed({ a: STRING }, { required: [] }),
  'nothing allowed': closed({}),
  'anything allowed': { type: 'object' },
  'no properties, true': { type: 'object', additionalProperties: true },
  'no type at the root': { properties: { a: STRING }, required: ['a'] },
  'object or null at the root': { type: ['object', 'null'], properties: { a: STRING }, additionalProperties: false },

  // Other names
  'open by default': open({ a: STRING }, required('a')),
  'open by true': open({ a: STRING }, { additionalProperties: true }),
  'a map of strings': { type: 'object', additionalProperties: STRING },
  'a map of numbers or null': { type: 'object', additionalProperties: { type: ['number', 'null'] } },
  'a map of objects': { type: 'object', additionalProperties: closed({ a: STRING }, required('a')) },
  'a map of maps': { type: 'object', additionalProperties: { type: 'object', additionalProperties: NUMBER } },
  'a map of arrays': { type: 'object', additionalProperties: { type: 'array', items: STRING } },
  'a map beside properties': open({ a: NUMBER }, { additionalProperties: STRING, required: ['a'] }),
  'a map beside optional properties': open({ a: NUMBER, b: BOOLEAN }, { additionalProperties: STRING }),
  'a map beside properties of its type': open({ a: STRING }, { additionalProperties: STRING }),
  'a map of anything': open({ a: STRING }, { additionalProperties: {} }),
  'a map inside': a({ type: 'object', additionalProperties: INTEGER }),
  'closed inside open': open({ a: closed({ b: STRING }) }),
  'open inside closed': closed({ a: open({ b: STRING }) }),

  // Pattern keys
  'pattern keys alone': { type: 'object', patternProperties: { '^x': STRING } },
  'pattern keys, closed': { type: 'object', patternProperties: { '^x': STRING }, additionalProperties: false },
  'pattern keys beside properties': closed({ a: NUMBER }, { patternProperties: { '^x': STRING } }),
  'pattern keys that name a property': closed({ xa: {} }, { patternProperties: { '^x': STRING }, required: ['xa'] }),
  'two patterns': { type: 'object', patternProperties: { '^x': STRING, '^y': NUMBER }, additionalProperties: false },
  'pattern keys with a schema for others': {
    type: 'object',
    patternProperties: { '^x': STRING },
    additionalProperties: NUMBER,
  },
  'a pattern that is none': {
    type: 'object',
    patternProperties: { '^[a-z-_.]+$': STRING },
    additionalProperties: false,
  },

  // Enums
  'enum of strings': a({ enum: ['one', 'two'] }),
  'enum of one': a({ enum: ['one'] }),
  'enum with type': a({ type: 'string', enum: ['one', 'two'] }),
  'enum narrowed by type': a({ type: 'string', enum: ['one', 2, null] }),
  'enum with a type list': a({ type: ['string', 'null'], enum: ['one', 'two', null] }),
  'enum without the null of its type list': a({ type: ['string', 'null'], enum: ['one', 'two'] }),
  'enum of numbers': a({ enum: [1, 2.5, -3, 0, 1e21] }),
  'enum of integers': a({ type: 'integer', enum: [1, 2, 2.5] }),
  'enum of all kinds': a({ enum: ['one', 1, true, null, [1, 'b'], { c: 1 }] }),
  'enum of booleans': a({ enum: [true, false] }),
  'enum of true': a({ type: 'boolean', enum: [true] }),
  'enum of null': a({ enum: [null] }),
  'enum of objects': a({ enum: [{ b: 1 }, { b: 2, c: null }] }),
  'enum of arrays': a({ enum: [[], [1, 2], ['x']] }),
  'enum with quotes': a({ enum: ["it's", 'say "hi"', 'back\\slash', 'line\nbreak', '', '\u2028', '😀'] }),
  'enum in an array': a({ type: 'array', items: { enum: ['x', 'y'] } }),
  'enum of objects with a schema': a({ enum: [{ b: 1 }, { b: 'x' }], type: 'object', properties: { b: NUMBER } }),
  'enum with the empty text': closed({ a: { type: ['string', 'null'], enum: ['', null] } }),

  // Limits, which a type cannot say
  'lengths of text': a({ type: 'string', minLength: 2, maxLength: 5 }),
  patterns: a({ type: 'string', pattern: '^[a-z]+$' }),
  formats: closed({ a: { type: 'string', format: 'date-time' }, b: { type: 'string', format: 'uri' } }),
  ranges: a({ type: 'number', minimum: 0, maximum: 10 }),
  'ranges without their ends': a({
    type: 'number',
    minimum: 0,
    exclusiveMinimum: true,
    maximum: 1,
    exclusiveMaximum: true,
  }),
  multiples: a({ type: 'number', multipleOf: 0.5 }),
  'limits of another type': a({ type: 'number', maxLength: 2 }),
  'counts of properties': { type: 'object', additionalProperties: STRING, minProperties: 1, maxProperties: 2 },
  'counts of items': a({ type: 'array', items: STRING, minItems: 1, maxItems: 2 }),
  'unique items': a({ type: 'array', items: NUMBER, uniqueItems: true }),

  // Arrays
  'array of strings': a({ type: 'array', items: STRING }),
  'array of string or null': a({ type: 'array', items: { type: ['string', 'null'] } }),
  'array of objects': a({ type: 'array', items: closed({ b: STRING, c: NUMBER }, required('b')) }),
  'array of open objects': a({ type: 'array', items: open({ b: STRING }, required('b')) }),
  'array of arrays': a({ type: 'array', items: { type: 'array', items: INTEGER } }),
  'array of anything': a({ type: 'array', items: {} }),
  'array without a type': a({ items: STRING }),
  'array of enums or null': a({ type: 'array', items: { type: ['string', 'null'], enum: ['x', null] } }),
  tuple: a({ type: 'array', items: [STRING, NUMBER] }),
  'closed tuple': a({ type: 'array', items: [STRING, NUMBER], additionalItems: false }),
  'tuple of at least two': a({ type: 'array', items: [STRING, NUMBER], minItems: 2, additionalItems: false }),
  'tuple of at least one': a({ type: 'array', items: [STRING, NUMBER], minItems: 1 }),
  'tuple of at least more': a({ type: 'array', items: [STRING], minItems: 3 }),
  'tuple with a rest': a({ type: 'array', items: [STRING], additionalItems: NUMBER }),
  'tuple of objects': a({
    type: 'array',
    items: [closed({ b: STRING }), closed({ c: NUMBER })],
    additionalItems: false,
  }),
  'empty tuple': a({ type: 'array', items: [], additionalItems: false }),
  'tuple of one': a({ type: 'array', items: [closed({ b: STRING }, required('b'))] }),
  'additional items without a tuple': a({ type: 'array', items: STRING, additionalItems: false }),
  'tuple with null': a({ type: 'array', items: [{ type: ['string', 'null'] }, { type: 'null' }] }),

  // Nested
  'object in object': a(closed({ b: closed({ c: STRING }, required('c')) }, required('b'))),
  'six levels': a(a(a(a(a(a(STRING)))))),
  'array in object in array': a({
    type: 'array',
    items: closed({ b: { type: 'array', items: closed({ c: STRING }) } }),
  }),
  'optional inside required': a(closed({ b: STRING })),
  'null inside': closed({
    a: { type: ['object', 'null'], properties: { b: { type: ['array', 'null'], items: NUMBER } } },
  }),

  // anyOf
  'anyOf of types': a({ anyOf: [STRING, NUMBER] }),
  'anyOf of objects': a({ anyOf: [closed({ b: STRING }, required('b')), closed({ c: NUMBER }, required('c'))] }),
  'anyOf of object and text': a({ anyOf: [STRING, closed({ b: STRING }, required('b'))] }),
  'anyOf at the root': { type: 'object', anyOf: [closed({ b: STRING }, required('b')), closed({ c: NUMBER }, required('c'))] }, // prettier-ignore
  'anyOf of required': closed({ a: STRING, b: STRING }, { anyOf: [required('a'), required('b')] }),
  'anyOf of required, open': open({ a: STRING, b: NUMBER }, { anyOf: [required('a'), required('b')] }),
  'anyOf of required without properties': { type: 'object', anyOf: [required('a'), required('b')] },
  'anyOf of three required': closed({ a: STRING, b: STRING, c: STRING }, { anyOf: [required('a', 'b'), required('b', 'c'), required('c')] }), // prettier-ignore
  'anyOf that narrows': closed({ a: { type: ['string', 'number'] } }, { anyOf: [{ properties: { a: STRING } }, { properties: { a: NUMBER } }] }), // prettier-ignore
  'anyOf with a closed branch': open({ a: STRING }, { anyOf: [closed({ a: STRING, b: STRING }), closed({ a: STRING, c: STRING })] }), // prettier-ignore
  'anyOf beside enum': a({ enum: ['one', 1, null], anyOf: [STRING, { type: 'null' }] }),
  'anyOf inside anyOf': a({ anyOf: [{ anyOf: [STRING, BOOLEAN] }, NUMBER] }),
  'anyOf of arrays': a({
    anyOf: [
      { type: 'array', items: STRING },
      { type: 'array', items: NUMBER },
    ],
  }),
  'anyOf of arrays of objects': a({ anyOf: [{ type: 'array', items: closed({ b: STRING }) }, { type: 'array', items: closed({ c: NUMBER }) }] }), // prettier-ignore
  'anyOf of array and one': a({ anyOf: [STRING, { type: 'array', items: STRING }] }),
  'anyOf by a kind': a({
    anyOf: [
      closed({ kind: { enum: ['x'] }, b: STRING }, required('kind', 'b')),
      closed({ kind: { enum: ['y'] }, c: NUMBER }, required('kind', 'c')),
    ],
  }),
  'anyOf that nests closed objects': a({
    anyOf: [closed({ b: closed({ x: NUMBER }) }, required('b')), closed({ b: closed({ y: NUMBER }) }, required('b'))],
  }),
  'anyOf with a shared name': a({
    anyOf: [closed({ b: STRING, c: NUMBER }, required('b')), closed({ b: NUMBER, d: STRING }, required('b'))],
  }),
  'anyOf with limits alone': a({ type: 'string', anyOf: [{ maxLength: 3 }, { minLength: 10 }] }),
  'anyOf of one': a({ anyOf: [STRING] }),
  'anyOf with anything': a({ anyOf: [STRING, {}] }),
  'anyOf with null': a({ anyOf: [closed({ b: STRING }), { type: 'null' }] }),
  'two open objects': a({ anyOf: [open({ b: STRING }, required('b')), open({ c: NUMBER }, required('c'))] }),

  // oneOf
  'oneOf of types': a({ oneOf: [STRING, NUMBER] }),
  'oneOf that overlaps': a({ oneOf: [NUMBER, INTEGER] }),
  'oneOf of objects': a({ oneOf: [closed({ b: STRING }, required('b')), closed({ c: NUMBER }, required('c'))] }),
  'oneOf of required': closed({ a: STRING, b: STRING }, { oneOf: [required('a'), required('b')] }),
  'oneOf beside properties': open({ a: STRING }, { oneOf: [{ properties: { b: STRING }, required: ['b'] }, { properties: { c: NUMBER }, required: ['c'] }], required: ['a'] }), // prettier-ignore
  'oneOf at the root without a type': { oneOf: [closed({ b: STRING }, required('b')), closed({ c: NUMBER })] },
  'oneOf and anyOf': closed({ a: {}, b: {} }, { oneOf: [{ properties: { a: STRING } }, { properties: { a: NUMBER } }], anyOf: [required('a'), required('b')] }), // prettier-ignore
  'oneOf with null': a({ oneOf: [{ type: 'null' }, { type: 'array', items: STRING }] }),
  'oneOf of enums': a({ oneOf: [{ enum: ['x'] }, { enum: ['y', 'z'] }] }),
  'oneOf in an array': a({ type: 'array', items: { oneOf: [closed({ b: STRING }, required('b')), closed({ c: STRING }, required('c'))] } }), // prettier-ignore

  // allOf
  'allOf of objects': {
    type: 'object',
    allOf: [open({ a: STRING }, required('a')), open({ b: NUMBER }, required('b'))],
  },
  'allOf that narrows': a({ allOf: [{ type: ['string', 'null'] }, { type: ['string', 'number'] }] }),
  'allOf of enums': a({ allOf: [{ enum: ['x', 'y', 'z'] }, { enum: ['y', 'z', 'w'] }] }),
  'allOf with required': closed({ a: STRING, b: STRING }, { allOf: [required('a'), required('b')] }),
  'allOf of anyOf': closed({ a: STRING, b: STRING, c: STRING, d: STRING }, { allOf: [{ anyOf: [required('a'), required('b')] }, { anyOf: [required('c'), required('d')] }] }), // prettier-ignore
  'allOf of closed objects': {
    type: 'object',
    allOf: [closed({ a: STRING, b: STRING }), closed({ b: STRING, c: STRING })],
  },
  'allOf of arrays': a({ allOf: [{ type: 'array', items: { type: ['string', 'number'] } }, { items: { type: ['number', 'null'] } }] }), // prettier-ignore
  'allOf of tuples': a({
    allOf: [
      { type: 'array', items: [STRING] },
      { items: [{}, NUMBER], additionalItems: false },
    ],
  }),
  'allOf that leaves nothing optional': closed({ a: { allOf: [STRING, NUMBER] }, b: STRING }),
  'allOf of one': a({ allOf: [STRING] }),
  'allOf of nested objects': a({ allOf: [open({ b: open({ c: STRING }) }), open({ b: open({ d: NUMBER }, required('d')) })] }), // prettier-ignore
  'a list of one of limits': a({ type: 'string', allOf: [{ minLength: 1 }, { maxLength: 20 }] }),

  // not and dependencies
  'not a type': a({ not: STRING }),
  'not required': closed({ a: STRING, b: STRING }, { not: required('a', 'b') }),
  'dependencies of names': closed({ a: STRING, b: STRING }, { dependencies: { a: ['b'] } }),
  'dependencies of schemas': open({ a: STRING }, { dependencies: { a: { required: ['b'] } } }),

  // Definitions
  'a reference': { ...a({ $ref: '#/definitions/text' }), definitions: { text: STRING } },
  'a reference used twice': { ...closed({ a: { $ref: '#/definitions/item' }, b: { $ref: '#/definitions/item' } }), definitions: { item: closed({ c: STRING }, required('c')) } }, // prettier-ignore
  'a reference to a reference': { ...a({ $ref: '#/definitions/one' }), definitions: { one: { $ref: '#/definitions/two' }, two: NUMBER } }, // prettier-ignore
  'a reference to a property': closed({ a: STRING, b: { $ref: '#/properties/a' } }),
  'a reference with escapes': { ...a({ $ref: '#/definitions/a~1b~0c%20d' }), definitions: { 'a/b~c d': STRING } },
  'a reference in an array': { ...a({ type: 'array', items: { $ref: '#/definitions/i' } }), definitions: { i: closed({ b: NUMBER }) } }, // prettier-ignore
  'a reference in anyOf': { ...a({ anyOf: [{ $ref: '#/definitions/i' }, STRING] }), definitions: { i: closed({ b: NUMBER }) } }, // prettier-ignore
  'a reference with a description': { ...a({ $ref: '#/definitions/t', description: 'Beside it.' }), definitions: { t: STRING } }, // prettier-ignore
  'a definition that nobody uses': { ...a(STRING), definitions: { unused: NUMBER } },

  // Names
  'reserved words': closed({ class: STRING, default: NUMBER, new: BOOLEAN, function: STRING, type: STRING, readonly: STRING, get: NUMBER }), // prettier-ignore
  'names with signs': closed({ 'a-b': STRING, 'a b': NUMBER, 'a.b': STRING, "it's": STRING, '"': STRING, '\\': STRING, '': STRING }), // prettier-ignore
  'names of digits': closed({ 1: STRING, '1a': NUMBER, '-1': STRING }),
  'names in unicode': closed({ größe: STRING, 名前: STRING, '😀': NUMBER, é: STRING }),
  'names in another case': closed({ a: STRING, A: NUMBER, $a: STRING, _a: STRING }),
  'names of every object': closed({ toString: STRING, constructor: STRING, valueOf: NUMBER, hasOwnProperty: BOOLEAN }),
  'names of every object, required': closed({ toString: STRING, constructor: {} }, required('toString', 'constructor')),
  'names of every object, open': open({ toString: STRING, constructor: {} }, { additionalProperties: STRING }),
  'names of every object in a union': a({
    anyOf: [closed({ toString: STRING }), closed({ b: STRING }, required('b'))],
  }),
  'a length': a(closed({ length: NUMBER }, required('length'))),
  'an optional length': a(closed({ length: NUMBER, width: NUMBER })),
  'a length of anything': a(closed({ length: {} }, required('length'))),
  'a length beside others': a(open({ length: NUMBER }, required('length'))),
  'an object or an array': a({ anyOf: [closed({ b: STRING }), { type: 'array', items: NUMBER }] }),
  'an object or an array by its type': a({
    type: ['array', 'object'],
    properties: { b: STRING },
    additionalProperties: false,
  }),
  'functions of numbers': a(closed({ toFixed: {} }, required('toFixed'))),
  'names of keywords': closed({ properties: STRING, required: BOOLEAN, type: STRING, enum: STRING, $ref: STRING, items: NUMBER }), // prettier-ignore

  // Comments
  descriptions: closed(
    { a: { type: 'string', description: 'Ends */ early' } },
    { description: 'One\n\n * two\r\nthree' },
  ),
  'titles alone': closed({ a: { type: 'string', title: 'Of a' } }, { title: 'Of all' }),
  'what speaks to the compiler': closed({ a: { type: 'string', description: '@ts-expect-error' } }, { description: ' @ts-ignore' }), // prettier-ignore
  'defaults and examples': closed({ a: { type: 'string', default: 'x', examples: ['y'] } }),

  // As they are found in registries
  'optional everywhere': closed({ id: { type: ['string', 'null'], maxLength: 255 }, price: { type: ['number', 'null'], minimum: 0 }, tags: { type: ['array', 'null'], items: { type: ['string', 'null'] } } }), // prettier-ignore
  'a basket': closed({ currency: { type: 'string', enum: ['EUR', 'USD'] }, lines: { type: 'array', items: closed({ sku: { type: 'string', maxLength: 40 }, price: { type: 'number', multipleOf: 0.01 }, quantity: { type: 'integer', minimum: 1 } }, required('sku', 'price')) } }, required('currency', 'lines')), // prettier-ignore
  'an entity of one id': closed({ id: { type: 'string', format: 'uuid' } }, required('id')),
  'a failure with its cause': closed({ failure: { anyOf: [closed({ message: STRING, at: { type: 'string', format: 'date-time' } }, required('message')), closed({ code: INTEGER, details: { type: 'object', additionalProperties: STRING } }, required('code'))] } }, required('failure')), // prettier-ignore
  'a value by its kind': closed({ kind: { enum: ['text', 'amount'] }, value: {} }, { oneOf: [{ properties: { kind: { enum: ['text'] }, value: STRING } }, { properties: { kind: { enum: ['amount'] }, value: NUMBER } }], required: ['kind', 'value'] }), // prettier-ignore
};

export const SHAPES = Object.entries(CORPUS).map(([name, schema]) => ({ name, schema }));
