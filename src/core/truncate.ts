// Shortens text to what a field takes.

/** Truncates `text` to `limit` UTF-16 units without leaving half a surrogate pair at its end. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}
