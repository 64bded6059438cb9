// Packs the package once for a run of the suite, and unpacks it whole.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { discard, pack, unpack } from './package';

declare module 'vitest' {
  interface ProvidedContext {
    /** What npm packed. */
    tarball: string;
    /** Where it lies unpacked. */
    root: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'faults-pack-'));
  const tarball = pack(folder);
  const root = unpack(tarball);
  project.provide('tarball', tarball);
  project.provide('root', root);
  return () => {
    discard(root);
    discard(folder);
  };
}
