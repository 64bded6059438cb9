// The files of the live page, by name, read from the folder next to this file. The build replaces this module with one that holds them,
// so that a bundle has them too.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(__dirname, 'static');

export const PAGE_FILES: ReadonlyMap<string, string> = new Map(
  readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]),
);
