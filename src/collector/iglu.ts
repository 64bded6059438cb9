// Finds schemas: in local folders of Iglu layout, and in Iglu registries over HTTP.
import { readFile } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError, show } from '../core/errors';

/** Finds a schema as text; undefined when this source has none of that name. Rejects when it cannot be asked. */
export type SchemaSource = (key: SchemaKey) => Promise<string | undefined>;

/** The parts of an `iglu:` URI. */
export interface SchemaKey {
  readonly vendor: string;
  readonly name: string;
  readonly format: string;
  readonly version: string;
}

// No part may begin with a point: the parts become a path.
const KEY = /^(?:iglu:)?([a-zA-Z0-9-_][a-zA-Z0-9-_.]*)\/([a-zA-Z0-9-_]+)\/([a-zA-Z0-9-_]+)\/(\d+-\d+-\d+)$/;
/** Where the package keeps the schemas of its own entities. */
export const OWN_SCHEMAS = join(__dirname, '../../schemas');

const TIMEOUT_MS = 3_000;
const CACHED_MS = 60_000;
const MAX_CACHED = 500;
const MAX_SCHEMA = 1024 * 1024;

/** Reads `iglu:vendor/name/format/version`, with or without its prefix; undefined when it is none. */
export function schemaKey(uri: string): SchemaKey | undefined {
  const [, vendor, name, format, version] = KEY.exec(uri) ?? [];
  return vendor && name && format && version ? { vendor, name, format, version } : undefined;
}

/**
 * Makes one source out of folders and registry URLs, asked in the order given.
 *
 * @throws ConfigError when an entry is neither a folder nor an http(s) URL.
 */
export function schemaSource(entries: readonly string[]): SchemaSource {
  const sources = entries.map((entry) => (/^https?:\/\//.test(entry) ? registry(entry) : folder(entry)));
  return async (key) => {
    for (const source of sources) {
      const schema = await source(key);
      if (schema !== undefined) return schema;
    }
    return undefined;
  };
}

// Read anew each time, so that a schema may be edited while the collector runs.
function folder(entry: string): SchemaSource {
  const root = resolve(entry);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError('startCollector: iglu', 'a list of existing folders and http(s) URLs', show(entry));
  return async ({ vendor, name, format, version }) => {
    for (const path of [join(root, vendor, name, format), join(root, 'schemas', vendor, name, format)])
      for (const file of [version, `${version}.json`]) {
        const schema = await readFile(join(path, file), 'utf8').catch(() => undefined);
        if (schema !== undefined) return schema;
      }
    return undefined;
  };
}

function registry(entry: string): SchemaSource {
  if (!URL.canParse(entry))
    throw new ConfigError('startCollector: iglu', 'a list of existing folders and http(s) URLs', show(entry));
  const root = entry.replace(/\/+$/, '');
  const cache = new Map<string, { answer: Promise<string | undefined>; until: number }>();
  return ({ vendor, name, format, version }) => {
    const url = `${root}/schemas/${vendor}/${name}/${format}/${version}`;
    const known = cache.get(url);
    if (known && known.until > Date.now()) return known.answer;
    const answer = download(url);
    cache.delete(url);
    cache.set(url, { answer, until: Date.now() + CACHED_MS });
    if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value!);
    return answer;
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
