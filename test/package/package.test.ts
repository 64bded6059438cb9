// The packed package, as npm installs it: what is in it, how it loads by import and require, and with what beside it.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(__dirname, '../..');

interface Manifest {
  readonly main: string;
  readonly types: string;
  readonly bin: Record<string, string>;
  readonly engines: { readonly node: string };
  readonly sideEffects: unknown;
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly peerDependenciesMeta: Record<string, { readonly optional?: boolean }>;
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>;
  readonly typesVersions: { readonly '*': Record<string, readonly string[]> };
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const doors = Object.keys(manifest.exports)
  .filter((door) => door !== './package.json')
  .map((door) => ({ door, specifier: `snowplow-middleware${door.slice(1)}` }));

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let packed: Packed;
let folder: string;

/** An app that has installed the package and undici, and nothing else. */
let app: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  const json = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  [packed] = JSON.parse(json) as [Packed];
  app = join(folder, 'app');
  const modules = join(app, 'node_modules');
  mkdirSync(modules, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '-C', modules]);
  cpSync(join(modules, 'package'), join(modules, 'snowplow-middleware'), { recursive: true });
  rmSync(join(modules, 'package'), { recursive: true });
  cpSync(join(ROOT, 'node_modules/undici'), join(modules, 'undici'), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed files', () => {
  it('are the build and four papers', () => {
    const expected = /^(?:dist\/.+\.(?:js|d\.ts|html|css|svg)|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/;
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => !expected.test(path))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json']));
  });

  it('stay below 250 kB packed and 1 MB unpacked', () => {
    expect(packed.size).toBeLessThan(250_000);
    expect(packed.unpackedSize).toBeLessThan(1_000_000);
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

  it('name no folder of the machine that built them', () => {
    const found = packed.files.filter(({ path }) =>
      readFileSync(join(app, 'node_modules/snowplow-middleware', path), 'utf8').includes(ROOT),
    );
    expect(found).toEqual([]);
  });
});

describe('the manifest', () => {
  it('has one run-time dependency, undici', () => expect(Object.keys(manifest.dependencies)).toEqual(['undici']));

  it('runs nothing when it is installed', () => {
    const onInstall = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'preprepare', 'postprepare'];
    expect(onInstall.filter((script) => script in manifest.scripts)).toEqual([]);
  });

  it('asks for no peer that is not optional', () => {
    const asked = Object.keys(manifest.peerDependencies).filter(
      (peer) => !manifest.peerDependenciesMeta[peer]?.optional,
    );
    expect(asked).toEqual([]);
  });

  it('says that a module nobody uses may be left out, and which Node it needs', () => {
    expect(manifest.sideEffects).toBe(false);
    expect(manifest.engines.node).toBe('>=20.19');
  });

  it('gives types first, and every door its types for older resolution', () => {
    for (const target of Object.values(manifest.exports))
      if (typeof target === 'object') expect(Object.keys(target)[0]).toBe('types');
    const expected = doors.map(({ door }) => door.slice(2)).filter((door) => door !== '');
    expect(Object.keys(manifest.typesVersions['*']).sort()).toEqual(expected.sort());
  });
});

/** Runs a program in the app: what it printed and warned of, or the error that it died of. */
function run(name: string, source: string): { printed: string; warned: string; error: string } {
  const file = join(app, name);
  writeFileSync(file, source);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: app, encoding: 'utf8' });
  return { printed: stdout.trim(), warned: status === 0 ? stderr : '', error: status === 0 ? '' : stderr };
}

/** What npm may be asked to install, by a message that names it. */
const SAYS_WHAT_TO_INSTALL = /npm (?:i|install) [@\w/ -]+/;

// Nest's decorators and modules are made when the door loads: without Nest there is nothing to load.
const NEEDS_ITS_FRAMEWORK: ReadonlySet<string> = new Set(['./nest']);

const byRequire = (specifier: string) =>
  run('required.cjs', `console.log(Object.keys(require('${specifier}')).sort().join())`);
const byImport = (specifier: string) =>
  run(
    'imported.mjs',
    `import * as door from '${specifier}';
    const added = ['__esModule', 'default', 'module.exports'];
    console.log(Object.keys(door).filter((name) => !added.includes(name)).sort().join());`,
  );

describe.each(doors)('the door $door, with no optional peer installed', ({ door, specifier }) => {
  if (NEEDS_ITS_FRAMEWORK.has(door))
    it('says what to install', () => {
      expect(byRequire(specifier).error).toMatch(SAYS_WHAT_TO_INSTALL);
      expect(byImport(specifier).error).toMatch(SAYS_WHAT_TO_INSTALL);
    });
  else
    it('loads by require and by import, with the same names', () => {
      const required = byRequire(specifier);
      expect(required.error).toBe('');
      expect(required.printed).not.toBe('');
      expect(byImport(specifier)).toEqual(required);
    });
});

describe('without its optional peers', () => {
  it('is one package to import and require: the classes are the same', () => {
    const source = `import { createRequire } from 'node:module';
      import { Tracker } from 'snowplow-middleware';
      console.log(createRequire(import.meta.url)('snowplow-middleware').Tracker === Tracker);`;
    expect(run('same.mjs', source)).toEqual({ printed: 'true', warned: '', error: '' });
  });

  it('takes an event from a tracker to its own collector', () => {
    const source = `const { createTracker } = require('snowplow-middleware');
      const { startCollector } = require('snowplow-middleware/collector');
      (async () => {
        const collector = await startCollector();
        const tracker = createTracker({ endpoint: collector.url });
        tracker.trackStructEvent({ category: 'shop', action: 'pay' });
        await tracker.close();
        console.log(collector.good().length, collector.bad().length);
        await collector.close();
      })();`;
    expect(run('event.cjs', source)).toEqual({ printed: '1 0', warned: '', error: '' });
  });

  it('says what to install when the collector is to check schemas', () => {
    const source = `require('snowplow-middleware/collector').startCollector({ iglu: ['.'] })
      .then((collector) => collector.close());`;
    expect(run('schemas.cjs', source).warned).toMatch(SAYS_WHAT_TO_INSTALL);
  });

  it('says what to install when events are to be kept on disk', () => {
    const source = `require('snowplow-middleware').createTracker({ endpoint: 'c.acme.com', durable: './events' })`;
    expect(run('durable.cjs', source).error).toMatch(SAYS_WHAT_TO_INSTALL);
  });
});
