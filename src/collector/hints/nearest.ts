// Guesses the intended name for a misspelt one.

// Limits for the number of names and their length, because both may come from outside.
const MOST = 1_000;
const LONGEST = 60;

/** The candidate that differs only in case, `_` and `-`, or in at most a third of its characters; undefined if none does. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  const wanted = plain(name);
  let best: string | undefined;
  let least = Math.floor(wanted.length / 3) + 1;
  for (const candidate of candidates.slice(0, MOST)) {
    const known = plain(candidate);
    if (Math.abs(known.length - wanted.length) >= least) continue;
    const distance = editDistance(wanted, known);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** ` Did you mean price?`, or nothing. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const guess = nearest(name, candidates);
  return guess === undefined || guess === name ? '' : ` Did you mean ${guess}?`;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '');

// The Levenshtein distance, one row at a time.
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1));
    row = next;
  }
  return row[to.length]!;
}
