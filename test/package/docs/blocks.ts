// The code blocks of the README and of docs/, with the comment in front of each.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(__dirname, '../../..');

/** The documents a reader sees, relative to the repository. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...(existsSync(join(ROOT, 'docs')) ? readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`) : []),
].filter((page) => page.endsWith('.md') && existsSync(join(ROOT, page)));

export const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/**
 * A block of ts or js. A comment right before it may hold words about the block on its first line, and below them
 * declarations that its reader has in the code around it:
 *
 *     <!-- example run visit=/basket sees={"e":"se"}
 *     declare const app: import('express').Express;
 *     -->
 *
 * `run` has it run against a collector. `visit` are paths to ask for, `shows` is what the last answer must hold, `prints`
 * what the program must print, `node` the version of Node that it needs, and `sees` a filter that an event must meet. `checked` has the collector check entities
 * against the package's own schemas.
 */
export interface Block {
  readonly page: string;
  /** The line of its first line of code. */
  readonly line: number;
  readonly language: 'ts' | 'js';
  readonly code: string;
  readonly preamble: string;
  readonly words: readonly string[];
}

const FENCE = /(?:<!-- example([^\n]*?)(?:\n([\s\S]*?))?-->\n+)?^```(ts|js)\n([\s\S]*?)^```$/gm;

export function blocksOf(page: string): Block[] {
  // What stands in a longer fence is text about blocks.
  const text = textOf(page).replaceAll(/^````md\n[\s\S]*?^````$/gm, (outer) => outer.replaceAll(/[^\n]/g, ''));
  return [...text.matchAll(FENCE)].map((match) => {
    const [whole, words = '', preamble = '', language, code] = match as unknown as string[];
    const before =
      text.slice(0, match.index) + (whole as string).slice(0, (whole as string).indexOf(`\`\`\`${language}`));
    return {
      page,
      line: before.split('\n').length + 1,
      language: language as 'ts' | 'js',
      code: code as string,
      preamble,
      words: words.trim().split(/\s+/).filter(Boolean),
    };
  });
}

export const nameOf = ({ page, line }: Block): string => `${page}:${line}`;

/** What a block's comment says after `name=`. */
export const wordOf = ({ words }: Block, name: string): string | undefined =>
  words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);

/** Whether a block is written in CommonJS. */
export const isCommonJs = ({ language, code }: Block): boolean => language === 'js' && /\brequire\(/.test(code);
