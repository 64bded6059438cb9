// Finds schemas in local folders with Iglu layout, and in Iglu registries over HTTP.
import { statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError, show } from '../../core/errors';
import { nearest } from '../hints/nearest';
import { OWN_SCHEMAS } from './own-schemas';

interface Source {
  /** A schema as text; undefined if there is none of that name. Rejects if the source is unreachable. */
  readonly find: (key: SchemaKey) => Promise<string | undefined>;
  /** The `iglu:` URI of a schema that may be the intended one for a missing schema. */
  readonly guess: (key: SchemaKey) => Promise<string | undefined>;
}

/** All sources as one. */
export interface SchemaSource extends Source {
  /** The folders and registries, for a person to read. */
  readonly places: string;
}

/** The parts of an `iglu:` URI. */
interface SchemaKey {
  readonly vendor: string;
  readonly name: string;
  readonly format: string;
  readonly version: string;
}

// No part may begin with a dot, because the parts become a path.
const KEY = /^(?:iglu:)?([a-zA-Z0-9-_][a-zA-Z0-9-_.]*)\/([a-zA-Z0-9-_]+)\/([a-zA-Z0-9-_]+)\/(\d+-\d+-\d+)$/;
const VERSION = /^\d+-\d+-\d+$/;
const TIMEOUT_MS = 3_000;
const CACHED_MS = 60_000;
const MAX_CACHED = 500;
const MAX_SCHEMA = 1024 * 1024;

/** Parses `iglu:vendor/name/format/version`, with or without its prefix; undefined for other texts. */
export function schemaKey(uri: string): SchemaKey | undefined {
  const [, vendor, name, format, version] = KEY.exec(uri) ?? [];
  return vendor && name && format && version ? { vendor, name, format, version } : undefined;
}

/**
 * Makes one source from folders and registry URLs, searched in the given order, and from the package's own schemas, which are always
 * found.
 *
 * @throws ConfigError if an entry is neither a folder nor an http(s) URL.
 */
export function schemaSource(entries: readonly string[]): SchemaSource {
  const sources = [...entries.map((entry) => (isUrl(entry) ? registry(entry) : folder(entry))), inTrees(ownTree)];
  const first = async (ask: (source: Source) => Promise<string | undefined>): Promise<string | undefined> => {
    for (const source of sources) {
      const answer = await ask(source);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
  return {
    find: (key) => first((source) => source.find(key)),
    guess: (key) => first((source) => source.guess(key)),
    // Shows only the host of a registry, because the rest of its URL may be secret.
    places: entries.map((entry) => (isUrl(entry) ? new URL(entry).host : entry)).join(', '),
  };
}

const isUrl = (entry: string): boolean => /^https?:\/\//.test(entry);

const wrongEntry = (entry: string): ConfigError =>
  new ConfigError('startCollector: iglu', 'a list of existing folders and http(s) URLs', show(entry));

// Read each time, so that a schema can be edited while the collector runs.
function folder(entry: string): Source {
  if (!statSync(entry, { throwIfNoEntry: false })?.isDirectory()) throw wrongEntry(entry);
  return inTrees(...[resolve(entry), resolve(entry, 'schemas')].map(diskTree));
}

/** Nested folders, named after vendor, name and format, with a file for each version. */
interface Tree {
  readonly read: (...path: string[]) => Promise<string | undefined>;
  readonly names: (...path: string[]) => Promise<string[]>;
}

const diskTree = (root: string): Tree => ({
  read: (...path) => readFile(join(root, ...path), 'utf8').catch(() => undefined),
  names: (...path) => readdir(join(root, ...path)).catch(() => []),
});

const ownTree: Tree = {
  read: async (...path) => OWN_SCHEMAS.get(path.join('/')),
  names: async (...path) => {
    const below = [...OWN_SCHEMAS.keys()].map((key) => key.split('/'));
    const inside = below.filter((parts) => path.every((name, index) => parts[index] === name));
    return [...new Set(inside.flatMap((parts) => parts[path.length] ?? []))];
  },
};

function inTrees(...trees: readonly Tree[]): Source {
  return {
    async find({ vendor, name, format, version }) {
      for (const tree of trees)
        for (const file of [version, `${version}.json`]) {
          const schema = await tree.read(vendor, name, format, file);
          if (schema !== undefined) return schema;
        }
      return undefined;
    },
    async guess({ vendor, name, format, version }) {
      for (const tree of trees) {
        const knownVendor = nearest(vendor, await tree.names());
        const knownName = knownVendor && nearest(name, await tree.names(knownVendor));
        if (!knownName) continue;
        const versions = await tree.names(knownVendor, knownName, format);
        const known = versions.map((file) => file.replace(/\.json$/, '')).filter((file) => VERSION.test(file));
        const best = known.includes(version) ? version : known.toSorted().at(-1);
        if (best !== undefined) return `iglu:${knownVendor}/${knownName}/${format}/${best}`;
      }
      return undefined;
    },
  };
}

function registry(entry: string): Source {
  if (!URL.canParse(entry)) throw wrongEntry(entry);
  const root = entry.replace(/\/+$/, '');
  const cache = new Map<string, { answer: Promise<string | undefined>; until: number }>();
  return {
    guess: async () => undefined,
    find({ vendor, name, format, version }) {
      const url = `${root}/schemas/${vendor}/${name}/${format}/${version}`;
      const known = cache.get(url);
      if (known && known.until > Date.now()) return known.answer;
      const answer = download(url);
      cache.delete(url);
      cache.set(url, { answer, until: Date.now() + CACHED_MS });
      if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value!);
      return answer;
    },
  };
}

async function download(url: string): Promise<string | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_SCHEMA) throw new Error(`larger than ${MAX_SCHEMA} bytes`);
    chunks.push(chunk);
  }
  return response.ok ? Buffer.concat(chunks).toString() : undefined;
}
