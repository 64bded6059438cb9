// The package as npm packs it, unpacked into an app with undici and only the requested other packages.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const ROOT = join(__dirname, '../..');

export interface Manifest {
  readonly main: string;
  readonly types: string;
  readonly files: readonly string[];
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
export const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

/** The entry points, as an app imports them: `./express` is `snowplow-middleware/express`. */
export const entryPoints = Object.keys(manifest.exports)
  .filter((entryPoint) => entryPoint !== './package.json')
  .map((entryPoint) => ({ entryPoint, specifier: `snowplow-middleware${entryPoint.slice(1)}` }));

/** What npm says of a package that it has packed. */
export interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** A tarball in a folder of its own, which the caller removes. */
export function pack(): { folder: string; packed: Packed } {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  const json = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [packed] = JSON.parse(json) as [Packed];
  return { folder, packed };
}

/** An app with the package, undici and `packages` in its node_modules; below those, whatever they need themselves. */
export function makeApp(folder: string, { filename }: Packed, name: string, packages: readonly string[] = []): string {
  const modules = join(folder, name, 'node_modules');
  const own = join(modules, 'snowplow-middleware');
  mkdirSync(own, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', own, '--strip-components=1']);
  cpSync(join(ROOT, 'node_modules/undici'), join(modules, 'undici'), { recursive: true });
  for (const needed of packages) {
    mkdirSync(dirname(join(modules, needed)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', needed), join(modules, needed));
  }
  return join(folder, name);
}
