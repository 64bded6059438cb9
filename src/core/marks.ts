// The mark in which user functions run: an event tracked in it, immediately or later, calls none of them again.
import { AsyncLocalStorage } from 'node:async_hooks';

/** A `callback` is told what has happened; the result of a `hook` changes an event. */
export type Mark = 'callback' | 'hook';

// On globalThis, because two installed copies of the package may meet.
const KEY = Symbol.for('snowplow-middleware.mark.v1');
const storage = ((globalThis as { [KEY]?: AsyncLocalStorage<Mark> })[KEY] ??= new AsyncLocalStorage());

/** The current mark, if any. Inside a mark no callback runs; inside a hook no hook runs. */
export const currentMark: () => Mark | undefined = storage.getStore.bind(storage);

/** Runs `run`, and everything that it starts, in a mark. */
export function runMarked<Args extends readonly unknown[], Result>(
  mark: Mark,
  run: (...args: Args) => Result,
  ...args: Args
): Result {
  return storage.run(mark, run, ...(args as never));
}

type UserFunction = ((...args: never[]) => unknown) | undefined;

/** `callback`, running in its mark. */
export function asCallback<Given extends UserFunction>(callback: Given): Given {
  return callback && (storage.run.bind(storage, 'callback', callback as () => unknown) as Given);
}

/** Why a hook did not run: another hook, or the same one, tracked its event. */
export const NOT_ASKED = new Error('a hook does not run for an event that a hook tracked');

/**
 * `hook`, running in its mark. Inside another hook it throws {@link NOT_ASKED} instead, which counts as a failed hook: the
 * stricter privacy applies.
 */
export function asHook<Given extends UserFunction>(hook: Given): Given {
  const asked = (...args: never[]): unknown => {
    if (currentMark() === 'hook') throw NOT_ASKED;
    return runMarked('hook', hook as NonNullable<Given>, ...args);
  };
  return hook && (asked as Given);
}
