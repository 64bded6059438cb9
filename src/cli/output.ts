// The output of a command while it runs: lines for people, or one JSON object per line.
import type { Logger, LogLevel } from '../core/logger';

export type Say = (level: LogLevel, message: string, fields?: object) => void;

/** Writes lines for people, without the fields of an `info` line, or one JSON object per line. */
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

/** A logger that writes to the output, except `debug` lines. */
export const loggerOf = (say: Say): Logger => ({
  debug() {},
  info: say.bind(null, 'info'),
  warn: say.bind(null, 'warn'),
  error: say.bind(null, 'error'),
});

/** Runs a command. An error goes to stderr, and sets the exit code to 1. */
export async function orReport(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const isTaken = code === 'EADDRINUSE';
    process.stderr.write(`${message}.${isTaken ? ' Choose another port with --port.' : ''} See --help.\n`);
    process.exitCode = 1;
  }
}
