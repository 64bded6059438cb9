// What a command says while it works: lines for people, or an object of JSON each.
import type { Logger, LogLevel } from '../core/logger';

export type Say = (level: LogLevel, message: string, fields?: object) => void;

/** Lines for people, in which the words of an `info` say it all; or an object of JSON each. */
export function sayer(json: boolean): Say {
  return (level, message, fields) => {
    const now = new Date();
    if (json) {
      process.stdout.write(`${JSON.stringify({ time: now.toISOString(), level, message, ...fields })}\n`);
      return;
    }
    const time = now.toTimeString().slice(0, 8);
    if (level === 'info') process.stdout.write(`${time}  ${message}\n`);
    else process.stderr.write(`${time}  ${level}: ${message}${fields ? ` ${JSON.stringify(fields)}` : ''}\n`);
  };
}

/** A logger that says what it is told, without the details of `debug`. */
export const loggerOf = (say: Say): Logger => ({
  debug() {},
  info: say.bind(null, 'info'),
  warn: say.bind(null, 'warn'),
  error: say.bind(null, 'error'),
});

/** Runs a command. What it throws goes to stderr, with exit code 1. */
export async function orReport(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}. See --help.\n`);
    process.exitCode = 1;
  }
}
