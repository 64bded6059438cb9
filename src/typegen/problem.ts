// What can stand between schemas and their types: each kind of problem has its own exit code.

export type ProblemKind = 'missing' | 'unreachable' | 'invalid';

/** One problem, in one line: the file, its line and the JSON pointer where there are any. */
export class Problem extends Error {
  constructor(
    readonly kind: ProblemKind,
    message: string,
  ) {
    super(message);
  }
}

/** All problems of one run: each is said, not the first alone. */
export class Problems extends Error {
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join('\n'));
  }
}

/** Runs every task to its end and gives the results in order. @throws Problems when tasks threw a Problem or Problems. */
export async function settleAll<T>(tasks: readonly (() => T | Promise<T>)[], atOnce = 8): Promise<T[]> {
  const results: PromiseSettledResult<T>[] = [];
  for (let start = 0; start < tasks.length; start += atOnce)
    results.push(...(await Promise.allSettled(tasks.slice(start, start + atOnce).map(async (task) => task()))));
  const reasons: unknown[] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  const problems = reasons.flatMap((reason) => {
    if (reason instanceof Problems) return reason.problems;
    if (reason instanceof Problem) return [reason];
    throw reason;
  });
  if (problems.length > 0) throw new Problems(problems);
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
