// Records everything that the package logs: no line may identify anyone.
import { vi } from 'vitest';
import type { Logger } from '../../../src';

/** All that is said: to loggers that were passed in, and to the console. */
export class Ear {
  heard = '';
  readonly logger: Logger;

  constructor() {
    const hear = (...said: unknown[]): void => {
      for (const one of said)
        this.heard += `${one instanceof Error ? `${one.message} ${one.stack}` : JSON.stringify(one)}\n`;
    };
    this.logger = { debug: hear, info: hear, warn: hear, error: hear };
    for (const level of ['debug', 'info', 'log', 'warn', 'error'] as const)
      vi.spyOn(console, level).mockImplementation(hear);
  }
}
