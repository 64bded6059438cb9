// The tables of options are complete, and page, doc comment and DEFAULTS agree on every default.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { TRACKER_DEFAULTS } from '../../../src/core/tracker/tracker';
import { ASYNC_DEFAULTS, batching } from '../../../src/delivery/options';
import { resolveMiddleware } from '../../../src/middleware/options';
import { SHUTDOWN_TIMEOUT_MS } from '../../../src/middleware/shutdown';
import { ROOT, textOf } from './blocks';

const page = textOf('docs/options.md');

/** The rows of the table behind `<!-- defaults: name -->`: option to default and meaning. */
function tableOf(name: string): Map<string, { value: string; meaning: string }> {
  const [, table = ''] = new RegExp(`<!-- defaults: ${name} -->\\n+((?:\\|.*\\n)+)`).exec(page) ?? [];
  const rows = table.trim().split('\n').slice(2);
  return new Map(
    rows.map((row) => {
      const [option = '', value = '', meaning = ''] = row
        .split(/(?<!\\)\|/)
        .slice(1)
        .map((cell) => cell.trim());
      return [plain(option), { value: plain(value), meaning }];
    }),
  );
}

/** Without code marks and digit groups: `5,000` in prose is `5_000` in code. */
const plain = (text: string): string => text.replaceAll('`', '').replaceAll(/(?<=\d)[,_](?=\d{3})/g, '');

/** An interface's members with what `@default` says of them. */
function membersOf(path: string, name: string): Map<string, string | undefined> {
  const source = ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest, true);
  const found = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name);
  if (!found) throw new Error(`${path} has no interface ${name}`);
  const members = (found as ts.InterfaceDeclaration).members.filter(ts.isPropertySignature);
  return new Map(
    members.map((member) => {
      const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
      return [member.name.getText(source), tag && plain(ts.getTextOfJSDocComment(tag.comment) ?? '')];
    }),
  );
}

/** A value as the documents write it. */
const written = (value: unknown): string => {
  if (value === 16 * 1024 * 1024) return '16 MiB';
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
};

const isLiteral = (text: string | undefined): boolean => text !== undefined && /^(?:['\d[{]|true\b|false\b)/.test(text);
const firstWords = (text: string): string => text.split(',')[0] as string;

const { rules, privacy, hooks, ...others } = resolveMiddleware('test', { endpoint: 'http://127.0.0.1:1' });
const delivery = join('src', 'delivery', 'options.ts');
const tables = [
  {
    name: 'middleware',
    members: membersOf('src/middleware/options.ts', 'RequestOptions'),
    // What is read where an option is absent: the cookie's path is the browser tracker's default.
    code: {
      ...rules,
      ...privacy,
      ...hooks,
      ...others,
      cookiePath: rules.cookiePath ?? '/',
      anonymous: privacy.anonymous ?? false,
    },
  },
  { name: 'tracker', members: membersOf('src/core/tracker/tracker.ts', 'TrackerOptions'), code: TRACKER_DEFAULTS },
  {
    name: 'emitter',
    members: new Map(
      ['BufferOptions', 'EmitterOptions', 'AsyncEmitterOptions'].flatMap((name) => [...membersOf(delivery, name)]),
    ),
    code: { ...ASYNC_DEFAULTS, ...batching('test', {}), headers: {}, customRetryCodes: {} },
  },
];

describe.each(tables)('the table of the $name options', ({ name, members, code }) => {
  const table = tableOf(name);
  const inCode = new Map(Object.entries(code).filter(([, value]) => value !== undefined));

  it('names every option, and no other', () => {
    expect([...table.keys()].sort()).toEqual([...members.keys()].sort());
  });

  it("gives every option's default as the code has it", () => {
    const wrong = [...table].flatMap(([option, { value }]) => {
      const actual = inCode.get(option);
      const right = actual === undefined ? !isLiteral(value) : firstWords(value) === written(actual);
      return right ? [] : [`${option}: the table says ${value}, the code ${written(actual)}`];
    });
    expect(wrong).toEqual([]);
  });

  it('agrees with the doc comments', () => {
    const wrong = [...table].flatMap(([option, { value }]) => {
      const tag = members.get(option);
      if (!isLiteral(tag)) return [];
      return tag === value ? [] : [`${option}: the table says ${value}, its comment ${tag}`];
    });
    expect(wrong).toEqual([]);
  });
});

it('batches of one event are the default for GET', () => {
  expect(batching('test', {}, 'get')).toEqual({ batchSize: 1, maxBatchSize: 1 });
});

it("the shutdown's deadline is the one that the table gives", () => {
  expect(plain(tableOf('middleware').get('shutdown')?.meaning ?? '')).toContain(`${SHUTDOWN_TIMEOUT_MS} ms`);
});

it('the page names the options that createTracker has beside those of a tracker', () => {
  const section = /## Tracker\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '';
  const names = [...membersOf('src/create-tracker.ts', 'CreateTrackerOptions').keys()];
  expect(names.filter((name) => !section.includes(`\`${name}\``))).toEqual([]);
});
