// Facts that stand in two places must agree: the version, and the defaults in the doc comments.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { TRACKER_DEFAULTS } from '../../src/core/tracker/tracker';
import { TRACKER_VERSION, VERSION } from '../../src/core/protocol/version';
import { ASYNC_DEFAULTS, batching } from '../../src/delivery/options';
import { capture } from '../support/capture';

const ROOT = join(__dirname, '../..');

it("the version on the wire is that of package.json, within the pipeline's limit", () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
  expect(TRACKER_VERSION.length).toBeLessThanOrEqual(100);
  const { tracker, last } = capture();
  tracker.trackPageView({ pageUrl: 'http://h/' });
  expect(last()['tv']).toBe(`node-mw-${version}`);
});

/** The text of `@default` of each member, in order of the file. */
function documented(file: string): Map<string, string> {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found = new Map<string, string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node))
      for (const tag of ts.getJSDocTags(node))
        if (tag.tagName.text === 'default')
          found.set(node.name.getText(source), String(ts.getTextOfJSDocComment(tag.comment)));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** A default as code would write it: `5_000`, `16 MiB`, `'post'`, `true`. */
function valueOf(text: string): unknown {
  const [, amount, unit] = /^([\d_]+)( MiB)?$/.exec(text) ?? [];
  if (amount !== undefined) return Number(amount.replaceAll('_', '')) * (unit ? 1024 * 1024 : 1);
  return JSON.parse(text.replaceAll("'", '"'));
}

// Defaults that are words: something else decides, and the test beside says what.
const IN_WORDS: Readonly<Record<string, string>> = {
  batchSize: '10, for GET 1',
  maxBatchSize: '250, for GET `batchSize`',
  byteLimit: 'none',
  port: "the protocol's own",
  eventStore: 'a MemoryEventStore of the two capacities',
  logger: "the package's `logger`",
};

describe.each([
  ['src/delivery/options.ts', ASYNC_DEFAULTS],
  ['src/core/tracker/tracker.ts', TRACKER_DEFAULTS],
] as const)('the defaults in the comments of %s', (file, defaults: Readonly<Record<string, unknown>>) => {
  const comments = documented(file);

  it('are the defaults', () => {
    const values = [...comments].filter(([name]) => !(name in IN_WORDS)).map(([name, text]) => [name, valueOf(text)]);
    expect(values.length).toBeGreaterThan(3);
    expect(Object.fromEntries(values)).toEqual(defaults);
  });

  it('are in words only where something else decides', () => {
    for (const [name, text] of comments) if (name in IN_WORDS) expect([name, text]).toEqual([name, IN_WORDS[name]]);
  });
});

it('the batch sizes are as their comments say', () => {
  expect(batching('Emitter', {})).toEqual({ batchSize: 10, maxBatchSize: 250 });
  expect(batching('Emitter', {}, 'get')).toEqual({ batchSize: 1, maxBatchSize: 1 });
  expect(batching('Emitter', { batchSize: 7 }, 'get')).toEqual({ batchSize: 7, maxBatchSize: 7 });
});
