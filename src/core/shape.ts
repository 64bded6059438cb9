// What a value of any origin is, where its type does not say.

/** Whether it can have properties of its own: an object or an array, and not null. */
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The same without arrays: what JSON calls an object. */
export const isJsonObject = (value: unknown): value is object => isObject(value) && !Array.isArray(value);

/** Whether it is a promise of any make. */
export const isThenable = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
