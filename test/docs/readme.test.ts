// Every code block of the README and of docs/ is right: it compiles against the package's types, and runs where it says so.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../src/collector';
import { Child } from '../support/child';
import { type Block, blocksOf, isCommonJs, nameOf, PAGES, ROOT, wordOf } from './blocks';
import { checkBlocks } from './compile';

const blocks = PAGES.flatMap(blocksOf);

// A door that is not built in this checkout cannot be compiled against.
const lacksDoor = ({ code, preamble }: Block): boolean =>
  [...`${preamble}\n${code}`.matchAll(/['"]snowplow-middleware\/([a-z]+)['"]/g)].some(
    ([, door]) => !existsSync(join(ROOT, 'src', door as string, 'index.ts')),
  );

describe('every code block compiles', () => {
  let findings: ReadonlyMap<Block, readonly string[]>;
  beforeAll(() => {
    findings = checkBlocks(blocks.filter((block) => !lacksDoor(block)));
  }, 60_000);

  it('there are blocks at all', () => expect(blocks.length).toBeGreaterThan(20));

  for (const block of blocks) it.skipIf(lacksDoor(block))(nameOf(block), () => expect(findings.get(block)).toEqual([]));
});

const FOLDER = join(ROOT, 'test/artifacts/blocks');
const runnable = blocks.filter(({ words }) => words.includes('run'));

describe('a block that is marked so does what its page says', () => {
  let collector: Collector;
  let child: Child | undefined;
  beforeAll(() => mkdirSync(FOLDER, { recursive: true }));
  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(async () => {
    await child?.stop();
    await collector.close();
  });

  it('there are such blocks', () => expect(runnable.length).toBeGreaterThan(3));

  for (const block of runnable)
    it.skipIf(lacksDoor(block))(nameOf(block), async () => {
      const port = await freePort();
      const file = join(FOLDER, `${nameOf(block).replace(/\W/g, '-')}.${isCommonJs(block) ? 'cjs' : 'mjs'}`);
      writeFileSync(file, programOf(block, collector.url, port));
      child = new Child(process.execPath, [file], { NODE_ENV: 'test' });
      const path = wordOf(block, 'visit');
      if (path) await visit(`http://127.0.0.1:${port}${path}`, child);
      else expect(await child.exited, child.output).toEqual({ code: 0, signal: null });
      const seen = wordOf(block, 'sees');
      if (seen) await collector.waitFor(JSON.parse(seen) as Record<string, unknown>, 1, 8000);
      const printed = wordOf(block, 'prints');
      if (printed) expect(child.output).toContain(printed);
      collector.assertAllGood();
    });
});

// What a reader replaces by his own: the collector's address, and the port where the app listens.
function programOf({ code, language }: Block, collectorUrl: string, port: number): string {
  const program = code
    .replaceAll(/https:\/\/collector\.acme\.com|http:\/\/127\.0\.0\.1:9090/g, collectorUrl)
    .replace(/listen\(3000/, `listen(${port}`)
    .replace(/port: 3000/, `port: ${port}`);
  if (language === 'js') return program;
  const { ES2023, ESNext } = { ...ts.ScriptTarget, ...ts.ModuleKind };
  return ts.transpileModule(program, {
    compilerOptions: { target: ES2023, module: ESNext, experimentalDecorators: true, emitDecoratorMetadata: true },
  }).outputText;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function visit(url: string, { process: app, ...child }: Child): Promise<void> {
  for (let attempt = 0; attempt < 200 && app.exitCode === null; attempt++) {
    try {
      const response = await fetch(url);
      expect(response.status).toBe(200);
      return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error(`the app never answered; it printed:\n${child.output}`);
}
