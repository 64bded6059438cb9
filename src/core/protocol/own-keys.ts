// Whether for…in gives an object's own keys alone, which it does until somebody puts something onto Object.prototype.

const NOTHING = {};

/** To be asked before each loop: it costs less than asking for each key, and an app may change its answer at any time. */
export function hasOwnKeysOnly(): boolean {
  for (const _key in NOTHING) return false;
  return true;
}
