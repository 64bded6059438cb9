// Compiles the sources into a folder of their own, where no package can be found.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';

/** Afterwards `folder` holds `dist` and `package.json`. */
export function compileTo(folder: string): void {
  const { status, stdout } = spawnSync(
    join(process.cwd(), 'node_modules/.bin/tsc'),
    ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist'), '--declaration', 'false'],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`tsc: ${stdout}`);
  cpSync('src/collector/page', join(folder, 'dist/collector/page'), { recursive: true });
  copyFileSync('package.json', join(folder, 'package.json'));
}
