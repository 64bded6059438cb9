// One word for one thing: no exported name uses a word that the glossary rules out.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(__dirname, '../..');

const [, glossary = ''] =
  /glossary -->\n+((?:\|.*\n)+)/.exec(readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')) ?? [];
/** Single words of the glossary's last column. */
const unwanted = new Set(
  glossary
    .split('\n')
    .slice(2)
    .flatMap((row) => row.split('|')[3]?.split(',') ?? [])
    .map((word) => word.trim())
    .filter((word) => /^[a-z]+$/.test(word)),
);
// Names of others: Node's `lookup` tells, a lost request is Snowplow's own term for a payload that is bad as a whole.
const THEIRS = new Set(['lostRequest', 'lost']);

const wordsOf = (name: string): string[] =>
  name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/);

function exportsOf(path: string): string[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const names: string[] = [];
  for (const statement of source.statements) {
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isExported) continue;
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) names.push(name.getText(source)); // prettier-ignore
    else if ('name' in statement) names.push((statement.name as ts.Identifier).getText(source));
  }
  return names;
}

describe('the glossary', () => {
  it('says which words not to use', () => {
    expect(unwanted.size).toBeGreaterThan(20);
    expect(unwanted).toContain('pump');
  });

  it('holds for every exported name', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const wrong = files.flatMap((file) =>
      exportsOf(join(ROOT, 'src', file))
        .filter((name) => !THEIRS.has(name) && wordsOf(name).some((word) => unwanted.has(word)))
        .map((name) => `${file}: ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('holds for every file name', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => wordsOf(file.split(/[\\/]/).at(-1) as string).some((word) => unwanted.has(word)) && !file.includes('lost-request'))).toEqual([]); // prettier-ignore
  });
});
