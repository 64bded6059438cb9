// The text of a file of types: interfaces, comments, names, and the same text whatever order the schemas come in.
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { notesOn } from '../../../src/typegen/schema/notes';
import { objectTypeOf } from '../../../src/typegen/schema/read-schema';
import { schemaKey } from '../../../src/typegen/schema/schema-key';
import { parseLocated } from '../../../src/typegen/sources/json-text';
import { camelCase } from '../../../src/typegen/text/names';
import { moduleText } from '../../../src/typegen/text/module-text';
import { SHAPES } from './harness/shapes';

const schema = (uri: string, own: Record<string, unknown> = { type: 'object', additionalProperties: false }) => ({
  key: schemaKey(uri)!,
  type: objectTypeOf(own),
  doc: notesOn(own),
});

const namesIn = (text: string): string[] =>
  [...text.matchAll(/^export const ([^ ]+) = defineSchema<([^,]+),/gm)].map(([, value, type]) => `${value} ${type}`);
const namesOf = (...uris: string[]): string[] => namesIn(moduleText(uris.map((uri) => schema(uri))));

it('an interface and a function, with what the schema says in comments', () => {
  const basket = {
    description: 'A basket.',
    type: 'object',
    properties: {
      id: { type: 'string', description: 'Of the visitor', maxLength: 36 },
      state: { enum: ['open', "it's paid", null] },
      total: { type: ['number', 'null'], minimum: 0, exclusiveMinimum: true },
      lines: {
        type: 'array',
        minItems: 1,
        items: { type: 'object', properties: { 'sku-id': { type: 'integer', maximum: 9 } }, required: ['sku-id'] },
      },
    },
    required: ['id', 'lines'],
    additionalProperties: false,
  };
  expect(moduleText([schema('iglu:com.acme/basket/jsonschema/1-0-0', basket)])).toBe(
    `// Written by \`npx snowplow-middleware types\` from JSON schemas. Change those and run it again, not this file.
/* eslint-disable */
import { defineSchema } from 'snowplow-middleware';

/**
 * A basket.
 *
 * iglu:com.acme/basket/jsonschema/1-0-0
 */
export interface Basket {
  /**
   * Of the visitor
   * At most 36 characters.
   */
  id: string;
  state?: 'open' | 'it\\'s paid' | null | undefined;
  /** More than 0. */
  total?: number | null | undefined;
  /** At least 1 item. */
  lines: {
    /** Integer; at most 9. */
    'sku-id': number;
    [key: string]: unknown;
  }[];
}
export const basket = defineSchema<Basket, 'iglu:com.acme/basket/jsonschema/1-0-0'>('iglu:com.acme/basket/jsonschema/1-0-0');
`,
  );
});

it('a comment cannot be ended or used by a description', () => {
  const own = { type: 'object', properties: { a: { description: 'x */ y\n@ts-ignore' } } };
  const text = moduleText([schema('iglu:com.acme/a/jsonschema/1-0-0', own)]);
  expect(text).toContain('x *\\/ y');
  expect(text).not.toContain('@ts-ignore');
});

it('is the same in any order of the schemas', () => {
  const all = SHAPES.map(({ schema: own }, index) => schema(`iglu:com.acme.v${index % 3}/s${index % 50}/jsonschema/1-0-${index}`, own)); // prettier-ignore
  expect(moduleText(all.toReversed())).toBe(moduleText(all));
});

