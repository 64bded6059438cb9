// `snowplow-middleware types --watch`: looks at the sources twice a second, on every kind of disk, and says when they changed.
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 500;

/**
 * Calls `write` now and after each change below the paths, until SIGINT or SIGTERM.
 *
 * @param out The file that the command writes; a change of it starts nothing.
 */
export async function watchSources(paths: readonly string[], out: string, write: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const asked = Promise.race(['SIGINT', 'SIGTERM'].map((name) => once(process, name, { signal: over.signal })));
  let isOver = false;
  const end = asked.then(() => (isOver = true));
  let before: string | undefined;
  while (!isOver) {
    const now = paths.map((path) => stateOf(path, resolve(out))).join('\n');
    if (now !== before) {
      before = now;
      await write();
      process.stderr.write(`Watching ${paths.join(', ')} (Ctrl+C stops it)\n`);
    }
    await Promise.race([sleep(PAUSE_MS, undefined, { ref: true }), end]);
  }
  over.abort();
}

/** Sizes and times of all files below a path: another text after any change. */
function stateOf(path: string, out: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat || resolve(path) === out) return '';
  if (!stat.isDirectory()) return `${path} ${stat.size} ${stat.mtimeMs}`;
  return namesIn(path)
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .map((name) => stateOf(join(path, name), out))
    .join('\n');
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).toSorted();
  } catch {
    // Removed since it was looked at.
    return [];
  }
}
