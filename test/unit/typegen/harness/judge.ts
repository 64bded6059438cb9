// Judges data twice: by the schema, with Ajv, and by the type that was made of it, with a TypeScript compiler.
import Ajv from 'ajv-draft-04';
import { closeUnions } from '../../../../src/typegen/schema/close-unions';
import { dataTypeOf } from '../../../../src/typegen/schema/read-schema';
import { typeText } from '../../../../src/typegen/text/type-text';
import { loosened } from './loosened';
import { RandomData, type Schema } from './random-data';

/** A schema with a name for it. */
export interface Subject {
  readonly name: string;
  readonly schema: Schema;
  /** The name of its type in a generated file. */
  readonly type?: string;
}

/** Data of one subject, and what Ajv says of each. */
export interface Case {
  readonly subject: Subject;
  readonly data: readonly object[];
  /** By the schema as it is. */
  readonly valid: readonly boolean[];
  /** By the schema without what no type can say. */
  readonly loose: readonly boolean[];
}

const compiled = (schema: unknown): ((data: unknown) => boolean) => {
  const ajv = new Ajv({
    strict: false,
    logger: false,
    validateSchema: false,
    unicodeRegExp: false,
    ownProperties: true,
  });
  const { $schema: _schema, self: _self, id: _id, ...own } = schema as Schema;
  return ajv.compile(own) as (data: unknown) => boolean;
};

/** Makes data, `count` for each subject, and asks Ajv. */
export function makeCases(subjects: readonly Subject[], count: number, seed = 1): Case[] {
  return subjects.map((subject, index) => {
    const random = new RandomData(subject.schema, seed * 7919 + index);
    const [strict, loose] = [compiled(subject.schema), compiled(loosened(subject.schema))];
    const made = Array.from({ length: count }, () => random.next());
    // A file's types are those of events and entities, and never of an array.
    const data = subject.type === undefined ? made : made.map((each) => (Array.isArray(each) ? {} : each));
    return { subject, data, valid: data.map((each) => strict(each)), loose: data.map((each) => loose(each)) };
  });
}

/** A program in which each line from `line` on is one piece of data, checked by its type. */
export interface Program {
  readonly text: string;
  /** The case and the place in it, by line. */
  readonly lines: ReadonlyMap<number, readonly [at: Case, index: number]>;
}

export function programOf(cases: readonly Case[], textOf = ownType, head = 'export {};'): Program {
  const lines = new Map<number, readonly [Case, number]>();
  const text: string[] = [];
  for (const [number, at] of cases.entries()) {
    text.push(...`declare function take${number}(data: ${textOf(at.subject)}): void;`.split('\n'));
    for (const [index, data] of at.data.entries()) {
      lines.set(text.length, [at, index]);
      text.push(`take${number}(${onOneLine(data)});`);
    }
  }
  return {
    text: `${head}\n${text.join('\n')}\n`,
    lines: new Map([...lines].map(([line, entry]) => [line + 1, entry])),
  };
}

// A line separator inside a text would count as the end of a line.
const onOneLine = (data: unknown): string =>
  JSON.stringify(data)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);

const ownType = ({ schema }: Subject): string => typeText(closeUnions(dataTypeOf(schema)), '');

/** Where type and schema disagree. */
export interface Findings {
  readonly taken: number;
  readonly refused: number;
  /** Ajv takes it, the type does not. */
  readonly tooStrict: readonly string[];
  /** The type takes it, Ajv does not, for a reason that is not listed. */
  readonly tooLoose: readonly string[];
  /** The type takes it, Ajv does not, for a reason that is listed. */
  readonly listed: number;
}

/** @param wrong The lines, from 0, of which the compiler complains. */
export function compare({ lines }: Program, wrong: ReadonlySet<number>): Findings {
  const [tooStrict, tooLoose]: [string[], string[]] = [[], []];
  let [taken, refused, listed] = [0, 0, 0];
  for (const [line, [{ subject, data, valid, loose }, index]] of lines) {
    const isTaken = !wrong.has(line);
    if (isTaken) taken++;
    else refused++;
    const text = `${subject.name}: ${JSON.stringify(data[index])}`;
    if (!isTaken && valid[index]) tooStrict.push(text);
    if (isTaken && !loose[index]) tooLoose.push(text);
    else if (isTaken && !valid[index]) listed++;
  }
  return { taken, refused, tooStrict, tooLoose, listed };
}
