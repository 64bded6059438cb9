// The scopes that are open: each closes in the turn after its request's end, or a minute after its answer began to stream.
import { AsyncLocalStorage } from 'node:async_hooks';

/** Node's response to a request. */
export interface Answer {
  readonly headersSent: boolean;
}

/** What is kept of a scope here. */
export interface OpenScope {
  /** None where there is only a result that may come at any time. */
  readonly request: Answer | undefined;
  /** Where it is in the list; -1 when it is not. */
  place: number;
  /** Since when its answer is known to stream, by the monotonic clock. */
  streamsSince: number | undefined;
  close(): void;
}

const STREAM_MS = 60_000;
const LOOK_MS = 1_000;

// Never shortened, for then the next request makes it anew: the first `count` of it are open.
const open: (OpenScope | undefined)[] = [];
let count = 0;
let ended: OpenScope[] = [];
let timer: NodeJS.Timeout | undefined;
let lookedAt = 0;
// The timer belongs to no request, and an app's test that fakes timers must not keep scopes open.
const outside = AsyncLocalStorage.snapshot();
const { setImmediate: nextTurn, setInterval: every } = globalThis;

/** Keeps a scope open until it is let go; at most a minute from when its answer streams. */
export function keepOpen(scope: OpenScope): void {
  scope.place = count;
  open[count++] = scope;
  if (!timer) outside(beginToLook);
}

/** The scope's request has ended: it closes in the next turn. */
export function letGo(scope: OpenScope): void {
  if (!remove(scope)) return;
  ended.push(scope);
  // One call for all that end in this turn.
  if (ended.length === 1) nextTurn(closeEnded);
}

function closeEnded(): void {
  const scopes = ended;
  ended = [];
  for (const scope of scopes) scope.close();
}

// The last one takes its place: every request comes by here, and a Set costs five times as much.
function remove(scope: OpenScope): boolean {
  const { place } = scope;
  if (place < 0) return false;
  const last = open[--count] as OpenScope;
  open[place] = last;
  last.place = place;
  open[count] = undefined;
  scope.place = -1;
  return true;
}

function beginToLook(): void {
  lookedAt = performance.now();
  timer = every(look, LOOK_MS).unref();
}

// Nothing tells when a head is sent, so that is looked for; taken to be as early as it can have been.
function look(): void {
  const now = performance.now();
  // From the end, because a removed one leaves its place to the last.
  for (let index = count - 1; index >= 0; index--) {
    const scope = open[index] as OpenScope;
    if (scope.request && !scope.request.headersSent) continue;
    scope.streamsSince ??= lookedAt;
    if (now - scope.streamsSince >= STREAM_MS && remove(scope)) scope.close();
  }
  lookedAt = now;
  if (count > 0) return;
  clearInterval(timer);
  timer = undefined;
}
