// Holds the house to its plan: who may import whom, no cycles, no barrels inside, no framework below its adapter, small files.
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, sep } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(__dirname, '../../src');
const MOST_LINES = 250;

interface Source {
  /** `core/payload`, without the suffix. */
  readonly path: string;
  readonly text: string;
  /** The files of src that it imports, types too. */
  readonly imports: readonly string[];
  /** The packages that it imports, by name: `undici`, `@nestjs/common`. */
  readonly packages: readonly string[];
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => file.endsWith('.ts'));
const paths = new Set(files.map((file) => file.replace(/\.ts$/, '')));

const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
const isBuiltIn = (specifier: string): boolean => specifier.startsWith('node:') || builtinModules.includes(specifier);

function read(file: string): Source {
  const text = readFileSync(join(ROOT, file), 'utf8');
  // Types, `export … from`, import() and require() count as well.
  const specifiers = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  const own = specifiers.filter((specifier) => specifier.startsWith('.'));
  const imports = own.map((specifier) => posix.join(dirname(file), specifier));
  const packages = specifiers.filter((specifier) => !specifier.startsWith('.') && !isBuiltIn(specifier)).map(packageOf);
  return { path: file.replace(/\.ts$/, ''), text, imports, packages };
}
const sources = files.map(read);

// From the ground up; a folder or a file of src itself, and what it may import.
const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['delivery'],
  ['disk', 'redis', 'bullmq'],
  [
    'create-tracker',
    'registry',
    'servers',
    'shutdown',
    'app-life',
    'middleware-options',
    'matched-route',
    'page-visit',
    'middleware',
  ],
  ['express', 'koa', 'fastify', 'collector'],
  // Runs on Express or on Fastify, and mounts what their doors are made of.
  ['nest'],
  ['say', 'worker-cli', 'disk-cli', 'disk-drain', 'disk-look'],
  ['index', 'cli'],
];
const roomOf = (path: string): string => path.split('/', 1)[0] as string;
const floorOf = (path: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(path)));

const FRAMEWORKS = new Set(['express', 'koa', 'fastify', 'nest']);
const MIDDLEWARE = ['matched-route', 'middleware', 'middleware-options', 'create-tracker', 'shutdown'];
/** Doors that take less than everything below them. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  express: ['express', ...MIDDLEWARE, 'core'],
  koa: ['koa', ...MIDDLEWARE, 'core'],
  fastify: ['fastify', ...MIDDLEWARE, 'core'],
  collector: ['collector', 'core'],
};

describe('the floors of src', () => {
  it('give every file a place', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.filter(({ path }) => floorOf(path) < 0).map(({ path }) => path)).toEqual([]);
  });

  it('resolve every import to a file', () => {
    const missing = sources.flatMap(({ path, imports }) => imports.filter((to) => !paths.has(to)).map((to) => `${path} -> ${to}`)); // prettier-ignore
    expect(missing).toEqual([]);
  });

  it('have arrows that point down, or stay in their room', () => {
    const upward = sources.flatMap(({ path, imports }) =>
      imports
        .filter((to) => roomOf(to) !== roomOf(path))
        .filter((to) => floorOf(to) > floorOf(path) || (floorOf(to) === floorOf(path) && path.includes('/')))
        .map((to) => `${path} -> ${to}`),
    );
    expect(upward).toEqual([]);
  });

  it('let the doors in front take only what they may', () => {
    const wrong = sources.flatMap(({ path, imports }) => {
      const allowed = ONLY[roomOf(path)];
      return imports.filter((to) => allowed && !allowed.includes(roomOf(to))).map((to) => `${path} -> ${to}`);
    });
    expect(wrong).toEqual([]);
  });

  it('have no import cycle', () => {
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      const start = trail.indexOf(path);
      if (start >= 0) return void cycles.push([...trail.slice(start), path].join(' -> '));
      if (done.has(path)) return;
      for (const to of sources.find((source) => source.path === path)?.imports ?? []) visit(to, [...trail, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it('have no barrel import: each file says whose code it uses', () => {
    const barrels = sources
      .filter(({ path }) => path !== 'index')
      .flatMap(({ path, imports }) => imports.filter((to) => /(^|\/)index$/.test(to)).map((to) => `${path} -> ${to}`));
    expect(barrels).toEqual([]);
  });
});

describe('packages', () => {
  const users = (name: string): string[] => sources.filter(({ packages }) => packages.includes(name)).map(({ path }) => path); // prettier-ignore

  it('core has none', () => {
    expect(sources.filter(({ path, packages }) => roomOf(path) === 'core' && packages.length > 0)).toEqual([]);
  });

  it('undici is in one file of delivery', () => {
    expect(users('undici')).toEqual(['delivery/undici']);
  });

  it('a framework is named by its own adapter, not below it', () => {
    const named = sources
      .filter(({ path }) => !FRAMEWORKS.has(roomOf(path)))
      .filter(({ packages }) => packages.some((name) => /^(express|koa|fastify|@nestjs\/.*|@types\/.*)$/.test(name)))
      .map(({ path }) => path);
    expect(named).toEqual([]);
  });
});

describe('each file', () => {
  it(`has at most ${MOST_LINES} lines of code`, () => {
    const long = sources.map(({ path, text }) => [path, linesOfCode(text)] as const).filter(([, lines]) => lines > MOST_LINES); // prettier-ignore
    expect(long).toEqual([]);
  });

  it('says in its first line what it does', () => {
    const silent = sources.filter(({ text }) => !/^(#!.*\n)?\/\/ \S.{20,}/.test(text)).map(({ path }) => path);
    expect(silent).toEqual([]);
  });

  it('exports no default, declares no enum and names no place of this machine', () => {
    const found = sources
      .filter(({ text }) => /^export default |^(export )?(const )?enum |\/work\//m.test(text))
      .map(({ path }) => path);
    expect(found).toEqual([]);
  });
});

/** Lines that hold something else than comment and blank. */
function linesOfCode(text: string): number {
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true);
  const lines = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (node.getChildCount(source) === 0 && node.getWidth(source) > 0) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      for (let line = first; line <= last; line++) lines.add(line);
    }
    for (const child of node.getChildren(source)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(source);
  return lines.size;
}

it('the count of code lines knows comments, blanks and texts over several lines', () => {
  expect(linesOfCode('// a\n\n/** b\n * c */\nconst a = `x\n\ny`; // d\n\n/* e */ const b = 1;\n')).toBe(4);
});
