// What a command that failed is called in a log: a code, never the text of a message, which could hold an address or a credential.
import type { Log } from '../core/logger';

/** The kind of a failure. */
export function answerOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return code;
  return /^[A-Z]{3,}\b/.exec(String(message))?.[0] ?? 'not connected';
}

/** Whether no waiting will mend it. */
export const isWrongSetUp = (answer: string): boolean => /^(ERR|WRONGTYPE|NOAUTH|WRONGPASS|NOPERM)$/.test(answer);

/** Logs what only somebody can mend who knows how it was meant. */
export function logWrongSetUp(answer: string, log: Log): void {
  if (isWrongSetUp(answer)) log.error(`Redis answered ${answer}: check its URL, the key and the credentials`);
}
