// Finds schemas in files and folders, whatever the folders are called.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { Problem, settleAll } from '../problem';
import { type Document, readDocument } from './document';
import { type FoundSchema, schemaIn } from './found-schema';

/** What a folder or a file holds. */
export interface Findings {
  readonly schemas: readonly FoundSchema[];
  /** Files of a folder that hold no JSON schema, with the reason. */
  readonly leftOut: readonly string[];
}

// With a suffix, or named as Iglu does: by the version alone.
const IS_DOCUMENT = /\.(?:json|ya?ml)$|^\d+-\d+-\d+$/i;

/** The schemas below a path. @throws Problems, Problem */
export async function findSchemas(path: string): Promise<Findings> {
  const isFolder = statOf(path).isDirectory();
  const leftOut: string[] = [];
  const schemas = await settleAll(
    documentPaths(path).map((file) => () => {
      const document = documentAt(file);
      const found = schemaIn(document);
      if (found && found.key.format === 'jsonschema') return found;
      const reason = found ? `has the format ${found.key.format}` : 'is not a self-describing schema';
      if (!isFolder) throw new Problem('invalid', `${document.at('#')}: ${reason}`);
      leftOut.push(`${document.place} ${reason}`);
      return undefined;
    }),
  );
  return { schemas: schemas.filter((schema) => schema !== undefined), leftOut };
}

/** The files that may hold a schema, in the order of their names; a file is its own. */
export function documentPaths(path: string): string[] {
  if (!statOf(path).isDirectory()) return [path];
  const entries = readdirSync(path, { withFileTypes: true }).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const inside = join(path, entry.name);
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return [];
    if (entry.isDirectory()) return documentPaths(inside);
    return IS_DOCUMENT.test(entry.name) && statSync(inside, { throwIfNoEntry: false })?.isFile() ? [inside] : [];
  });
}

export const documentAt = (path: string): Document => readDocument(shown(path), readFileSync(path, 'utf8'));

function statOf(path: string): ReturnType<typeof statSync> & object {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new Problem('missing', `${shown(path)} does not exist`);
  return stat;
}

/** As a person on any platform would write it. */
const shown = (path: string): string => {
  const near = relative('', path);
  return (near.startsWith('..') || near === '' ? path : near).split(sep).join('/');
};
