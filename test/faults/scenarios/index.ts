// All scenarios, in the order of their numbers.
import type { Scenario } from '../harness/scenario';
import { answers } from './answers';
import { connections } from './connections';
import { outages } from './outages';

export const scenarios: readonly Scenario[] = [...outages, ...answers, ...connections].toSorted(
  (a, b) => a.number - b.number,
);
