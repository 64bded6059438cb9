// The schemas of the package's own entities, by `vendor/name/format/version`, read from the project's folder. The build replaces this
// module with one that holds them, so that a bundle has them too.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const FOLDER = join(__dirname, '../../../schemas');

export const OWN_SCHEMAS: ReadonlyMap<string, string> = new Map(
  readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [relative(FOLDER, path).split(sep).join('/'), readFileSync(path, 'utf8')]),
);
