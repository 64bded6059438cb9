// Test projects: `main` is what `npm test` runs; the longer suites have commands of their own.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Bounds for what hangs, not for what is slow: a machine with other work takes several times as long.
const shared = { environment: 'node', testTimeout: 180_000, hookTimeout: 180_000 } as const;

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    // One more than the cores: many of the tests wait for processes of their own.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'main',
          include: ['test/**/*.test.ts'],
          exclude: ['test/resilience/faults/**', 'test/package/matrix/**', '**/node_modules/**'],
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'faults',
          include: ['test/resilience/faults/**/*.test.ts'],
          globalSetup: 'test/resilience/faults/harness/setup.ts',
          testTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'soak',
          include: ['test/resilience/faults/soak/*.soak.ts'],
          globalSetup: 'test/resilience/faults/harness/setup.ts',
          testTimeout: 0,
        },
      },
    ],
  },
});
