// The packed package in real apps of every framework and version that it names, as CommonJS and as ES modules, and on Bun and
// Deno:
//
//     node test/package/matrix/run.mjs [--node 20,22] [--report FILE] [row...]
//
// `npm run test:matrix` runs the Nest rows, Bun and Deno on this Node, `npm run matrix` every row on every Node. Each row is installed in a
// folder of its own. Ends with a table and the line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../../..');

/** Checks the types of a program that uses both. */
const compile = (file) => [
  'node_modules/typescript/bin/tsc',
  ...['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', file],
];

/** An app in two formats, and its types. */
const web = (framework, version, ...types) => ({
  app: 'web',
  shown: framework,
  packages: [`${framework}@${version}`, ...types, 'typescript@6', '@types/node@20'],
  cells: {
    cjs: ['app.cjs', framework],
    esm: ['app.mjs', framework],
    types: compile(`${framework}.mts`),
  },
});

/** What a Redis client or a job queue does with the lists and queues of ours, and its types. */
const queues = (name, version, program, types, ...beside) => ({
  app: 'redis',
  shown: name,
  packages: [`${name}@${version}`, ...beside, 'typescript@6', '@types/node@20'],
  cells: { cjs: [program, name], types: compile(types) },
});

/** An app in two formats on two adapters, and under the test runners that Nest's users have. */
const nest = (runners) => ({
  app: 'nest',
  shown: '@nestjs/core',
  cells: {
    'cjs express': ['app.cjs', 'express'],
    'cjs fastify': ['app.cjs', 'fastify'],
    'esm express': ['app.mjs', 'express'],
    'esm fastify': ['app.mjs', 'fastify'],
    ...runners,
  },
});
const jest = (...tests) => ['node_modules/jest/bin/jest.js', '--rootDir', '.', '--testMatch', ...tests];
const withJest = {
  jest: jest('**/jest.test.cjs'),
  'jest esm': ['--experimental-vm-modules', ...jest('**/jest.test.mjs')],
};
const withVitest = { vitest: ['node_modules/vitest/vitest.mjs', 'run'] };

/** Another run-time, as npm installs it, with an app on Express in two formats. */
const runtime = (name, ...run) => ({
  app: 'web',
  shown: name,
  runs: `node_modules/.bin/${name}`,
  packages: [name, 'express@5'],
  cells: { cjs: [...run, 'app.cjs', 'express'], esm: [...run, 'app.mjs', 'express'] },
});

// A row without packages has a manifest and a lock file in the folder of its name.
const ROWS = {
  plain: { app: 'plain', shown: 'snowplow-middleware', packages: [], cells: { cjs: ['app.cjs'] } },
  express4: web('express', 4, '@types/express@4'),
  express5: web('express', 5, '@types/express@5'),
  ioredis5: queues('ioredis', 5, 'client.cjs', 'ioredis.mts'),
  ioredis6: queues('ioredis', 6, 'client.cjs', 'ioredis.mts'),
  redis5: queues('redis', 5, 'client.cjs', 'redis.mts'),
  redis6: queues('redis', 6, 'client.cjs', 'redis.mts'),
  'valkey-glide2': queues('@valkey/valkey-glide', 2, 'client.cjs', 'valkey-glide.mts'),
  bullmq5: queues('bullmq', 5, 'queue.cjs', 'bullmq.mts'),
  bullmq6: queues('bullmq', 6, 'queue.cjs', 'bullmq.mts', 'ioredis@6'),
  koa2: web('koa', 2, '@types/koa@2'),
  koa3: web('koa', 3, '@types/koa@3'),
  fastify4: web('fastify', 4),
  fastify5: web('fastify', 5),
  nest10: nest(withJest),
  nest11: nest(withJest),
  nest12: nest(withVitest),
  bun: runtime('bun'),
  deno: runtime('deno', 'run', '--allow-all', '--quiet'),
};

