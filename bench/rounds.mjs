// Rounds, interleaved so that a slow minute of the machine hits every subject alike, and their medians.

/**
 * Measures every subject once per round, in turn.
 *
 * @param measure Gives an object of numbers for a subject.
 * @returns subject to its medians.
 */
export async function rounds(subjects, count, measure) {
  const samples = new Map(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < count; round++)
    for (const subject of subjects) {
      process.stderr.write(`  round ${round + 1}/${count}: ${subject}\n`);
      samples.get(subject).push(await measure(subject));
    }
  return Object.fromEntries(subjects.map((subject) => [subject, medians(samples.get(subject))]));
}

const medians = (list) =>
  Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((sample) => sample[key]))]));

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
