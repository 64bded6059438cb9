// The soak's table: what came of each scenario over all its runs. Counts are added up, what is measured has a median and a spread.
import { cpus, release } from 'node:os';

/** What the figures were made on. */
export const machine = ({ minutes, size, seed }) =>
  [
    `${minutes} minutes, ${size} size, seeds from ${seed}; ${new Date().toISOString().slice(0, 10)}`,
    `Node ${process.versions.node}, ${process.platform} ${release()}, ${cpus().length} x ${cpus()[0]?.model.trim()}`,
  ].join('; ');

const isMeasured = (name) =>
  /(Ms|Mb|Kb|KbPerHour|MiB|Bytes|Percent)$/.test(name) || /^(most|open|handles|listeners|rate)/.test(name);
const middle = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const text = (number) => (Math.round(number * 100) / 100).toLocaleString('en');

function figureOf(name, values) {
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length === 0) return `${name} ${JSON.stringify(values.at(-1))}`;
  if (!isMeasured(name)) return `${name} ${text(numbers.reduce((sum, one) => sum + one, 0))}`;
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return `${name} ${text(middle(numbers))}${least < most ? ` (${text(least)} to ${text(most)})` : ''}`;
}

/** What runs of one kind have shown. */
function figuresOf(runs) {
  const names = new Set(runs.flatMap(({ figures }) => Object.keys(figures ?? {})));
  return [...names]
    .map((name) =>
      figureOf(
        name,
        runs.flatMap(({ figures }) => figures?.[name] ?? []),
      ),
    )
    .join(', ');
}

/** @param lines What the runs have printed: `title`, `ok`, `figures` or `error`, and where there are some `number` and `size`. */
export function tableOf(lines) {
  const kinds = new Map();
  for (const line of lines) kinds.set(kindOf(line), [...(kinds.get(kindOf(line)) ?? []), line]);
  const rows = [...kinds.values()].toSorted(([a], [b]) => (a.number ?? 99) - (b.number ?? 99));
  const failed = lines.filter(({ ok }) => ok === false);
  return [
    '| # | what | runs | failed | figures |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((runs) => {
      const [{ number = '', title, size }] = runs;
      const bad = runs.filter(({ ok }) => ok === false).length;
      return `| ${number} | ${title}${size === 'small' ? ' (small)' : ''} | ${runs.length} | ${bad} | ${figuresOf(runs)} |`;
    }),
    '',
    failed.length === 0 ? `${lines.length} runs, none failed.` : `${failed.length} of ${lines.length} runs FAILED:`,
    ...failed.map(({ title, seed, error }) => `- seed ${seed}: ${error ?? title}`),
  ].join('\n');
}

const kindOf = ({ number, title, size, file }) => [number, title, size, file].join();
