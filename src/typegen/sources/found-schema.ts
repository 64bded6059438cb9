// Takes a self-describing schema out of a document: as it is, or inside of a snowplow-cli data structure.
import { isJsonObject } from '../../core/contracts';
import { Problem } from '../problem';
import { type SchemaKey, schemaKey, uriOf } from '../schema/schema-key';
import type { Document } from './document';

/** A schema where it was found. */
export interface FoundSchema {
  readonly key: SchemaKey;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly place: string;
  /** How a message about a part of the schema begins: file, line and pointer. */
  at(pointer: string): string;
}

type Fields = Readonly<Record<string, unknown>>;

/** The schema in a document; undefined if there is none. @throws Problem if it is not a JSON schema with a whole name. */
export function schemaIn(document: Document): FoundSchema | undefined {
  const { value } = document;
  if (!isJsonObject(value)) return undefined;
  const isStructure = (value as Fields)['resourceType'] === 'data-structure';
  const root = isStructure ? '#/data' : '#';
  const schema: unknown = isStructure ? (value as Fields)['data'] : value;
  if (!isJsonObject(schema) || !isJsonObject((schema as Fields)['self'])) {
    if (!isStructure) return undefined;
    throw new Problem('invalid', `${document.at(root)}: must be a self-describing schema, with \`self\``);
  }
  const { vendor, name, format, version } = (schema as Fields)['self'] as Fields;
  const key = schemaKey(`iglu:${[vendor, name, format, version].join('/')}`);
  if (!key)
    throw new Problem(
      'invalid',
      `${document.at(`${root}/self`)}: must name vendor, name, format and a version such as 1-0-0`,
    );
  return {
    key,
    schema: schema as Fields,
    place: document.place,
    at: (pointer) => document.at(`${root}${pointer.slice(1)}`),
  };
}

/** Whether both are the same schema: found twice, it is taken once. @throws Problem when they differ. */
export function checkSame(one: FoundSchema, other: FoundSchema): void {
  if (JSON.stringify(one.schema) !== JSON.stringify(other.schema))
    throw new Problem('invalid', `${other.place}: holds another ${uriOf(one.key)} than ${one.place}`);
}
