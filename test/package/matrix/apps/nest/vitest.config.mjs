// Keeps Vitest from looking for the package's own settings.
export default { test: { include: ['vitest.test.mjs'] } };
