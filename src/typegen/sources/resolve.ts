// Brings together what was named: the schemas of files and folders, and those that URIs ask for, wherever they are found.
import { Problem, settleAll } from '../problem';
import { compareVersions, matchesVersion, type SchemaKey, schemaPattern, uriOf } from '../schema/schema-key';
import { checkSame, type FoundSchema } from './found-schema';
import type { Registry } from './registry';

/** The schemas of files by their URI. @throws Problems when two files hold two schemas of one name. */
export async function byUri(schemas: readonly FoundSchema[]): Promise<Map<string, FoundSchema>> {
  const known = new Map<string, FoundSchema>();
  await settleAll(
    schemas.map((schema) => () => {
      const uri = uriOf(schema.key);
      const other = known.get(uri);
      if (other) checkSame(other, schema);
      else known.set(uri, schema);
    }),
  );
  return known;
}

/** The schemas that the URIs ask for; stars in a version stand for the newest one. @throws Problems */
export async function resolveUris(
  uris: readonly string[],
  known: ReadonlyMap<string, FoundSchema>,
  registries: readonly Registry[],
): Promise<FoundSchema[]> {
  return settleAll(uris.map((uri) => () => resolveUri(uri, known, registries)));
}

async function resolveUri(
  uri: string,
  known: ReadonlyMap<string, FoundSchema>,
  registries: readonly Registry[],
): Promise<FoundSchema> {
  const asked = schemaPattern(uri);
  if (!asked) throw new Problem('missing', `${uri} is not a URI such as iglu:com.acme/basket/jsonschema/1-0-0`);
  if (asked.format !== 'jsonschema') throw new Problem('invalid', `${uri} has the format ${asked.format}`);
  const key = asked.version.includes('*') ? await newest(asked, known, registries) : asked;
  const own = known.get(uriOf(key));
  if (own) return own;
  for (const registry of registries) {
    const found = await registry.find(key);
    if (found) return found;
  }
  throw new Problem('missing', `${uri} is in none of the sources${placesOf(registries)}`);
}

const placesOf = (registries: readonly Registry[]): string =>
  registries.length > 0 ? ` and not in ${registries.map(({ place }) => place).join(', ')}` : '';

async function newest(
  asked: SchemaKey,
  known: ReadonlyMap<string, FoundSchema>,
  registries: readonly Registry[],
): Promise<SchemaKey> {
  const versions = [...known.values()]
    .filter(({ key }) => (['vendor', 'name', 'format'] as const).every((part) => key[part] === asked[part]))
    .map(({ key }) => key.version);
  const unlisted: string[] = [];
  for (const registry of registries) {
    const listed = await registry.versions(asked);
    if (listed) versions.push(...listed);
    else unlisted.push(registry.place);
  }
  const version = versions
    .filter((each) => matchesVersion(each, asked.version))
    .toSorted(compareVersions)
    .at(-1);
  if (version !== undefined) return { ...asked, version };
  if (unlisted.length > 0)
    throw new Problem(
      'missing',
      `${uriOf(asked)}: ${unlisted.join(', ')} has no listing of its schemas, as a static registry, or not this one: name the version`,
    );
  throw new Problem('missing', `${uriOf(asked)} is in none of the sources${placesOf(registries)}`);
}
