// Writes the whole file of types: for each schema its interface and its function, in the order of their URIs.
import { closeUnions } from '../schema/close-unions';
import type { DataType } from '../schema/data-type';
import { compareKeys, type SchemaKey, uriOf } from '../schema/schema-key';
import { type Names, nameSchemas } from './names';
import { SPECIFICATION_HELPER, specificationTexts, type TypedSpecification } from './specification-text';
import { declarationText, docText, quoted } from './type-text';

/** A schema that is read. */
export interface TypedSchema {
  readonly key: SchemaKey;
  readonly type: DataType;
  readonly doc: readonly string[];
}

const HEAD = `// Written by \`npx snowplow-middleware types\` from JSON schemas. Change those and run it again, not this file.
/* eslint-disable */
`;
const IMPORT = `import { defineSchema } from 'snowplow-middleware';\n`;
const IMPORTS = `import {
  ContractError,
  defineSchema,
  selfDescribing,
  SelfDescribingJson,
  type SelfDescribing,
  type TrackerEvent,
} from 'snowplow-middleware';
`;

/** The text of the file, which is the same for the same schemas in any order. */
export function moduleText(
  schemas: readonly TypedSchema[],
  specifications: readonly TypedSpecification[] = [],
): string {
  const sorted = schemas.toSorted((one, other) => compareKeys(one.key, other.key));
  const names = nameSchemas(sorted.map(({ key }) => key));
  const taken = new Set([...names.values()].flatMap(({ value, type }) => [value, type]));
  const sections = [
    ...sorted.map((schema) => definitionText(schema, names.get(uriOf(schema.key)) as Names)),
    ...specificationTexts(specifications, names, taken),
  ];
  const hasSpecifications = specifications.length > 0;
  const text = `${HEAD}${hasSpecifications ? IMPORTS : IMPORT}\n${sections.join('\n')}`;
  return hasSpecifications ? text + SPECIFICATION_HELPER : text;
}

function definitionText({ key, type, doc }: TypedSchema, names: Names): string {
  const uri = quoted(uriOf(key));
  const comment = docText([...doc, ...(doc.length > 0 ? [''] : []), uriOf(key)]);
  const declaration = declarationText(names.type, closeUnions(type));
  return `${comment}${declaration}export const ${names.value} = defineSchema<${names.type}, ${uri}>(${uri});\n`;
}
