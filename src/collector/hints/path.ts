// Writes where a value stands inside data, as code would: `.items[1]["a b"]`.

/** One step down, to a member or an item. */
export function step(name: string): string {
  if (/^\d+$/.test(name)) return `[${name}]`;
  return /^[\w$-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
