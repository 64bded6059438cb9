// Registries that schemas are asked for by their URI: Iglu servers, static ones, and folders of their layout.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from '../../core/contracts';
import { ConfigError, show } from '../../core/errors';
import { Problem } from '../problem';
import { type SchemaKey, schemaKey, uriOf } from '../schema/schema-key';
import { type Document, readDocument } from './document';
import { download, type HttpRegistry, shown } from './download';
import { documentAt } from './files';
import { type FoundSchema, schemaIn } from './found-schema';

export interface Registry {
  /** The folder or the address, for messages. */
  readonly place: string;
  find(key: SchemaKey): Promise<FoundSchema | undefined>;
  /** The versions of a schema that are there; undefined where the registry has no listing. */
  versions(key: SchemaKey): Promise<readonly string[] | undefined>;
}

/** Where a registry is, and the key that it asks for. */
export interface RegistryOptions {
  readonly source: string;
  readonly apikey?: string | undefined;
}

/** @throws ConfigError when the source is neither a folder nor an http(s) URL. */
export function openRegistry({ source, apikey }: RegistryOptions): Registry {
  if (!/^https?:\/\//i.test(source)) return folder(source);
  const root = URL.canParse(source) ? new URL(source) : undefined;
  // What came is not repeated: it may hold a password.
  if (!root || root.username || root.password || root.search || root.hash)
    throw new ConfigError('--iglu', 'a folder, or an http(s) URL without user, query and fragment');
  return http({ root, apikey });
}

function folder(path: string): Registry {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError('--iglu', 'an existing folder or an http(s) URL', show(path));
  const folderOf = ({ vendor, name, format }: SchemaKey): string[] =>
    [path, join(path, 'schemas')].map((root) => join(root, vendor, name, format));
  return {
    place: path,
    async find(key) {
      const files = folderOf(key).flatMap((inside) =>
        ['', '.json'].map((suffix) => join(inside, key.version + suffix)),
      );
      const file = files.find((each) => existsSync(each));
      return file === undefined ? undefined : checked(documentAt(file), key);
    },
    versions: async (key) =>
      folderOf(key)
        .filter((inside) => existsSync(inside))
        .flatMap((inside) => readdirSync(inside).map((file) => file.replace(/\.json$/, '')))
        .filter((version) => schemaKey(uriOf({ ...key, version })) !== undefined),
  };
}

function http(registry: HttpRegistry): Registry {
  const place = shown(registry.root);
  // An Iglu server answers below /api, which people write or leave out.
  const roots = [place, ...(place.endsWith('/api') ? [] : [`${place}/api`])];
  const first = async (path: string): Promise<[address: string, text: string] | undefined> => {
    for (const root of roots) {
      const text = await download(registry, `${root}/schemas/${path}`);
      if (text !== undefined) return [`${root}/schemas/${path}`, text];
    }
    return undefined;
  };
  return {
    place,
    async find(key) {
      const found = await first(uriOf(key).slice('iglu:'.length));
      return found && checked(readDocument(...found), key);
    },
    async versions({ vendor, name, format }) {
      const [, text] = (await first(`${vendor}/${name}/${format}`)) ?? [];
      const listed = text === undefined ? undefined : listIn(text);
      const keys = listed?.map((each) => keyIn(each));
      return keys?.flatMap((key) =>
        key && key.vendor === vendor && key.name === name && key.format === format ? [key.version] : [],
      );
    },
  };
}

/** An answer that is a list; the page of a folder, which some static registries show, is none. */
function listIn(text: string): unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

/** Iglu servers list URIs, or the schemas themselves. */
function keyIn(entry: unknown): SchemaKey | undefined {
  if (typeof entry === 'string') return schemaKey(entry);
  const { self } = (isJsonObject(entry) ? entry : {}) as { self?: Partial<SchemaKey> };
  return schemaKey(`iglu:${self?.vendor}/${self?.name}/${self?.format}/${self?.version}`);
}

/** A registry has to give what it was asked for. */
function checked(document: Document, key: SchemaKey): FoundSchema {
  const found = schemaIn(document);
  if (!found) throw new Problem('invalid', `${document.at('#')}: is not a self-describing schema`);
  if (uriOf(found.key) !== uriOf(key))
    throw new Problem('invalid', `${found.at('#/self')}: is ${uriOf(found.key)}, not ${uriOf(key)}`);
  return found;
}
