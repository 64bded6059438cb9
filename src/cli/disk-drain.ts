// `snowplow-middleware disk --drain`: delivers the events of owners that are not alive from the folder of a DiskEventStore.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmitterStats } from '../core/emitter';
import { AsyncEmitter } from '../delivery/emitter';
import { DiskEventStore } from '../disk/disk-event-store';
import { type FoundOwner, look, together } from './disk-look';
import { loggerOf, type Say, sayer } from './output';

const TICK_MS = 100;
const PROGRESS_MS = 5_000;
const CLOSE_MS = 2_000;
// Short enough to notice a recovered collector before the timeout.
const MAX_RETRY_MS = 5_000;
// A store adopts an owner from an earlier kernel after its socket has stood still for a minute.
const ADOPTION_MS = 75_000;
// The default of maxPostBytes, and the size of a body without its events. The app may have allowed larger bodies.
const BODY_BYTES = { usual: 131_072, envelope: 1_024 };
const BAR = { steps: 25, columns: 78 };
// How long open handles, such as a pending connection, may keep the process alive after the last line.
const LINGER_MS = 300;

export interface DrainOptions {
  readonly endpoint: string;
  readonly json: boolean;
  readonly quiet: boolean;
  /** The longest time without a delivered event. */
  readonly timeoutMs: number;
}

/** The progress of the delivery; `held` counts the events that its store has read and not settled. */
interface Counts {
  readonly sent: number;
  readonly rejected: number;
  readonly damaged: number;
  readonly held: number;
}

/**
 * Delivers the remaining events until none is left, the timeout passes or a signal arrives, and reports the result. The exit code is 1
 * if some were not delivered.
 *
 * @param owners The owners found on the path.
 */
export async function drainFolder(path: string, owners: readonly FoundOwner[], options: DrainOptions): Promise<void> {
  const left = leftOf(owners);
  const due = together(left);
  const hasBar = process.stderr.isTTY && !options.json && !options.quiet;
  const line = sayer(options.json);
  const say: Say = (...words) => {
    if (hasBar) process.stderr.write(`\r${' '.repeat(barWidth())}\r`);
    line(...words);
  };
  if (due.events + due.damaged === 0) return say('info', 'Nothing is left to deliver', { sent: 0, remaining: 0 });
  const stop = signalled();
  say('info', `Delivering ${due.events} events (Ctrl+C stops it)`, { total: due.events });
  const store = new DiskEventStore({ path });
  const emitter = new AsyncEmitter({
    endpoint: options.endpoint,
    eventStore: store,
    maxPostBytes: Math.max(BODY_BYTES.usual, due.largest + BODY_BYTES.envelope),
    maxRetryDelayMs: MAX_RETRY_MS,
    logger: loggerOf(say),
  });
  const count = (): Counts => countsOf(emitter.stats());
  // An adopted folder is moved, and its bytes are known before its events are counted.
  const isOver = (): boolean =>
    count().held === 0 && store.bytes < 1 && !left.some(({ name }) => existsSync(join(path, name)));
  const progress = options.quiet ? () => {} : reporter(due.events, hasBar ? undefined : say);
  const end = await untilEnd(count, isOver, progress, options.timeoutMs, stop);
  if (end === 'late') say('warn', `No event was delivered for ${options.timeoutMs / 1_000} s`);
  if (end !== 'over') say('info', `Stopping: sending events in hand for up to ${CLOSE_MS / 1_000} seconds`);
  const { remaining } = await emitter.close({ timeoutMs: CLOSE_MS });
  // The emitter does not wait for the end of this.
  await store.close();
  // Another process may have adopted the rest by now.
  const found = together(leftOf(await look(path))).events;
  tellEnd(say, due.events, count(), Math.max(remaining, found));
}

const leftOf = (owners: readonly FoundOwner[]): FoundOwner[] => owners.filter(({ state }) => state !== 'alive');

const countsOf = ({ sent, dropped, waiting, inFlight }: EmitterStats): Counts => ({
  sent,
  rejected: dropped.rejected + dropped['too-large'],
  damaged: dropped['store-error'],
  held: waiting + inFlight,
});

/** Aborted by the first signal. The second one has its usual effect. */
function signalled(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    for (const name of ['SIGINT', 'SIGTERM']) process.off(name, stop);
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, stop);
  return controller.signal;
}

async function untilEnd(
  count: () => Counts,
  isOver: () => boolean,
  progress: (counts: Counts) => void,
  timeoutMs: number,
  stop: AbortSignal,
): Promise<'over' | 'late' | 'stopped'> {
  let since = performance.now();
  let last = '';
  for (;;) {
    const counts = count();
    progress(counts);
    if (isOver()) return 'over';
    if (stop.aborted) return 'stopped';
    const { sent, rejected, damaged, held } = counts;
    const step = `${sent + rejected + damaged} ${held > 0}`;
    if (step !== last) since = performance.now();
    last = step;
    // With no events in hand it waits for its store to adopt owners.
    const patienceMs = held > 0 ? timeoutMs : Math.max(timeoutMs, ADOPTION_MS);
    if (performance.now() - since > patienceMs) return 'late';
    await sleep(TICK_MS, undefined, { signal: stop }).catch(() => {});
  }
}

// A line as wide as the terminal would wrap. Some terminals report no columns.
const barWidth = (): number => Math.min(BAR.columns, (process.stderr.columns || Infinity) - 1);

/** Reports the progress every few seconds, or draws a bar at each call. */
function reporter(due: number, say: Say | undefined): (counts: Counts) => void {
  const start = performance.now();
  let told = start;
  return ({ sent, rejected, held, damaged }) => {
    const now = performance.now();
    const total = Math.max(due, sent + rejected + held);
    const perSecond = Math.round((sent * 1_000) / Math.max(1, now - start));
    const words = `sent ${sent} of ${total} (${perSecond}/s)${rejected > 0 ? `, rejected ${rejected}` : ''}`;
    if (!say) {
      const full = Math.floor((BAR.steps * (sent + rejected)) / Math.max(1, total));
      const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR.steps - full)}] ${words}`;
      process.stderr.write(`\r${bar.padEnd(barWidth()).slice(0, barWidth())}`);
    } else if (now - told >= PROGRESS_MS) {
      told = now;
      say('info', words, { sent, total, perSecond, rejected, damaged });
    }
  };
}

function tellEnd(say: Say, due: number, { sent, rejected, damaged }: Counts, remaining: number): void {
  // Living owners may have adopted some.
  const others = Math.max(0, due - sent - rejected - remaining);
  const parts = [
    `${sent} events sent`,
    ...(rejected > 0 ? [`${rejected} rejected by the collector`] : []),
    ...(damaged > 0 ? [`${damaged} damaged`] : []),
    ...(others > 0 ? [`${others} adopted by living owners`] : []),
    ...(remaining > 0 ? [`${remaining} remain in the folder`] : []),
  ];
  say('info', `Done: ${parts.join(', ')}`, { sent, rejected, damaged, others, remaining });
  if (rejected + damaged + remaining > 0) process.exitCode = 1;
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
