// The built package in a separate folder, where it can find no other package.
import { copyFileSync, cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';

/** Afterwards `folder` holds `dist`, as `npm run build` left it, `schemas` and `package.json`. */
export function copyBuiltPackage(folder: string): void {
  if (!existsSync('dist/index.js')) throw new Error('the package is not built: npm run build');
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  cpSync('schemas', join(folder, 'schemas'), { recursive: true });
  copyFileSync('package.json', join(folder, 'package.json'));
}
