// Remembers a function's results by text key, within a bound: keys may come from requests, and must not fill the memory.

/**
 * `compute`, asked once for each key; more than `limit` keys empty the cache, so a flood of them costs time and no more.
 *
 * @example
 * const hashOf = memoise(500, (domain) => sha1(domain));
 */
export function memoise<Value>(limit: number, compute: (key: string) => Value): (key: string) => Value {
  const known = new Map<string, Value>();
  return (key) => {
    const hit = known.get(key);
    if (hit !== undefined) return hit;
    if (known.size >= limit) known.clear();
    const value = compute(key);
    known.set(key, value);
    return value;
  };
}
