// The complete verification: `node scripts/verify-types.mjs --schemas FOLDER --tsc PATH...`. It takes minutes, so it is no part of the suite.
import { parseArgs } from 'node:util';
import { generate } from '../../../../src/typegen/generate';
import { notesOn } from '../../../../src/typegen/schema/notes';
import { objectTypeOf } from '../../../../src/typegen/schema/read-schema';
import { schemaKey, uriOf } from '../../../../src/typegen/schema/schema-key';
import { documentAt, documentPaths } from '../../../../src/typegen/sources/files';
import { schemaIn } from '../../../../src/typegen/sources/found-schema';
import { moduleText } from '../../../../src/typegen/text/module-text';
import { complaintsOf } from './compile';
import { compare, makeCases, programOf, type Subject } from './judge';
import { SHAPES } from './shapes';

const { values } = parseArgs({
  options: {
    schemas: { type: 'string' },
    tsc: { type: 'string', multiple: true, default: [] as string[] },
    each: { type: 'string', default: '20' },
    shapes: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
  },
});
const seed = Number(values.seed);

interface Part {
  readonly title: string;
  readonly tracking: string;
  readonly subjects: readonly Subject[];
  readonly count: number;
}

/** The type of each schema in a generated file, by its URI. */
const typesIn = (text: string): ReadonlyMap<string, string> =>
  new Map(
    [...text.matchAll(/defineSchema<([^,<>]+), '(iglu:[^']+)'>/g)].map(([, type, uri]) => [uri ?? '', type ?? '']),
  );

function shapesPart(): Part {
  const keyed = SHAPES.map((shape, index) => ({
    ...shape,
    key: schemaKey(`iglu:test/shape${index}/jsonschema/1-0-0`)!,
  }));
  const tracking = moduleText(
    keyed.map(({ key, schema }) => ({ key, type: objectTypeOf(schema), doc: notesOn(schema) })),
  );
  const types = typesIn(tracking);
  const subjects = keyed.map(({ name, schema, key }) => ({ name, schema, type: types.get(uriOf(key))! }));
  return { title: 'shapes', tracking, subjects, count: Number(values.shapes) };
}

async function folderPart(folder: string): Promise<Part> {
  const start = performance.now();
  const { text, schemas, leftOut } = await generate({ sources: [folder], registries: [], specs: [] });
  console.log(
    `${folder}: ${schemas} types, ${leftOut.length} files left out, ${Math.round(performance.now() - start)} ms`,
  );
  const types = typesIn(text);
  const subjects = documentPaths(folder).flatMap((path) => {
    const found = schemaIn(documentAt(path));
    const type = found && types.get(uriOf(found.key));
    return found && type ? [{ name: uriOf(found.key), schema: found.schema, type }] : [];
  });
  return { title: folder, tracking: text, subjects, count: Number(values.each) };
}

async function main(): Promise<void> {
  const parts = [shapesPart(), ...(values.schemas === undefined ? [] : [await folderPart(values.schemas)])];
  for (const { title, tracking, subjects, count } of parts) {
    const cases = makeCases(subjects, count, seed);
    const program = programOf(cases, ({ type }) => `tracking.${type}`, "import type * as tracking from './tracking';");
    const valid = cases.flatMap((each) => each.valid).filter(Boolean).length;
    console.log(`${title}: ${subjects.length} types, ${program.lines.size} objects, ${valid} valid by Ajv`);
    for (const tsc of values.tsc.length > 0 ? values.tsc : [undefined]) {
      const start = performance.now();
      const files = { 'tracking.ts': tracking, 'program.ts': program.text };
      const { lines, messages } = complaintsOf(files, tsc === undefined ? undefined : [tsc]);
      const outside = messages.filter((message) => {
        const line = /program\.ts\((\d+),/.exec(message)?.[1];
        return line === undefined || !program.lines.has(Number(line) - 1);
      });
      const { taken, refused, listed, tooStrict, tooLoose } = compare(program, lines);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(
        `  ${tsc ?? 'tsc'}: ${outside.length} errors in the file, ${taken} taken (${listed} of them refused by Ajv for a listed reason), ${refused} refused, ${tooStrict.length} too strict, ${tooLoose.length} too loose, ${seconds} s`,
      );
      for (const line of [...outside, ...tooStrict, ...tooLoose].slice(0, 20)) console.log(`    ${line.slice(0, 300)}`);
      if (outside.length + tooStrict.length + tooLoose.length > 0) process.exitCode = 1;
    }
  }
}

void main();
