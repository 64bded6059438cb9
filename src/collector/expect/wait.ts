// Waits for the events that a test expects.
import type { CollectedEvent } from '../log/event';
import type { EventLog } from '../log/event-log';
import { explainMiss } from './explain';
import { type EventFilter, matcherOf } from './match';

/** Resolves as soon as `count` good events match, including earlier ones. */
export async function waitForEvents(
  log: EventLog,
  filter: EventFilter,
  count: number,
  timeoutMs: number,
  closing: AbortSignal,
): Promise<CollectedEvent[]> {
  const matches = matcherOf('waitFor', filter);
  const found = log.good.filter(matches);
  if (found.length >= count) return found;
  // Created here, so that its stack names the test's line.
  const failure = new Error();
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      unsubscribe();
      closing.removeEventListener('abort', closed);
    };
    const fail = (why: string): void => {
      settle();
      failure.message = `${found.length} of ${count} expected events came ${why}.\n${explainMiss(filter, log.good, log.bad)}`;
      if (log.forgotten > 0) failure.message += `\n${log.forgotten} older events have left the collector's memory.`;
      reject(failure);
    };
    const closed = (): void => fail('before the collector closed');
    const timer = setTimeout(() => fail(`within ${timeoutMs} ms`), timeoutMs);
    const unsubscribe = log.subscribe((event) => {
      if (event.errors.length > 0 || !matches(event)) return;
      found.push(event);
      if (found.length < count) return;
      settle();
      resolve(found);
    });
    closing.addEventListener('abort', closed);
  });
}
