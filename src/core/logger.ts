// The package's log: a console logger with levels, an adapter for pino, and the guard around user functions.
import { isThenable } from './contracts';
import { ConfigError, show } from './errors';
import { NOT_ASKED, runMarked } from './marks';

/**
 * Where the package writes its log. The message comes first, as console, winston and Nest's Logger take it.
 * Lines hold counts, reasons and status codes; never a payload above `debug`, never a cookie, an address or a credential.
 */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** The severity of a line. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const RANK = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;

/**
 * The default logger: writes lines of a level and above to the console.
 *
 * @default 'warn'
 * @example
 * import { logger } from 'snowplow-middleware';
 * logger.setLevel('debug');
 */
export const logger: Logger & { setLevel(level: LogLevel | 'silent'): void } = (() => {
  let threshold: number = RANK.warn;
  const writer =
    (level: LogLevel) =>
    (message: string, fields?: object): void => {
      // oxlint-disable-next-line no-console -- the console is this logger's purpose
      if (RANK[level] >= threshold) console[level](`snowplow: ${message}`, ...(fields ? [fields] : []));
    };
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    setLevel(level) {
      if (typeof level !== 'string' || !Object.hasOwn(RANK, level))
        throw new ConfigError('logger.setLevel: level', `one of ${Object.keys(RANK).join(', ')}`, show(level));
      threshold = RANK[level];
    },
  };
})();

type PinoMethod = (fields: object, message: string) => void;

/**
 * Adapts a pino logger, which takes its fields first.
 *
 * @example
 * new Tracker({ emitters, logger: fromPino(pino()) });
 */
export function fromPino(pino: Record<LogLevel, PinoMethod>): Logger {
  const method =
    (level: LogLevel) =>
    (message: string, fields: object = {}): void =>
      pino[level](fields, message);
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') };
}

const FOLD_MS = 60_000;

/**
 * A logger that is safe to call from anywhere. It catches errors of the user's logger, and writes a repeated line at most once a
 * minute, with the number of repeats.
 */
export class Log {
  readonly #target: Logger | false;
  readonly #seen = new Map<string, { since: number; held: number }>();

  constructor(target: Logger | false = logger) {
    this.#target = target;
  }

  debug(message: string, fields?: object): void {
    this.#write('debug', message, fields);
  }
  info(message: string, fields?: object): void {
    this.#write('info', message, fields);
  }
  warn(message: string, fields?: object): void {
    this.#fold('warn', message, fields);
  }
  error(message: string, fields?: object): void {
    this.#fold('error', message, fields);
  }

  /** Runs a user function. An error that it throws, or with which its promise rejects, is logged and goes no further. */
  guard<Args extends readonly unknown[]>(
    name: string,
    callback: ((...args: Args) => unknown) | undefined,
    ...args: Args
  ): unknown {
    if (!callback) return undefined;
    try {
      const result = callback(...args);
      if (isThenable(result)) result.then(undefined, () => this.error(`${name} rejected`));
      return result;
    } catch (error) {
      if (error === NOT_ASKED) this.warn(`${name} did not run for an event that a hook tracked`);
      else this.error(`${name} threw`);
      return undefined;
    }
  }

  /** Runs a hook that answers yes or no. @param ifThrown The answer if it throws. */
  ask<Arg>(name: string, hook: (arg: Arg) => boolean, arg: Arg, ifThrown: boolean): boolean {
    let answer = ifThrown;
    this.guard(name, () => (answer = hook(arg)));
    return answer;
  }

  #fold(level: LogLevel, message: string, fields?: object): void {
    const now = performance.now();
    const seen = this.#seen.get(message);
    if (seen && now - seen.since < FOLD_MS) {
      seen.held++;
      return;
    }
    // Messages are fixed texts, a few dozen at most; the map cannot grow with traffic.
    this.#seen.set(message, { since: now, held: 0 });
    this.#write(level, seen?.held ? `${message} (and ${seen.held} more times since)` : message, fields);
  }

  #write(level: LogLevel, message: string, fields?: object): void {
    const target = this.#target;
    if (!target) return;
    try {
      const result: unknown =
        target === logger
          ? target[level](message, fields)
          : runMarked('callback', () => target[level](message, fields));
      if (isThenable(result)) result.then(undefined, () => {});
    } catch {
      // A failing logger must not stop the delivery of events.
    }
  }
}
