// `npm run test:matrix`: the packed package in real apps of Nest 10, 11 and 12, as CommonJS and as ES modules, on both
// adapters, and under the test runner that its users have. Ends with the line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const wanted = process.argv.slice(2);
const MAJORS = ['nest10', 'nest11', 'nest12'].filter((major) => wanted.length === 0 || wanted.includes(major));

/** Runs a command; gives its output when it failed, undefined when it went well. */
const failureOf = (cwd, command, ...args) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 180_000 });
  return status === 0 ? undefined : `${command} ${args.join(' ')}\n${stdout ?? ''}${stderr ?? ''}${error ?? ''}`;
};
const must = (cwd, command, ...args) => {
  const failure = failureOf(cwd, command, ...args);
  if (failure) throw new Error(failure);
};

const folder = mkdtempSync(join(tmpdir(), 'snowplow-middleware-'));
must(root, 'npm', 'run', '--silent', 'build');
must(root, 'npm', 'pack', '--silent', '--pack-destination', folder);
const tarball = join(folder, readdirSync(folder)[0]);

const results = [];
for (const major of MAJORS) {
  const cwd = join(here, major);
  const run = join(cwd, '.run');
  must(cwd, 'npm', 'ci', '--silent', '--prefer-offline');
  must(cwd, 'npm', 'install', '--silent', '--no-save', '--no-package-lock', '--prefer-offline', tarball);
  rmSync(run, { recursive: true, force: true });
  cpSync(join(here, 'app'), run, { recursive: true });
  const jest = ['node_modules/jest/bin/jest.js', '--rootDir', '.run', '--testMatch'];
  const runners =
    major === 'nest12'
      ? [['vitest, both adapters and matchers', 'node', 'node_modules/vitest/vitest.mjs', 'run', '--root', '.run']]
      : [
          ['jest, both adapters and matchers', 'node', ...jest, '**/jest.test.cjs'],
          ['jest, matchers in an ES module', 'node', '--experimental-vm-modules', ...jest, '**/jest.test.mjs'],
        ];
  const cells = [
    ...['cjs', 'mjs'].flatMap((format) =>
      ['express', 'fastify'].map((adapter) => [`${format} app, ${adapter}`, 'node', `.run/app.${format}`, adapter]),
    ),
    ...runners,
  ];
  for (const [cell, ...command] of cells) {
    const failure = failureOf(cwd, ...command);
    results.push({ major, cell, failure });
    console.log(`${failure ? 'FAILED' : 'passed'}  ${major}  ${cell}`);
    if (failure) console.error(failure);
  }
  rmSync(run, { recursive: true, force: true });
}
rmSync(folder, { recursive: true, force: true });

const failed = results.filter(({ failure }) => failure).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
