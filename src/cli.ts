#!/usr/bin/env node
// The command `snowplow-middleware`: finds the command asked for and loads nothing else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as collectorCli from './collector/cli';
import type * as workerCli from './worker-cli';

const HELP = `Usage: snowplow-middleware <command> [options]

  collector   take events on this machine, judge them, and show them live
  worker      deliver the events that wait in Redis or in a BullMQ queue

  --help      show this text, or that of a command: snowplow-middleware collector --help
  --version   show the version
`;

async function main([command, ...rest]: string[]): Promise<void> {
  if (command === 'collector') {
    const { runCollector } = require('./collector/cli') as typeof collectorCli;
    return runCollector(rest);
  }
  if (command === 'worker') {
    const { runWorker } = require('./worker-cli') as typeof workerCli;
    return runWorker(rest);
  }
  if (command === '--version') {
    const { version } = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as { version: string };
    process.stdout.write(`${version}\n`);
  } else if (command === '--help') process.stdout.write(HELP);
  else {
    process.stderr.write(command === undefined ? HELP : `Unknown command: ${JSON.stringify(command)}\n\n${HELP}`);
    process.exitCode = 1;
  }
}

void main(process.argv.slice(2));
