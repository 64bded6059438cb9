// `snowplow-middleware disk`: shows what waits in the folder of a DiskEventStore, and delivers what was left there.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, show } from '../core/errors';
import type * as optionsFile from '../delivery/options';
import { ENDED } from '../disk/folder';
import type * as drainFile from './disk-drain';
import { checkFolder, type FoundOwner, type Held, look, together } from './disk-look';
import { orReport } from './output';

const HELP = `Usage: snowplow-middleware disk PATH [options]

Shows the owners in the folder of a DiskEventStore, and changes nothing there. An owner is a store that a process opened
on this path, with the events that it accepted and those that it adopted. It is

  alive    its process runs
  dead     its process was killed, or has crashed
  ended    it was closed, and has left events
  unknown  it cannot be asked

  --json          write one object of JSON; with --drain, each line as one
  --drain         deliver what the owners that do not live have left; the others keep theirs
  --endpoint URL  the collector (required with --drain)
  --timeout N     give up after so many seconds without a delivered event (default 60)
  --quiet         no progress
  --help          show this text

Bytes are those of the events alone. The oldest event is the one that was created first (its dtm), in UTC.

While it delivers, a bar on stderr shows the progress. If stderr is not a terminal, a line on stdout shows it every few
seconds. SIGTERM or SIGINT ends it in order; a second one ends it at once. Undelivered events stay in the folder.
After a restart of the machine it takes a minute until it has what was left before.

Exit codes: 0 when it has shown the folder, or delivered all that was left; 1 when events remain, were rejected or were
damaged, and when an argument is wrong.
`;

const OPTIONS = {
  json: { type: 'boolean', default: false },
  drain: { type: 'boolean', default: false },
  endpoint: { type: 'string' },
  timeout: { type: 'string', default: '60' },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

// The columns of the table that hold words; the others hold figures.
const WORDS: ReadonlySet<number> = new Set([0, 1, 4]);

/**
 * Shows a folder, or delivers what was left in it. What is wrong with the arguments goes to stderr, with exit code 1.
 *
 * @param argv The arguments behind `disk`.
 * @example
 * await runDisk(['/var/lib/shop/events', '--json']);
 */
export async function runDisk(argv: string[]): Promise<void> {
  await orReport(() => run(argv));
}

async function run(argv: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const { drain, endpoint, json, quiet } = values;
  const [path, ...others] = positionals;
  if (!path || others.length > 0)
    throw new ConfigError('disk', 'given one path', path ? show(positionals.join(' ')) : 'nothing');
  if (drain && !endpoint) throw new ConfigError('--endpoint', "the collector's URL", 'nothing');
  if (!drain && endpoint !== undefined) throw new ConfigError('--endpoint', 'left out without --drain');
  const seconds = Number(values.timeout);
  if (!(seconds > 0 && seconds < Infinity))
    throw new ConfigError('--timeout', 'a number of seconds above 0', show(values.timeout));
  if (endpoint) {
    const { collectorUrl } = require('../delivery/options') as typeof optionsFile;
    collectorUrl('disk', endpoint, 'https', undefined);
  }
  checkFolder(path);
  const owners = await look(path);
  if (endpoint) {
    const { drainFolder } = require('./disk-drain') as typeof drainFile;
    await drainFolder(path, owners, { endpoint, json, quiet, timeoutMs: seconds * 1_000 });
  } else process.stdout.write(json ? `${JSON.stringify(documentOf(path, owners))}\n` : tableOf(owners));
}

const timeOf = ({ oldest }: Held): string | null => (oldest < Infinity ? new Date(oldest).toISOString() : null);

function figuresOf(held: Held): object {
  const { events, bytes, damaged, files } = held;
  return { events, bytes, oldest: timeOf(held), damaged, files };
}

const documentOf = (path: string, owners: readonly FoundOwner[]): object => ({
  path: resolve(path),
  owners: owners.map((owner) => ({ name: owner.name, state: owner.state, ...figuresOf(owner) })),
  total: figuresOf(together(owners)),
});

function tableOf(owners: readonly FoundOwner[]): string {
  const total = together(owners);
  const row = (name: string, state: string, held: Held): string[] => [
    name,
    state,
    String(held.events),
    sizeOf(held.bytes),
    timeOf(held) ?? '-',
    String(held.files),
    ...(total.damaged > 0 ? [String(held.damaged)] : []),
  ];
  const rows = [
    ['owner', 'state', 'events', 'bytes', 'oldest event', 'files', ...(total.damaged > 0 ? ['damaged'] : [])],
    ...owners.map((owner) => row(owner.name.replace(ENDED, '').slice(0, 8), owner.state, owner)),
    row('total', '', total),
  ];
  const widths = rows.reduce<number[]>(
    (most, cells) => cells.map((cell, at) => Math.max(cell.length, most[at] ?? 0)),
    [],
  );
  const padded = (cell: string, at: number): string =>
    WORDS.has(at) ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number);
  return rows.map((cells) => `${cells.map(padded).join('  ').trimEnd()}\n`).join('');
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}
