// The names of the lists in Redis. The braces are a hash tag: all that one script touches lies in one slot of a cluster.

/** Everything that belongs to one list of events. */
export interface Keys {
  /** The list itself; other trackers know it by this name. */
  readonly source: string;
  readonly anonymous: boolean;
  /** Worker ids by their last heartbeat. */
  readonly workers: string;
  /** How often each entry was with a worker that died. */
  readonly deaths: string;
  /** Entries that will never be delivered. */
  readonly dead: string;
  /** What the worker of that id has taken and not delivered yet. */
  processing(worker: string): string;
  /** Says to a worker that others took it for dead. */
  taken(worker: string): string;
}

/** The list of events that are not anonymous, and the one of those that are. */
export function keysOf(key: string): readonly [Keys, Keys] {
  return [keysOfList(key, false), keysOfList(`${key}:anonymous`, true)];
}

function keysOfList(source: string, anonymous: boolean): Keys {
  // A name without a tag lies where its whole text as a tag lies.
  const tagged = /\{[^}]+\}/.test(source) ? source : `{${source}}`;
  return {
    source,
    anonymous,
    workers: `${tagged}:workers`,
    deaths: `${tagged}:deaths`,
    dead: `${tagged}:dead`,
    processing: (worker) => `${tagged}:processing:${worker}`,
    taken: (worker) => `${tagged}:taken:${worker}`,
  };
}
