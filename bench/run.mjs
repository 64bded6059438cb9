// `npm run bench`: builds the package, measures it beside its peers, prints the figures and keeps them for the chart.
// `-- --only track,sender` runs parts, `--quick` short rounds, `--rounds 5` more of them, `--check` fails below a floor,
// `--node 24,26` runs all of it on other lines of Node, which npm brings.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { pinned } from './child.mjs';

const PARTS = ['track', 'contracts', 'throughput', 'sender', 'middleware', 'latency', 'slow', 'dead', 'start-up'];
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    check: { type: 'boolean', default: false },
    node: { type: 'string' },
  },
});
const wanted = flags.only.split(',');
const unknown = wanted.find((part) => !PARTS.includes(part));
if (unknown !== undefined) throw new Error(`--only takes ${PARTS.join(', ')}; not ${unknown}`);
const count = Number(flags.rounds ?? (flags.quick ? 1 : 3));

if (flags.node !== undefined) process.exit(onNodes(flags.node.split(',')));

const here = new URL('./', import.meta.url);
const npm = (args, folder) => {
  const { status } = spawnSync('npm', args, { cwd: new URL(folder, here), stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
};
if (!existsSync(new URL('node_modules', here))) npm(['ci', '--silent'], './');
npm(['run', '--silent', 'build'], '../');

const { judge } = await import('./targets.mjs');
const { partTable, targetTable } = await import('./report.mjs');

const measured = {};
for (const name of PARTS.filter((part) => wanted.includes(part))) {
  const part = await import(`./parts/${name}.mjs`);
  process.stderr.write(`${name}\n`);
  const { title, columns } = part;
  measured[name] = { title, columns, rows: await part.measure({ quick: flags.quick, count }) };
  console.log(`\n${partTable(measured[name])}`);
}

// Short rounds are for a look, never for publication.
const major = process.versions.node.split('.', 1)[0];
const file = new URL(`results/${flags.quick ? 'quick' : `node${major}`}.json`, here);
mkdirSync(new URL('results', here), { recursive: true });
const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).parts : {};
const machine = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  cpu: `${availableParallelism()} cores of ${cpus()[0]?.model.trim() || 'an unnamed processor'}`,
  pinned,
  rounds: count,
};
writeFileSync(file, `${JSON.stringify({ machine, parts: { ...before, ...measured } }, null, 2)}\n`);

const targets = judge(measured);
if (targets.length > 0) console.log(targetTable(targets));
if (flags.check && !targets.every(({ holds }) => holds)) process.exitCode = 1;

/** Runs this program on each line of Node. Gives the first exit code that is none of success, or 0. */
function onNodes(lines) {
  const { node: _node, ...others } = flags;
  const rest = Object.entries(others).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : typeof value === 'string' ? [`--${name}=${value}`] : [],
  );
  const codes = lines.map((line) => {
    const npx = [
      '--yes',
      '--ignore-scripts=false',
      '--package',
      `node@${line}`,
      '--',
      'node',
      process.argv[1],
      ...rest,
    ];
    console.log(`\n# Node ${line}`);
    return spawnSync('npx', npx, { stdio: 'inherit' }).status ?? 1;
  });
  return codes.find((code) => code !== 0) ?? 0;
}