const { values, positionals } = parseArgs({
  options: { node: { type: 'string', default: '' }, report: { type: 'string' } },
  allowPositionals: true,
});
const unknown = positionals.filter((row) => !(row in ROWS));
if (unknown.length > 0)
  throw new Error(`no such row: ${unknown.join(', ')}; there are ${Object.keys(ROWS).join(', ')}`);
const rows = positionals.length > 0 ? positionals : Object.keys(ROWS);

/** Runs a command; gives its output when it failed, undefined when it went well. */
function failureOf(cwd, command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 180_000 });
  return status === 0 ? undefined : `${command} ${args.join(' ')}\n${stdout ?? ''}${stderr ?? ''}${error ?? ''}`;
}
function must(cwd, command, ...args) {
  const failure = failureOf(cwd, command, ...args);
  if (failure) throw new Error(failure);
}
const install = (cwd, ...args) =>
  must(cwd, 'npm', 'install', '--silent', '--no-save', '--no-package-lock', '--no-audit', '--prefer-offline', ...args);

const folder = mkdtempSync(join(tmpdir(), 'matrix-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const makeFolder = (name) => {
  mkdirSync(join(folder, name));
  return join(folder, name);
};

/** A Node of that major version: this one, or the one that npm has in its package `node`. */
function findNode(major) {
  if (major === process.versions.node.split('.')[0])
    return { shown: `Node ${process.versions.node}`, path: process.execPath };
  const cwd = makeFolder(`node${major}`);
  // Its install script puts the binary of this platform in place.
  install(cwd, '--ignore-scripts=false', `node@${major}`);
  const path = join(cwd, 'node_modules/node/bin/node');
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return { shown: `Node ${stdout.trim().slice(1)}`, path };
}

function prepare(name, { app, packages, runs }, tarball) {
  const cwd = makeFolder(name);
  cpSync(join(here, 'apps', app), cwd, { recursive: true });
  if (packages) {
    writeFileSync(join(cwd, 'package.json'), '{ "private": true }');
    // Bun's and Deno's install scripts put their binaries in place.
    install(cwd, `--ignore-scripts=${runs === undefined}`, tarball, ...packages);
    return cwd;
  }
  cpSync(join(here, name), cwd, { recursive: true });
  must(cwd, 'npm', 'ci', '--silent', '--prefer-offline');
  install(cwd, tarball);
  return cwd;
}

const nodes = (values.node || process.versions.node).split(',').map((version) => findNode(version.split('.')[0]));
must(root, 'npm', 'run', '--silent', 'build');
const packed = makeFolder('packed');
must(root, 'npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', packed);
const tarball = join(packed, readdirSync(packed)[0]);

let passed = 0;
let failed = 0;
const table = [
  ['', ...nodes.map(({ shown }) => shown)],
  ['---', ...nodes.map(() => '---')],
];
for (const name of rows) {
  const row = ROWS[name];
  const cwd = prepare(name, row, tarball);
  const { version } = JSON.parse(readFileSync(join(cwd, 'node_modules', row.shown, 'package.json'), 'utf8'));
  const runtimes = row.runs ? [{ shown: `${name} ${version}`, path: row.runs }] : nodes;
  const results = runtimes.map((runs) => {
    const wrong = Object.entries(row.cells).filter(([cell, args]) => {
      const failure = failureOf(cwd, runs.path, ...args);
      console.log(`${failure ? 'FAILED' : 'passed'}  ${runs.shown}  ${name}  ${cell}`);
      if (failure) console.error(failure);
      return failure;
    });
    const all = Object.keys(row.cells).length;
    failed += wrong.length;
    passed += all - wrong.length;
    return wrong.length === 0 ? `${all} of ${all}` : `failed: ${wrong.map(([cell]) => cell).join(', ')}`;
  });
  table.push([`${row.shown} ${version}`, ...results, ...nodes.slice(results.length).map(() => '')]);
  rmSync(cwd, { recursive: true, force: true });
}

const text = `${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
if (values.report) {
  if (!existsSync(dirname(values.report))) mkdirSync(dirname(values.report), { recursive: true });
  writeFileSync(values.report, text);
}
console.log(`\n${text}\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
