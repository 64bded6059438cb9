// The built package in a folder of its own, where no other package can be found.
import { copyFileSync, cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';

/** Afterwards `folder` holds `dist` and `package.json`, as `npm run build` left them. */
export function copyBuiltPackage(folder: string): void {
  if (!existsSync('dist/index.js')) throw new Error('the package is not built: npm run build');
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  copyFileSync('package.json', join(folder, 'package.json'));
}
