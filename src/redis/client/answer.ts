// What a command that failed is called in a log: a code, never the text of a message, which could hold an address or a credential.
import type { Log } from '../../core/logger';

// Up to 6.2 Redis puts where in a script it was before what was refused there; of a script's user it never gives the code.
const IN_SCRIPT = /^ERR Error running script \(.*?\): (?:@user_script: ?\d+: )*-?/;
const FORBIDDEN = /^(?:ERR )?The user executing the script can't /;

/** The kind of a failure. */
export function answerOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : (refusalOf(error) ?? 'not connected');
}

/** Whether Redis was there and said no. Without an answer it is not known what it did, and what others do meanwhile. */
export const isRefusal = (error: unknown): boolean => refusalOf(error) !== undefined;

function refusalOf(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  // A connection's failure.
  if (typeof code === 'string') return undefined;
  const text = String(message).replace(IN_SCRIPT, '');
  return FORBIDDEN.test(text) ? 'NOPERM' : /^[A-Z]{3,}\b/.exec(text)?.[0];
}

/** Whether waiting cannot fix it. */
export const isWrongSetUp = (answer: string): boolean => /^(ERR|WRONGTYPE|NOAUTH|WRONGPASS|NOPERM)$/.test(answer);

/** Logs what needs a person to fix the set-up. */
export function logWrongSetUp(answer: string, log: Log): void {
  if (isWrongSetUp(answer)) log.error(`Redis answered ${answer}: check its URL, the key and the credentials`);
}
