// The commands in the documents exist, and no code block escapes the tests.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, PAGES, ROOT, textOf } from './blocks';

const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
const helpOf = (file: string): string => readFileSync(join(ROOT, 'src', file), 'utf8');
const HELP: Readonly<Record<string, string>> = {
  collector: helpOf('cli/collector.ts'),
  worker: helpOf('cli/worker.ts'),
  disk: helpOf('cli/disk.ts'),
  types: helpOf('cli/types.ts'),
};

describe.each(PAGES)('%s', (page) => {
  const text = textOf(page);

  it('names npm scripts that exist', () => {
    const named = [...text.matchAll(/\bnpm run ([\w:]+)/g)].map(([, name]) => name as string);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('names commands of the package, and options of them, that exist', () => {
    const wrong = [...text.matchAll(/\bsnowplow-middleware (collector|worker|disk|types)\b([^\n`|]*)/g)].flatMap(
      ([command, name, rest = '']) =>
        [...rest.matchAll(/--([\w-]+)/g)]
          .filter(([option]) => !HELP[name as string]?.includes(`  ${option} `))
          .map(([option]) => `${command}: ${option}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no code block in an unknown language or outside the reach of the tests', () => {
    // What stands in a longer fence is text about blocks.
    const own = text.replaceAll(/^````md\n[\s\S]*?^````$/gm, '');
    const languages = [...own.matchAll(/^[ >\t]*(?:```|~~~)([^\n`]+)$/gm)].map(([fence, language]) => [
      fence,
      language,
    ]);
    const unknown = languages.filter(
      ([, language]) => !['ts', 'js', 'sh', 'text', 'mermaid'].includes(language as string),
    );
    expect(unknown).toEqual([]);
    const code = languages.filter(([, language]) => language === 'ts' || language === 'js');
    expect(blocksOf(page)).toHaveLength(code.length);
  });
});
