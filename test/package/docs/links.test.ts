// Every link in the documents works, the README links to every page, and the map of the code matches the code.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PAGES, ROOT, textOf } from './blocks';

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');

/** What GitHub makes of a heading: lower case, punctuation dropped, spaces turned into dashes. */
const anchorsOf = (page: string): Set<string> => {
  const seen = new Map<string, number>();
  const headings = textOf(page)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) => {
      const slug = (heading as string)
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-');
      const times = seen.get(slug) ?? 0;
      seen.set(slug, times + 1);
      return times === 0 ? slug : `${slug}-${times}`;
    }),
  );
};

const linksOf = (page: string): string[] =>
  [...withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/.test(target));

describe.each(PAGES)('the links of %s', (page) => {
  it('lead to files and headings that exist', () => {
    const dead = linksOf(page).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    });
    expect(dead).toEqual([]);
  });
});

it('every page under docs/ is linked from the README and links back to it', () => {
  const pages = PAGES.filter((page) => page.startsWith('docs/'));
  const linked = new Set(linksOf('README.md').map((link) => link.split('#')[0]));
  expect(pages.filter((page) => !linked.has(page))).toEqual([]);
  expect(pages.filter((page) => !linksOf(page).some((link) => link.startsWith('../README.md')))).toEqual([]);
});

it('the map of the code names every file and folder at the top of src, and no other', () => {
  const [, map = ''] = /^```text\n(src\/\n[\s\S]*?)^```$/m.exec(textOf('docs/architecture.md')) ?? [];
  const named: string[] = [];
  const folders: string[] = [];
  for (const line of map.split('\n')) {
    const [, indent, name] = /^( *)([\w.-]+\/?)/.exec(line) ?? [];
    if (indent === undefined || name === undefined) continue;
    const depth = indent.length / 2;
    folders.length = depth;
    if (name.endsWith('/')) folders[depth] = name;
    named.push(folders.slice(0, depth).join('') + name);
  }
  const src = readdirSync(join(ROOT, 'src')).map((name) =>
    statSync(join(ROOT, 'src', name)).isDirectory() ? `src/${name}/` : `src/${name}`,
  );
  expect(src.filter((path) => !named.includes(path))).toEqual([]);
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
