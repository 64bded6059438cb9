// Time as it was when the package was loaded: what bounds a flush or a close must not stand still because a test fakes it later.

/** The process's own timers, whatever the globals of that name are by now. */
export const clock = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  now: performance.now.bind(performance),
} as const;
