// Writes the whole file of types: for each schema its interface and its function, in the order of their URIs.
import { closeUnions } from '../schema/close-unions';
import type { DataType } from '../schema/data-type';
import { compareKeys, type SchemaKey, uriOf } from '../schema/schema-key';
import { type Names, nameSchemas } from './names';
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

/** The text of the file, which is the same for the same schemas in any order. */
export function moduleText(schemas: readonly TypedSchema[]): string {
  const sorted = schemas.toSorted((one, other) => compareKeys(one.key, other.key));
  const names = nameSchemas(sorted.map(({ key }) => key));
  const sections = sorted.map((schema) => definitionText(schema, names.get(uriOf(schema.key)) as Names));
  return `${HEAD}import { defineSchema } from 'snowplow-middleware';\n\n${sections.join('\n')}`;
}

function definitionText({ key, type, doc }: TypedSchema, names: Names): string {
  const uri = quoted(uriOf(key));
  const comment = docText([...doc, ...(doc.length > 0 ? [''] : []), uriOf(key)]);
  const declaration = declarationText(names.type, closeUnions(type));
  return `${comment}${declaration}export const ${names.value} = defineSchema<${names.type}, ${uri}>(${uri});\n`;
}
