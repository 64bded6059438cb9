// The mark that functions of users run in: an event that is tracked in it, at once or later, calls none of them again.
import { AsyncLocalStorage } from 'node:async_hooks';

/** A `callback` learns what has happened; a `hook` is asked about an event, and its answer changes that event. */
export type Mark = 'callback' | 'hook';

// On globalThis, because two installed copies of the package may meet.
const KEY = Symbol.for('snowplow-middleware.mark.v1');
const storage = ((globalThis as { [KEY]?: AsyncLocalStorage<Mark> })[KEY] ??= new AsyncLocalStorage());

/** The mark that is running, if any. Every callback is silent below one; a hook below a hook is not asked. */
export const currentMark: () => Mark | undefined = storage.getStore.bind(storage);

/** Runs `run`, and whatever it starts, in a mark. */
export function runMarked<Args extends readonly unknown[], Result>(
  mark: Mark,
  run: (...args: Args) => Result,
  ...args: Args
): Result {
  return storage.run(mark, run, ...(args as never));
}

type UserFunction = ((...args: never[]) => unknown) | undefined;

/** `callback`, run in its mark. */
export function asCallback<Given extends UserFunction>(callback: Given): Given {
  return callback && (storage.run.bind(storage, 'callback', callback as () => unknown) as Given);
}

/** Why a hook was not asked: its event was tracked in a hook, perhaps in this one. */
export const NOT_ASKED = new Error('a hook is not asked about what a hook has tracked');

/**
 * `hook`, run in its mark. Below another hook it throws {@link NOT_ASKED} instead, which counts as a hook that fails: the
 * stricter privacy applies.
 */
export function asHook<Given extends UserFunction>(hook: Given): Given {
  const asked = (...args: never[]): unknown => {
    if (currentMark() === 'hook') throw NOT_ASKED;
    return runMarked('hook', hook as NonNullable<Given>, ...args);
  };
  return hook && (asked as Given);
}
