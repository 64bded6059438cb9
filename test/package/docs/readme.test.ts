// Every code block of the README and of docs/ compiles against the package's types, and runs if it says so.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector } from '../../../src/collector';
import { Child } from '../../support/child';
import { type Block, blocksOf, isCommonJs, nameOf, PAGES, ROOT, wordOf } from './blocks';
import { checkBlocks } from './compile';

const blocks = PAGES.flatMap(blocksOf);

describe('every code block compiles', () => {
  let findings: ReadonlyMap<Block, readonly string[]>;
  beforeAll(() => {
    findings = checkBlocks(blocks);
  });

  it('there are code blocks', () => expect(blocks.length).toBeGreaterThan(20));

  for (const block of blocks) it(nameOf(block), () => expect(findings.get(block)).toEqual([]));
});

// Inside the repository, where the package finds itself by its name.
const FOLDER = join(ROOT, 'test/artifacts/blocks');
const runnable = blocks.filter(({ words }) => words.includes('run'));

// Side by side, because an event may wait its five seconds for company.
describe.concurrent('a block marked with run does what its page says', () => {
  beforeAll(() => mkdirSync(FOLDER, { recursive: true }));
  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

  it('there are such blocks to run', ({ expect: expectHere }) => expectHere(runnable.length).toBeGreaterThan(8));

  const [major = 0] = process.versions.node.split('.').map(Number);
  for (const block of runnable.filter((one) => major >= Number(wordOf(one, 'node') ?? 0)))
    it(nameOf(block), async ({ expect: expectHere, onTestFinished }) => {
      const collector = await startCollector({ iglu: block.words.includes('checked') ? [join(ROOT, 'schemas')] : [] });
      onTestFinished(() => collector.close());
      const file = join(FOLDER, `${nameOf(block).replace(/\W/g, '-')}.${isCommonJs(block) ? 'cjs' : 'mjs'}`);
      writeFileSync(file, programOf(block, collector.url));
      const child = new Child(process.execPath, ['--import', TELLING, file], { NODE_ENV: 'test' });
      onTestFinished(() => child.stop());

      const paths = wordOf(block, 'visit')?.split(',');
      if (!paths) expectHere(await child.exited, child.output).toEqual({ code: 0, signal: null });
      let shown = '';
      for (const path of paths ?? []) shown = await visit(path, child);
      expectHere(shown).toContain(wordOf(block, 'shows') ?? '');
      expectHere(child.output).toContain(wordOf(block, 'prints') ?? '');
      const seen = wordOf(block, 'sees');
      if (seen) await collector.waitFor(JSON.parse(seen) as Record<string, unknown>, 1, 30_000);
      collector.assertAllGood();
    });
});

// What a reader replaces by his own: the collector's address, and the port where the app listens.
function programOf({ code, language }: Block, collectorUrl: string): string {
  const program = code
    .replaceAll('https://collector.acme.com', collectorUrl)
    .replace(/listen\(3000/, 'listen(0')
    .replace(/port: 3000/, 'port: 0');
  if (language === 'js') return program;
  const compilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  };
  return ts.transpileModule(program, { compilerOptions }).outputText;
}

// Has a program say where it listens: a port that is free beforehand may be somebody else's by then.
const TELLING = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    this.once('listening', () => console.log('listens on', this.address().port));
    return listen.apply(this, args);
  };
`)}`;

/** Asks as soon as the app listens. */
async function visit(path: string, child: Child): Promise<string> {
  const [, port] = await child.printed(/listens on (\d+)/);
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  if (!response.ok) throw new Error(`${path} answered ${response.status}; the app printed:\n${child.output}`);
  return response.text();
}
