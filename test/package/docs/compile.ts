// Compiles code blocks against the package's types, all in one program of the TypeScript compiler.
import { join } from 'node:path';
import ts from 'typescript';
import { type Block, isCommonJs, nameOf, ROOT } from './blocks';

/** Each block's findings, as a reader would see them in his editor: line of the page, and message. */
export function checkBlocks(blocks: readonly Block[]): ReadonlyMap<Block, readonly string[]> {
  const files = new Map(blocks.map((block) => [fileOf(block), { block, text: sourceOf(block) }]));
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name)?.text ?? readFile(name);
  host.getSourceFile = (name, language, ...rest) => {
    const file = files.get(name);
    return file ? ts.createSourceFile(name, file.text, language) : getSourceFile(name, language, ...rest);
  };
  const program = ts.createProgram([...files.keys(), join(__dirname, 'sqlite.d.ts')], options, host);
  return new Map(
    [...files].map(([name, { block }]) => {
      const source = program.getSourceFile(name);
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [block, found.map((diagnostic) => worded(block, diagnostic))];
    }),
  );
}

// Beside the documents, so that packages are found where a reader of this repository finds them.
const fileOf = (block: Block): string =>
  join(ROOT, `${nameOf(block).replace(/\W/g, '-')}.block.${isCommonJs(block) ? 'cjs' : 'mts'}`);

const sourceOf = (block: Block): string =>
  `${block.preamble}${block.preamble && !block.preamble.endsWith('\n') ? '\n' : ''}${block.code}${isCommonJs(block) ? '' : '\nexport {};\n'}`;

function compilerOptions(): ts.CompilerOptions {
  const path = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, ROOT);
  // A block is a part of a program: what it declares may be for the reader.
  return { ...options, allowJs: true, checkJs: true, noUnusedLocals: false, noUnusedParameters: false };
}

function worded(block: Block, { file, start, messageText }: ts.Diagnostic): string {
  const above = block.preamble ? block.preamble.split('\n').length - (block.preamble.endsWith('\n') ? 1 : 0) : 0;
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line - above : 0;
  return `${block.page}:${block.line + line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
}
