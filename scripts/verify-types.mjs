// Holds generated types against Ajv, on random data by the thousands: `node scripts/verify-types.mjs [--schemas FOLDER] [--tsc PATH]...
// [--each 20] [--shapes 500] [--seed 1]`. FOLDER holds JSON schemas, PATH is a compiler of any version. Build the package first.
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const outfile = join('node_modules', `.verify-types-${process.pid}.cjs`);
await build({
  entryPoints: ['test/unit/typegen/harness/verify.ts'],
  bundle: true,
  platform: 'node',
  packages: 'external',
  outfile,
});
process.on('exit', () => rmSync(outfile, { force: true }));
createRequire(import.meta.url)(join('..', outfile));
