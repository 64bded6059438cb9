// What an app wrote down: events accepted, events dropped, and whatever must never happen.
import { existsSync, readFileSync } from 'node:fs';

export class Journal {
  readonly accepted = new Set<string>();
  /** Reported to `onDrop`, by reason; refused events are among them. */
  readonly dropped = new Map<string, string>();
  /** Events for which more than one drop was reported. */
  readonly droppedTwice: string[] = [];
  /** Rejections and exceptions that nobody caught, warnings of the process, books that did not balance. */
  readonly wrong: string[] = [];
  /** Lines of the scenario's own, by their first word. */
  readonly notes: (readonly [string, ...unknown[]])[] = [];

  constructor(path: string) {
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const words = wordsOf(line);
      if (!words) continue;
      const [kind, ...rest] = words;
      if (kind === 'accepted') for (const id of rest[0] as string[]) this.accepted.add(id);
      else if (kind === 'dropped') this.#drop(rest[0] as string, rest[1] as string[]);
      else if (kind === 'wrong') this.wrong.push(String(rest[0]));
      else this.notes.push([kind, ...rest]);
    }
  }

  #drop(reason: string, ids: readonly string[]): void {
    for (const id of ids) {
      if (this.dropped.has(id)) this.droppedTwice.push(id);
      this.dropped.set(id, reason);
    }
  }
}

/** The words of a line; undefined for one that a kill has cut, at any of its bytes. */
function wordsOf(line: string): [string, ...unknown[]] | undefined {
  try {
    return JSON.parse(line) as [string, ...unknown[]];
  } catch {
    return undefined;
  }
}
