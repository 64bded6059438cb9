// Assertions that say what was expected of which figure; a scenario runs outside of a test runner too.

/** Fails unless `holds`; the figures tell why. */
export function must(claim: string, holds: boolean, figures: unknown): asserts holds {
  if (!holds) throw new Error(`expected that ${claim}, but: ${JSON.stringify(figures)}`);
}
