// The contents of the packed package, and its manifest.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryPoints, makeApp, manifest, pack, type Packed, ROOT } from './packed';

let packed: Packed;
let folder: string;

/** The folder of the package in an app that has installed it. */
let installed: string;

beforeAll(() => {
  ({ folder, packed } = pack());
  installed = join(makeApp(folder, packed, 'app'), 'node_modules/snowplow-middleware');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const filesIn = (name: string): string[] =>
  readdirSync(join(ROOT, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(ROOT.length + 1)
        .split(sep)
        .join('/'),
    );

describe('the packed files', () => {
  it('are the build of each source, the schemas and four documents', () => {
    // The live page's files are in the build of a module.
    const built = filesIn('src').flatMap((path) => {
      const target = path.replace(/^src/, 'dist');
      return path.endsWith('.ts') ? [target.replace(/ts$/, 'js'), target.replace(/ts$/, 'd.ts')] : [];
    });
    const expected = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', ...filesIn('schemas'), ...built];
    expect(packed.files.map(({ path }) => path).sort()).toEqual(expected.sort());
  });

  it('stay below 350 kB packed and 1,150 kB unpacked', () => {
    expect(packed.size).toBeLessThan(350_000);
    expect(packed.unpackedSize).toBeLessThan(1_150_000);
  });

  it('hold every file that the manifest points to', () => {
    const targets = [
      manifest.main,
      manifest.types,
      ...Object.values(manifest.bin),
      ...Object.values(manifest.exports).flatMap((target) =>
        typeof target === 'string' ? [target] : [target.types, target.default],
      ),
      ...Object.values(manifest.typesVersions['*']).flat(),
    ];
    const paths = new Set(packed.files.map(({ path }) => `./${path}`));
    expect(targets.filter((target) => !paths.has(target))).toEqual([]);
  });

  it('publish no type that is internal', () => {
    const types = packed.files.filter(({ path }) => path.endsWith('.d.ts'));
    const found = types.filter(({ path }) => readFileSync(join(installed, path), 'utf8').includes('@internal'));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  it('name no folder of the machine that built them', () => {
    const found = packed.files.filter(({ path }) => readFileSync(join(installed, path), 'utf8').includes(ROOT));
    expect(found).toEqual([]);
  });
});

describe('the manifest', () => {
  it('has one run-time dependency, undici', () => expect(Object.keys(manifest.dependencies)).toEqual(['undici']));

  it('runs nothing when it is installed', () => {
    const onInstall = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'preprepare', 'postprepare'];
    expect(onInstall.filter((script) => script in manifest.scripts)).toEqual([]);
  });

  it('has only optional peers', () => {
    const asked = Object.keys(manifest.peerDependencies).filter(
      (peer) => !manifest.peerDependenciesMeta[peer]?.optional,
    );
    expect(asked).toEqual([]);
  });

  it('declares that unused modules have no side effects, and which Node it needs', () => {
    expect(manifest.sideEffects).toBe(false);
    expect(manifest.engines.node).toBe('>=20.19');
  });

  it('lists types first, and gives every entry point its types for older resolution', () => {
    for (const target of Object.values(manifest.exports))
      if (typeof target === 'object') expect(Object.keys(target)[0]).toBe('types');
    const expected = entryPoints.map(({ entryPoint }) => entryPoint.slice(2)).filter((entryPoint) => entryPoint !== '');
    expect(Object.keys(manifest.typesVersions['*']).sort()).toEqual(expected.sort());
  });
});

describe.each(['.', 'bench', 'test/package/matrix/nest10', 'test/package/matrix/nest11', 'test/package/matrix/nest12'])(
  'the lock file of %s',
  (path) => {
    const lock = JSON.parse(readFileSync(join(ROOT, path, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { integrity?: string; resolved?: string; link?: boolean }>;
    };
    const installed = Object.entries(lock.packages).filter(
      ([place, { link }]) => /(^|\/)node_modules\//.test(place) && !link,
    );

    it('has a checksum for every download, and no URL', () => {
      expect(installed.length).toBeGreaterThan(0);
      expect(
        installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([place]) => place),
      ).toEqual([]);
      expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([place]) => place)).toEqual([]);
    });
  },
);
