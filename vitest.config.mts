// Test projects: `main` is what `npm test` runs; the longer suites have commands of their own.
import { defineConfig } from 'vitest/config';

const shared = { environment: 'node', testTimeout: 15_000, hookTimeout: 30_000 } as const;

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'main',
          include: ['test/**/*.test.ts'],
          exclude: ['test/faults/**', 'test/matrix/**', '**/node_modules/**'],
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: 'test/faults/harness/setup.ts',
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'soak',
          include: ['test/faults/soak/*.soak.ts'],
          globalSetup: 'test/faults/harness/setup.ts',
          testTimeout: 0,
        },
      },
    ],
  },
});
