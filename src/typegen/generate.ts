// From sources to the text of the file: finds the schemas, reads them, and writes their types.
import { resolve } from 'node:path';
import { Problem, settleAll } from './problem';
import { type DataType, intersect, isNone } from './schema/data-type';
import { notesOn } from './schema/notes';
import { dataTypeOf, objectTypeOf, SchemaError, UntypedSchemaError } from './schema/read-schema';
import { uriOf } from './schema/schema-key';
import { findSchemas } from './sources/files';
import type { FoundSchema } from './sources/found-schema';
import { openRegistry, type RegistryOptions } from './sources/registry';
import { byUri, resolveUris } from './sources/resolve';
import { findSpecifications, type Specification, type SpecifiedSchema } from './sources/specifications';
import { moduleText, type TypedSchema } from './text/module-text';
import type { TypedPart, TypedSpecification } from './text/specification-text';

export interface GenerateOptions {
  /** Files, folders, and URIs whose version may be `1-*-*`. */
  readonly sources: readonly string[];
  readonly registries: readonly RegistryOptions[];
  /** Folders of snowplow-cli data products. */
  readonly specs: readonly string[];
  /** Called for what is worth a line on the way. */
  readonly onProgress?: (line: string) => void;
}

export interface Generated {
  readonly text: string;
  readonly schemas: number;
  readonly specifications: number;
  /** What the folders hold beside, with the reason. */
  readonly leftOut: readonly string[];
}

/**
 * Makes the file of types.
 *
 * @throws Problems with all that is missing, unreachable or invalid.
 * @throws ConfigError for a registry that is none, and for YAML without the package `yaml`.
 */
export async function generate(options: GenerateOptions): Promise<Generated> {
  const registries = options.registries.map(openRegistry);
  const uris = options.sources.filter(isUri);
  const [files, specs] = await Promise.all([
    settleAll(options.sources.filter((source) => !isUri(source)).map((path) => () => findSchemas(path))),
    settleAll(options.specs.map((path) => () => findSpecifications(path))),
  ]);
  const known = await byUri(files.flatMap(({ schemas }) => schemas));
  const specifications = specs.flatMap((each) => each.specifications);
  const named = specifications.flatMap(({ event, entities }) => [event, ...entities].map(({ uri }) => uri));
  const asked = [...new Set([...uris, ...named])];
  options.onProgress?.(`Schemas: ${known.size} in files, ${asked.length} asked for by URI`);
  const resolved = await resolveUris(asked, known, registries);
  const leftOut = [...files, ...specs].flatMap((each) => each.leftOut);
  const explicit = new Set([...resolved, ...filesAmong(options.sources, known)]);
  const all = [...(await byUri([...known.values(), ...resolved])).values()];
  const typed = await typedSchemas(all, explicit, leftOut);
  if (typed.length === 0)
    throw new Problem('missing', ['none of the sources holds a schema that gets a type', ...leftOut].join('; '));
  const types = new Map(typed.map((schema) => [uriOf(schema.key), schema.type]));
  const typedSpecifications = await settleAll(specifications.map((each) => () => typedSpecification(each, types)));
  return {
    text: moduleText(typed, typedSpecifications),
    schemas: typed.length,
    specifications: specifications.length,
    leftOut,
  };
}

const isUri = (source: string): boolean => source.startsWith('iglu:');

/** Schemas whose own file was named: they are not left out in silence. */
function filesAmong(sources: readonly string[], known: ReadonlyMap<string, FoundSchema>): FoundSchema[] {
  const named = new Set(sources.map((source) => resolve(source)));
  return [...known.values()].filter(({ place }) => named.has(resolve(place)));
}

async function typedSchemas(
  all: readonly FoundSchema[],
  explicit: ReadonlySet<FoundSchema>,
  leftOut: string[],
): Promise<TypedSchema[]> {
  const typed = await settleAll(
    all.map((found) => () => {
      try {
        return { key: found.key, type: objectTypeOf(found.schema), doc: notesOn(found.schema) };
      } catch (error) {
        if (!(error instanceof SchemaError)) throw error;
        if (!(error instanceof UntypedSchemaError) || explicit.has(found)) throw problemOf(error, found);
        leftOut.push(`${found.at(error.pointer)}: ${error.problem}`);
        return undefined;
      }
    }),
  );
  return typed.filter((each) => each !== undefined);
}

const problemOf = ({ pointer, problem }: SchemaError, { at }: Pick<FoundSchema, 'at'>): Problem =>
  new Problem('invalid', `${at(pointer)}: ${problem}`);

function typedSpecification(
  { data, doc, event, entities }: Specification,
  types: ReadonlyMap<string, DataType>,
): TypedSpecification {
  return {
    data,
    doc,
    event: narrowed(event, types),
    entities: entities.map((entity) => ({ ...narrowed(entity, types), least: entity.least, most: entity.most })),
  };
}

/** The type under a specification that asks for more than the schema does. */
function narrowed(part: SpecifiedSchema, types: ReadonlyMap<string, DataType>): TypedPart {
  const { uri, schema } = part;
  if (schema === undefined) return { uri };
  try {
    const type = intersect(types.get(uri) as DataType, dataTypeOf(schema));
    if (isNone(type)) throw new SchemaError('#', `no data of ${uri} can meet this schema`);
    return { uri, type };
  } catch (error) {
    throw error instanceof SchemaError ? problemOf(error, part) : error;
  }
}
