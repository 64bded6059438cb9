// Asks a TypeScript compiler which lines of a program are wrong: the one of this project, or any by its command.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The strictest set-up that the types promise to compile under. */
const OPTIONS = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUnusedLocals: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  target: 'es2022',
  lib: ['es2022'],
  module: 'node16',
  moduleResolution: 'node16',
  types: ['node'],
  typeRoots: [resolve('node_modules/@types')],
  skipLibCheck: true,
};

/** What is wrong in a program: its lines, from 0, and what the compiler says of them and of other files. */
export interface Complaints {
  readonly lines: ReadonlySet<number>;
  readonly messages: readonly string[];
}

/** @param files By name; `program.ts` is the one whose lines are given. `snowplow-middleware` is the built package. */
export function complaintsOf(
  files: Readonly<Record<string, string>>,
  compiler = [process.execPath, resolve('node_modules/typescript/bin/tsc')],
): Complaints {
  const folder = mkdtempSync(join(tmpdir(), 'typegen-'));
  try {
    const paths = { 'snowplow-middleware': [resolve('dist/index.d.ts')] };
    const config = { compilerOptions: { ...OPTIONS, paths }, files: Object.keys(files) };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
    const [command = '', ...rest] = compiler;
    const { stdout, stderr, error } = spawnSync(command, [...rest, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    });
    if (error) throw error;
    const messages = stdout.split('\n').filter((line) => /error TS\d+:/.test(line));
    if (stderr !== '') messages.push(stderr);
    const lines = messages.map((message) => /program\.ts\((\d+),\d+\): error/.exec(message)?.[1]);
    return { lines: new Set(lines.filter((line) => line !== undefined).map((line) => Number(line) - 1)), messages };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
