// Shortens text to what a field takes.

/** Cuts `text` to `limit` UTF-16 units without leaving half a surrogate pair at its end. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}
