// The judge: every accepted event has arrived or was reported as dropped, none tells more than it may, and nothing went wrong.
import type { ScriptedCollector, Seen } from './collector';
import type { Journal } from './journal';

export interface Verdict {
  readonly accepted: number;
  readonly received: number;
  readonly duplicates: number;
  /** Accepted, then reported to `onDrop`. */
  readonly dropped: number;
}

/** Judges a run; throws with the ids of what is lost. */
export function judge(journal: Journal, collectors: readonly ScriptedCollector[]): Verdict {
  const received = new Map<string, number>();
  for (const collector of collectors)
    for (const [id, times] of collector.received) received.set(id, (received.get(id) ?? 0) + times);
  const lost = [...journal.accepted].filter((id) => !received.has(id) && !journal.dropped.has(id));
  if (lost.length > 0)
    throw new Error(`${lost.length} of ${journal.accepted.size} accepted events are lost: ${some(lost)}`);
  if (journal.wrong.length > 0) throw new Error(`went wrong in the app: ${some(journal.wrong)}`);
  if (journal.droppedTwice.length > 0) throw new Error(`dropped more than once: ${some(journal.droppedTwice)}`);
  const exposed = collectors.flatMap(({ requests }) => requests.flatMap(exposedBy));
  if (exposed.length > 0) throw new Error(`not as anonymous as they were tracked: ${some(exposed)}`);
  let arrivals = 0;
  for (const times of received.values()) arrivals += times;
  return {
    accepted: journal.accepted.size,
    received: received.size,
    duplicates: arrivals - received.size,
    dropped: [...journal.accepted].filter((id) => journal.dropped.has(id)).length,
  };
}

const IDENTIFIERS = ['ip', 'uid', 'duid', 'nuid', 'tnuid', 'sid', 'vid'] as const;

/** Anonymous events without the header or with an identifier, and others with the header: their ids. */
function exposedBy({ headers, events }: Seen): string[] {
  const asked = headers['sp-anonymous'] === '*';
  return events
    .filter(({ se_pr: says, ...event }) => {
      if (says !== 'anonymous') return asked && says === 'named';
      return !asked || IDENTIFIERS.some((key) => event[key] !== undefined);
    })
    .map(({ eid = 'no id' }) => eid);
}

const some = (all: readonly string[]): string =>
  all.slice(0, 5).join(', ') + (all.length > 5 ? ` and ${all.length - 5} more` : '');
