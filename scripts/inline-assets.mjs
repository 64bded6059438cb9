// Writes into built modules what they would read from disk: a bundle has the modules, and no folders beside it.
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const built = join(import.meta.dirname, '../dist/collector');
const load = createRequire(import.meta.url);

/** As source, nearly as it is: shorter than in quotes, where each line's end and each quote is escaped. */
const quoted = (text) => `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``;

const statics = join(built, 'page/static');
cpSync('src/collector/page/static', statics, { recursive: true });
for (const [file, name] of [
  ['page/page-files.js', 'PAGE_FILES'],
  ['schemas/own-schemas.js', 'OWN_SCHEMAS'],
]) {
  const lines = [...load(join(built, file))[name]].map((entry) => `  [${entry.map(quoted)}],`);
  writeFileSync(
    join(built, file),
    `"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\nexports.${name} = new Map([\n${lines.join('\n')}\n]);\n`,
  );
}
rmSync(statics, { recursive: true });
