// Draws docs/bench.svg from results/node24.json and writes the summary between the README's bench markers.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bars } from './bars.mjs';
import { summary } from './report.mjs';

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const root = new URL('../', import.meta.url);
const results = JSON.parse(
  readFileSync(new URL(`bench/results/${flags.quick ? 'quick' : 'node24'}.json`, root), 'utf8'),
);

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
