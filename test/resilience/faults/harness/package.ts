// The package as users get it: built, packed by npm, unpacked beside links to its dependencies; whole, or with a fault planted.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const PROJECT = resolve(__dirname, '../../../..');

/** A change to one built file: `find` must be there exactly once, so that a mutant is never the original by mistake. */
export interface Patch {
  /** The file below `dist`. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** Builds and packs the package. Returns the tarball's path. */
export function pack(folder: string): string {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: PROJECT, stdio: 'inherit' });
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  return join(folder, execFileSync('npm', args, { cwd: PROJECT, encoding: 'utf8' }).trim());
}

/**
 * Unpacks a tarball into a folder of its own, in which programs find the package and the project's dependencies by name.
 *
 * @returns the folder; `host.mjs` in it is the program that scenarios run.
 */
export function unpack(tarball: string, patches: readonly Patch[] = []): string {
  const root = mkdtempSync(join(tmpdir(), 'faults-'));
  const modules = join(root, 'node_modules');
  const own = join(modules, 'snowplow-middleware');
  mkdirSync(own, { recursive: true });
  for (const name of readdirSync(join(PROJECT, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(PROJECT, 'node_modules', name), join(modules, name));
  execFileSync('tar', ['-xzf', tarball, '-C', own, '--strip-components=1']);
  for (const file of ['host.mjs', 'frameworks.mjs', 'loop.mjs']) cpSync(join(__dirname, file), join(root, file));
  for (const patch of patches) plant(join(own, 'dist'), patch);
  return root;
}

/** Removes a folder that {@link unpack} made. */
export const discard = (root: string): void => rmSync(root, { recursive: true, force: true });

function plant(dist: string, { file, find, put }: Patch): void {
  const path = join(dist, file);
  const text = readFileSync(path, 'utf8');
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`the patch of ${file} fits ${places} places: ${find}`);
  writeFileSync(
    path,
    text.replace(find, () => put),
  );
}
