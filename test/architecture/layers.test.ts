// Checks the architecture: who may import whom, no cycles, no barrels inside, no framework below its adapter, small files.
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, sep } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(__dirname, '../../src');
const MOST_LINES = 250;

interface Source {
  /** `core/tracker/encode`, without the suffix. */
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

// From the ground up: what stands in one layer, and may import what is below it.
const LAYERS: readonly (readonly string[])[] = [
  ['core'],
  ['delivery'],
  ['disk', 'redis', 'bullmq'],
  ['create-tracker', 'registry', 'middleware'],
  ['express', 'koa', 'fastify', 'collector', 'ecommerce', 'typegen'],
  // Runs on Express or on Fastify, and mounts what their entry points are made of.
  ['nest'],
  ['index', 'cli'],
];
// The rooms of core, from the ground up. Files of core itself are below them all.
const ROOMS_OF_CORE = ['url', 'protocol', 'events', 'tracker', 'request'].map((room) => `core/${room}`);
const moduleOf = (path: string): string => path.split('/', 1)[0] as string;
const layerOf = (path: string): number => LAYERS.findIndex((modules) => modules.includes(moduleOf(path)));
/** A file at the top of a module stands for itself: the module's ports are below its rooms, its entry point above them. */
const roomOf = (path: string): string => (path.split('/').length < 3 ? path : dirname(path));
const MOST_FILES = 12;

const FRAMEWORKS = new Set(['express', 'koa', 'fastify', 'nest']);
/** Modules that take less than everything below them. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  express: ['express', 'middleware', 'create-tracker', 'core'],
  koa: ['koa', 'middleware', 'create-tracker', 'core'],
  fastify: ['fastify', 'middleware', 'create-tracker', 'core'],
  collector: ['collector', 'core'],
  ecommerce: ['ecommerce', 'core'],
  typegen: ['typegen', 'core'],
};

/** The cycles of a graph, each as its nodes in order. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): void => {
    const start = trail.indexOf(node);
    if (start >= 0) return void cycles.push([...trail.slice(start), node].join(' -> '));
    if (done.has(node)) return;
    for (const to of graph.get(node) ?? []) visit(to, [...trail, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return cycles;
}

describe('the layers of src', () => {
  it('give every file a place', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.filter(({ path }) => layerOf(path) < 0).map(({ path }) => path)).toEqual([]);
  });

  it('resolve every import to a file', () => {
    const missing = sources.flatMap(({ path, imports }) => imports.filter((to) => !paths.has(to)).map((to) => `${path} -> ${to}`)); // prettier-ignore
    expect(missing).toEqual([]);
  });

  it('import only downwards, or within their module', () => {
    const upward = sources.flatMap(({ path, imports }) =>
      imports
        .filter((to) => moduleOf(to) !== moduleOf(path))
        .filter(
          (to) =>
            layerOf(to) > layerOf(path) || (layerOf(to) === layerOf(path) && path.includes('/') && to.includes('/')),
        ) // prettier-ignore
        .map((to) => `${path} -> ${to}`),
    );
    expect(upward).toEqual([]);
  });

  it('have no upward import between the folders of core', () => {
    const rankOf = (path: string): number => ROOMS_OF_CORE.indexOf(roomOf(path));
    const upward = sources
      .filter(({ path }) => moduleOf(path) === 'core')
      .flatMap(({ path, imports }) =>
        imports.filter((to) => rankOf(to) > rankOf(path)).map((to) => `${path} -> ${to}`),
      );
    expect(upward).toEqual([]);
  });

  it('let adapters import only what they may', () => {
    const wrong = sources.flatMap(({ path, imports }) => {
      const allowed = ONLY[moduleOf(path)];
      return imports.filter((to) => allowed && !allowed.includes(moduleOf(to))).map((to) => `${path} -> ${to}`);
    });
    expect(wrong).toEqual([]);
  });

  it('have no import cycle between files', () => {
    expect(cyclesOf(new Map(sources.map(({ path, imports }) => [path, imports])))).toEqual([]);
  });

  it('have no import cycle between folders', () => {
    const rooms = new Map<string, string[]>();
    for (const { path, imports } of sources) {
      const others = imports.map(roomOf).filter((room) => room !== roomOf(path));
      rooms.set(roomOf(path), [...(rooms.get(roomOf(path)) ?? []), ...others]);
    }
    expect(cyclesOf(rooms)).toEqual([]);
  });

  it(`have at most ${MOST_FILES} files in a folder`, () => {
    const counts = new Map<string, number>();
    for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([, files]) => files > MOST_FILES)).toEqual([]);
  });

  it('have no barrel import: each file names the file that it uses', () => {
    const barrels = sources
      .filter(({ path }) => path !== 'index')
      .flatMap(({ path, imports }) => imports.filter((to) => /(^|\/)index$/.test(to)).map((to) => `${path} -> ${to}`));
    expect(barrels).toEqual([]);
  });
});

describe('packages', () => {
  const users = (name: string): string[] => sources.filter(({ packages }) => packages.includes(name)).map(({ path }) => path); // prettier-ignore

  it('core has none', () => {
    expect(sources.filter(({ path, packages }) => moduleOf(path) === 'core' && packages.length > 0)).toEqual([]);
  });

  it('undici is in one file of delivery', () => {
    expect(users('undici')).toEqual(['delivery/http/undici']);
  });

  it('a framework is named by its own adapter, not below it', () => {
    const named = sources
      .filter(({ path }) => !FRAMEWORKS.has(moduleOf(path)))
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

  it('has no default export, no enum and no path of this machine', () => {
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

it('the count of code lines handles comments, blank lines and multi-line strings', () => {
  expect(linesOfCode('// a\n\n/** b\n * c */\nconst a = `x\n\ny`; // d\n\n/* e */ const b = 1;\n')).toBe(4);
});
