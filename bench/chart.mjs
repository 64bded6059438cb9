// Draws docs/bench.svg from the results of Node 24, or of `--node`, and writes the summary between the README's bench markers.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bars } from './bars.mjs';
import { summary } from './report.mjs';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, node: { type: 'string', default: '24' } },
});
const root = new URL('../', import.meta.url);
const file = new URL(`bench/results/${flags.quick ? 'quick' : `node${flags.node}`}.json`, root);
if (!existsSync(file)) throw new Error(`no results of Node ${flags.node}: npm run bench -- --node ${flags.node}`);
const results = JSON.parse(readFileSync(file, 'utf8'));

mkdirSync(new URL('docs', root), { recursive: true });
writeFileSync(new URL('docs/bench.svg', root), bars(results.parts));

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';
const readme = new URL('README.md', root);
const text = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
if (begin === -1 || end < begin)
  console.log(`README.md has no bench markers; here is the table:\n\n${summary(results)}`);
else writeFileSync(readme, `${text.slice(0, begin + BEGIN.length)}\n\n${summary(results)}\n\n${text.slice(end)}`);