describe('names', () => {
  it.each([
    ['add_to_cart', 'addToCart AddToCart'],
    ['PerformanceTiming', 'performanceTiming PerformanceTiming'],
    ['URL_click', 'urlClick UrlClick'],
    ['3d_view', '_3dView _3dView'],
    ['delete', 'delete_ Delete'],
    ['import', 'import_ Import'],
    ['object', 'object_ Object_'],
    ['a-b', 'aB AB'],
  ])('of %s', (name, names) => {
    expect(namesOf(`iglu:com.acme/${name}/jsonschema/1-0-0`)).toEqual([names]);
  });

  it('of one name in two vendors begin with the vendor', () => {
    expect(namesOf('iglu:com.acme/basket/jsonschema/1-0-0', 'iglu:org.shop/basket/jsonschema/1-0-0')).toEqual([
      'acmeBasket AcmeBasket',
      'shopBasket ShopBasket',
    ]);
    expect(namesOf('iglu:com.acme/basket/jsonschema/1-0-0', 'iglu:org.acme/basket/jsonschema/1-0-0')).toEqual([
      'comAcmeBasket ComAcmeBasket',
      'orgAcmeBasket OrgAcmeBasket',
    ]);
  });

  it('of two versions end with the version', () => {
    expect(namesOf('iglu:com.acme/basket/jsonschema/1-0-10', 'iglu:com.acme/basket/jsonschema/1-0-9')).toEqual([
      'basket_1_0_9 Basket_1_0_9',
      'basket_1_0_10 Basket_1_0_10',
    ]);
  });

  it('that would still be the same get a number', () => {
    expect(namesOf('iglu:a/add_to/jsonschema/1-0-0', 'iglu:a/addTo/jsonschema/1-0-0')).toEqual([
      'addTo AddTo',
      'addTo_2 AddTo_2',
    ]);
  });
});

it.each([
  ['Product added to cart', 'productAddedToCart'],
  ['Größe x² gewählt!', 'größeXGewählt'],
  ['कार्ट', 'कार्ट'],
  ['2 for 1', '_2For1'],
  ['***', '_'],
])('a name for %s that a program can declare', (text, name) => {
  expect(camelCase(text)).toBe(name);
  expect(() => new Script(`const ${name} = 1;`)).not.toThrow();
});

describe('a schema gets no type, with a clear word,', () => {
  const closed = (a: unknown) => ({ type: 'object', properties: { a } });
  it.each<[string, unknown, string]>([
    ['of an array', { type: 'array' }, '#/type: takes no object'],
    ['that refers to itself', closed({ $ref: '#' }), '#/properties/a/$ref: is recursive'],
    ['that refers to itself by a definition', { ...closed({ $ref: '#/definitions/d' }), definitions: { d: { items: { $ref: '#/definitions/d' } } } }, '#/definitions/d/items/$ref: is recursive'], // prettier-ignore
    ['that refers to another', closed({ $ref: 'http://acme.com/a' }), '#/properties/a/$ref: refers to another schema'],
    ['that refers to nothing', closed({ $ref: '#/definitions/d' }), 'which is not there'],
    ['of an unknown type', closed({ type: 'text' }), '#/properties/a/type: must be one of'],
    ['with no list of required', { type: 'object', required: true }, '#/required: must be a list of names'],
    ['with an empty enum', closed({ enum: [] }), '#/properties/a/enum: must be a list'],
    ['with an empty anyOf', closed({ anyOf: [] }), '#/properties/a/anyOf: must be a list'],
    ['whose property is none', closed('text'), '#/properties/a: must be a schema'],
    ['that nothing can meet', { type: 'object', properties: { a: { allOf: [{ type: 'string' }, { type: 'null' }] } }, required: ['a'] }, 'no data can meet'], // prettier-ignore
    ['with alternatives without end', { type: 'object', allOf: Array.from({ length: 9 }, (_each, index) => ({ anyOf: [{ required: [`a${index}`] }, { required: [`b${index}`] }] })) }, 'more than 256'], // prettier-ignore
  ])('%s', (_what, own, message) => {
    expect(() => objectTypeOf(own)).toThrow(message);
  });
});

describe('JSON', () => {
  it.each(['{}', ' [1, -2.5e3, "a\\u0041\\"b", null, true]\n', '\ufeff{"a":{"b":[{}]}}', '""', '{"a":1,"a":2}'])(
    '%j is read',
    (text) => {
      expect(parseLocated(text).value).toEqual(JSON.parse(text.replace('\ufeff', '')));
    },
  );

  it.each(['', '{', '[1,]', '{"a" 1}', '{a:1}', '01', '"a\nb"', '"\\x"', '[] []', 'nul', '{"a":1,}', "['a']"])(
    '%j is none',
    (text) => {
      expect(() => parseLocated(text)).toThrow(/^expected /);
    },
  );

  it('knows where each value stands', () => {
    const { offsets } = parseLocated('{"a/b": [1, {"c~": 2}]}');
    expect([...offsets]).toEqual([['#', 0], ['#/a~1b', 1], ['#/a~1b/0', 9], ['#/a~1b/1', 12], ['#/a~1b/1/c~0', 13]]); // prettier-ignore
  });
});
