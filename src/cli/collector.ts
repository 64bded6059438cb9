// `snowplow-middleware collector`: the collector in a terminal, one line per event.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs, styleText } from 'node:util';
import { openCollector } from '../collector/collector';
import { nameOf } from '../collector/expect/explain';
import { outcomeOf } from '../collector/hints/finding';
import type { CollectedEvent } from '../collector/log/event';
import { refuseProduction } from '../collector/options';
import { summaryOf } from '../collector/page/live-page';
import { orReport } from './output';

const HELP = `Usage: snowplow-middleware collector [options]

Receives Snowplow events, judges each as the pipeline would, and shows them live in the browser. Set your tracker's
endpoint to the address that it prints: endpoint: 'http://127.0.0.1:9090'.

Options:
  --port NUMBER   port to listen on; 0 means any free port (default 9090)
  --host ADDRESS  address to listen on (default 127.0.0.1, this machine only)
  --iglu SOURCE   folder in Iglu layout, or URL of an Iglu registry, to check schemas against; may be repeated
                  (needs: npm install --save-dev ajv ajv-draft-04 tlds)
  --open          open the live page in a browser
  --json          write each event as one line of JSON, for other programs
  --force         start even if NODE_ENV is production
  -h, --help      show this text

One line per event: ● good, ▲ accepted with a warning, ✕ bad, with the fault and how to fix it. Ctrl+C stops it.

Examples:
  npx snowplow-middleware collector --open --iglu ./schemas
  npx snowplow-middleware collector --json | jq 'select(.verdict == "bad")'
`;

const OPTIONS = {
  port: { type: 'string', default: '9090' },
  host: { type: 'string', default: '127.0.0.1' },
  iglu: { type: 'string', multiple: true, default: [] as string[] },
  open: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Runs the collector until SIGINT or SIGTERM. A wrong argument is reported on stderr, with exit code 1.
 *
 * @param argv The arguments after `collector`.
 * @example
 * await runCollector(['--port', '0', '--iglu', './schemas']);
 */
export async function runCollector(argv: string[]): Promise<void> {
  await orReport(() => run(argv));
}

async function run(argv: string[]): Promise<void> {
  const { values } = parseArgs({ args: argv, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (!values.force) refuseProduction();
  const { port, host, iglu } = values;
  const print = values.json ? jsonLine : line;
  const collector = await openCollector({ port: port.trim() === '' ? NaN : Number(port), host, iglu }, (event) =>
    process.stdout.write(`${print(event)}\n`),
  );
  // With --json, stdout is only for events.
  process[values.json ? 'stderr' : 'stdout'].write(
    `Collector on ${collector.url} (events are shown there; Ctrl+C stops it)\n`,
  );
  if (values.open) openBrowser(collector.url);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await collector.close();
}

const jsonLine = ({ request, ...event }: CollectedEvent): string =>
  JSON.stringify({ ...event, verdict: outcomeOf(event), request: { ...request, headers: undefined } });

const MARKS = { good: ['green', '●'], warned: ['yellow', '▲'], bad: ['red', '✕'] } as const;

function line(event: CollectedEvent): string {
  const [colour, mark] = MARKS[outcomeOf(event)];
  const time = event.receivedAt.toTimeString().slice(0, 8);
  const why = [...event.errors, ...event.warnings].map(({ field, problem }) => `${field} ${problem}`).join('; ');
  const [error] = event.errors;
  return [
    paint('gray', time),
    paint(colour, mark),
    paint('bold', plain(nameOf(event)).padEnd(18)),
    plain(summaryOf(event)),
    why && paint(colour, plain(why)),
    error && plain(error.hint.replaceAll('\n', ' ')),
  ]
    .filter(Boolean)
    .join('  ');
}

const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
  process.stdout.isTTY && !process.env['NO_COLOR'] ? styleText(style, text) : text;

// The text of an event must not control the terminal.
const plain = (text: string): string => text.replaceAll(/[\p{C}\u2028\u2029]/gu, '·').slice(0, 400);

function openBrowser(url: string): void {
  const [command, ...before] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform as string] ?? [
    'xdg-open',
  ];
  spawn(command!, [...before, url], { stdio: 'ignore', detached: true })
    .on('error', () => process.stderr.write(`Could not open a browser; the page is at ${url}\n`))
    .unref();
}
