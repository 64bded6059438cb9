#!/usr/bin/env node
// The command `snowplow-middleware`: runs one of its commands and loads no other.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as collectorCli from './collector';
import type * as diskCli from './disk';
import type * as typesCli from './types';
import type * as workerCli from './worker';

const HELP = `Usage: snowplow-middleware <command> [options]

Commands:
  collector   receives events on this machine, judges each as the pipeline would, and shows them live
  worker      delivers the events that wait in Redis or in a BullMQ queue
  types       writes TypeScript types of your events and entities from their JSON schemas
  disk        shows the events in the folder of a DiskEventStore, and delivers those of dead processes

Options:
  -h, --help  show this text, or the help of a command: snowplow-middleware collector --help
  --version   show the version

Examples:
  npx snowplow-middleware collector --open
  npx snowplow-middleware types ./schemas --out src/tracking.ts
  npx snowplow-middleware worker redis --redis redis://10.0.0.5 --endpoint https://collector.acme.com
  npx snowplow-middleware disk /var/lib/shop/events
`;

const ASKS_FOR_HELP: ReadonlySet<string | undefined> = new Set(['--help', '-h', 'help']);

async function main([command, ...rest]: string[]): Promise<void> {
  if (command === 'collector') {
    const { runCollector } = require('./collector') as typeof collectorCli;
    return runCollector(rest);
  }
  if (command === 'worker') {
    const { runWorker } = require('./worker') as typeof workerCli;
    return runWorker(rest);
  }
  if (command === 'disk') {
    const { runDisk } = require('./disk') as typeof diskCli;
    return runDisk(rest);
  }
  if (command === 'types') {
    const { runTypes } = require('./types') as typeof typesCli;
    return runTypes(rest);
  }
  if (command === '--version') {
    const { version } = JSON.parse(readFileSync(join(__dirname, '../..', 'package.json'), 'utf8')) as {
      version: string;
    };
    process.stdout.write(`${version}\n`);
  } else if (ASKS_FOR_HELP.has(command)) process.stdout.write(HELP);
  else {
    process.stderr.write(command === undefined ? HELP : `Unknown command: ${JSON.stringify(command)}\n\n${HELP}`);
    process.exitCode = 1;
  }
}

void main(process.argv.slice(2));
