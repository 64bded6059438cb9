// `snowplow-middleware disk`: shows the events in the folder of a DiskEventStore, and delivers those of dead owners.
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
on this path, with the events that it accepted or adopted. Its state is one of these:

  alive    its process is running
  dead     its process was killed, or crashed
  ended    it was closed, and left events
  unknown  its state cannot be determined

  --json          write one JSON object; with --drain, one per line
  --drain         deliver the events of owners that are not alive; the others keep theirs
  --endpoint URL  the collector (required with --drain)
  --timeout N     give up after so many seconds without a delivered event (default 60)
  --quiet         no progress
  --help          show this text

The column bytes counts only the events. The oldest event is the one that was created first (its dtm), in UTC.

While it delivers, a bar on stderr shows the progress. If stderr is not a terminal, a line on stdout shows it every few
seconds. SIGTERM or SIGINT ends it gracefully; a second one ends it at once. Undelivered events stay in the folder.
After a restart of the machine, it takes a minute to adopt the events from before.

Exit codes: 0 if it has shown the folder, or delivered all events; 1 if events remain, were rejected or were damaged, or
if an argument is wrong.
`;

const OPTIONS = {
  json: { type: 'boolean', default: false },
  drain: { type: 'boolean', default: false },
  endpoint: { type: 'string' },
  timeout: { type: 'string', default: '60' },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

// The columns of the table with words; the others hold figures.
const WORDS: ReadonlySet<number> = new Set([0, 1, 4]);

/**
 * Shows a folder, or delivers its remaining events. A wrong argument is reported on stderr, with exit code 1.
 *
 * @param argv The arguments after `disk`.
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
