// What a type takes its schema takes, and what it refuses its schema refuses: on random data, for each shape of schema.
import { beforeAll, describe, expect, it } from 'vitest';
import { notesOn } from '../../../src/typegen/schema/notes';
import { objectTypeOf } from '../../../src/typegen/schema/read-schema';
import { schemaKey } from '../../../src/typegen/schema/schema-key';
import { moduleText } from '../../../src/typegen/text/module-text';
import { complaintsOf } from './harness/compile';
import { compare, type Findings, makeCases, programOf } from './harness/judge';
import { SHAPES } from './harness/shapes';

const EACH = 25;

describe(`${SHAPES.length} shapes`, () => {
  let findings: Findings;
  let outside: string[];

  beforeAll(() => {
    const keyed = SHAPES.map((shape, index) => ({ ...shape, key: schemaKey(`iglu:test/s${index}/jsonschema/1-0-0`)! }));
    const tracking = moduleText(
      keyed.map(({ key, schema }) => ({ key, type: objectTypeOf(schema), doc: notesOn(schema) })),
    );
    const subjects = keyed.map(({ name, schema }, index) => ({ name, schema, type: `S${index}` }));
    const program = programOf(
      makeCases(subjects, EACH),
      ({ type }) => `tracking.${type}`,
      "import type * as tracking from './tracking';",
    );
    const { lines, messages } = complaintsOf({ 'tracking.ts': tracking, 'program.ts': program.text });
    findings = compare(program, lines);
    outside = messages.filter((message) => !program.lines.has(Number(/program\.ts\((\d+),/.exec(message)?.[1]) - 1));
  });

  it('are many, and the data is neither all right nor all wrong', () => {
    expect(SHAPES.length).toBeGreaterThanOrEqual(150);
    expect(findings.taken).toBeGreaterThan(SHAPES.length * 5);
    expect(findings.refused).toBeGreaterThan(SHAPES.length * 5);
  });

  it('compile under the strictest options', () => {
    expect(outside).toEqual([]);
  });

  it('refuse nothing that the schema takes', () => {
    expect(findings.tooStrict).toEqual([]);
  });

  it('take nothing that the schema refuses, apart from what no type can say', () => {
    expect(findings.tooLoose).toEqual([]);
    expect(findings.listed).toBeGreaterThan(0);
  });
});
