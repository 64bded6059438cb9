// The last chance of events in memory: a send when the process runs out of work, a report when it exits with some left.

/** Something that holds events. */
export interface Holder {
  /** One more attempt for what is held. */
  lastCall(): void;
  /** The process ends now: say what is lost. Must be synchronous. */
  abandon(): void;
}

const holders = new Set<Holder>();
const called = new WeakSet<Holder>();

// Each holder is asked once for what it holds: asking again would keep the process alive for as long as sending fails.
function onBeforeExit(): void {
  for (const holder of holders) {
    if (called.has(holder)) continue;
    called.add(holder);
    holder.lastCall();
  }
}

function onExit(): void {
  for (const holder of holders) holder.abandon();
}

/** Says that `holder` has events; the two listeners exist only while somebody does. */
export function hold(holder: Holder): void {
  called.delete(holder);
  if (holders.size === 0) {
    process.on('beforeExit', onBeforeExit);
    process.on('exit', onExit);
  }
  holders.add(holder);
}

/** Says that `holder` has none left. */
export function release(holder: Holder): void {
  if (!holders.delete(holder) || holders.size > 0) return;
  process.off('beforeExit', onBeforeExit);
  process.off('exit', onExit);
}
