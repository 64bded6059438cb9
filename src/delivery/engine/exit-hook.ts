// The exit hook, the last chance of events in memory: a send when the process runs out of work, a report when it exits with some left.

/** Something that holds events. */
export interface Holder {
  /** One more attempt for what is held. */
  sendLast(): void;
  /** The process ends now: say what is lost. Must be synchronous. */
  abandon(): void;
}

interface ExitHook {
  /** Says that `holder` has events; the two listeners exist only while somebody does. */
  hold(holder: Holder): void;
  /** Says that `holder` has none left. */
  release(holder: Holder): void;
}

function makeExitHook(): ExitHook {
  const holders = new Set<Holder>();
  const called = new WeakSet<Holder>();
  // Each holder is asked once for what it holds: asking again would keep the process alive for as long as sending fails.
  const onBeforeExit = (): void => {
    for (const holder of holders) {
      if (called.has(holder)) continue;
      called.add(holder);
      holder.sendLast();
    }
  };
  const onExit = (): void => {
    for (const holder of holders) holder.abandon();
  };
  return {
    hold(holder) {
      called.delete(holder);
      if (holders.size === 0) {
        process.on('beforeExit', onBeforeExit);
        process.on('exit', onExit);
      }
      holders.add(holder);
    },
    release(holder) {
      if (!holders.delete(holder) || holders.size > 0) return;
      process.off('beforeExit', onBeforeExit);
      process.off('exit', onExit);
    },
  };
}

// On globalThis, so that the process has two listeners however many copies of the package it has loaded.
const KEY = Symbol.for('snowplow-middleware.exit-hook.v1');
export const { hold, release } = ((globalThis as { [KEY]?: ExitHook })[KEY] ??= makeExitHook());
