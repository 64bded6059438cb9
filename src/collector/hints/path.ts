// Writes the path of a value inside data, as in code: `.items[1]["a b"]`.

/** One step of a path, to a member or an item. */
export function step(name: string): string {
  if (/^\d+$/.test(name)) return `[${name}]`;
  return /^[\w$-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
