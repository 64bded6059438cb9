// `snowplow-middleware disk --drain`: delivers what owners that do not live have left in the folder of a DiskEventStore.
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
// So that a collector that is back is noticed before the patience ends.
const MAX_RETRY_MS = 5_000;
// A store adopts an owner of an earlier kernel once its socket has stood still for a minute.
const TAKE_OVER_MS = 75_000;
// The default of maxPostBytes, and what a body has beside its events: the app that made them may have allowed more.
const BODY_BYTES = { usual: 131_072, frame: 1_024 };
const BAR = { steps: 25, columns: 78 };
// How long what is left may hold the process when all is said: a connection that cannot be made, for example.
const LINGER_MS = 300;

export interface DrainOptions {
  readonly endpoint: string;
  readonly json: boolean;
  readonly quiet: boolean;
  /** The longest time without a delivered event. */
  readonly timeoutMs: number;
}

/** How far the delivery is; `held` is what its own store has read and not settled. */
interface Counts {
  readonly sent: number;
  readonly rejected: number;
  readonly damaged: number;
  readonly held: number;
}

/**
 * Delivers what is left, until nothing is, the patience ends or a signal comes, and says so. The exit code is 1 when not all
 * of it was delivered.
 *
 * @param owners What a look at the path has found.
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
    maxPostBytes: Math.max(BODY_BYTES.usual, due.largest + BODY_BYTES.frame),
    maxRetryDelayMs: MAX_RETRY_MS,
    logger: loggerOf(say),
  });
  const count = (): Counts => countsOf(emitter.stats());
  // What is adopted leaves its place, and has bytes before it is read and has a number.
  const isOver = (): boolean =>
    count().held === 0 && store.bytes < 1 && !left.some(({ name }) => existsSync(join(path, name)));
  const progress = options.quiet ? () => {} : reporter(due.events, hasBar ? undefined : say);
  const end = await untilEnd(count, isOver, progress, options.timeoutMs, stop);
  if (end === 'late') say('warn', `No event was delivered for ${options.timeoutMs / 1_000} s`);
  if (end !== 'over') say('info', `Stopping: what it holds is sent, for up to ${CLOSE_MS / 1_000} seconds`);
  const { remaining } = await emitter.close({ timeoutMs: CLOSE_MS });
  // The emitter does not wait for it to the end.
  await store.close();
  // What it has left may have a new owner by now.
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

/** Aborted by the first signal; a second one does what it does without us. */
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
    // With nothing in hand it waits for its store, which has a pace of its own.
    const patienceMs = held > 0 ? timeoutMs : Math.max(timeoutMs, TAKE_OVER_MS);
    if (performance.now() - since > patienceMs) return 'late';
    await sleep(TICK_MS, undefined, { signal: stop }).catch(() => {});
  }
}

// A line that is as wide as the terminal would begin another one. Some terminals say that they have no columns.
const barWidth = (): number => Math.min(BAR.columns, (process.stderr.columns || Infinity) - 1);

/** Says how far it is every few seconds, or draws a bar each time. */
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
  // Owners that live may have been faster.
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
