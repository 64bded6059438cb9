// All scenarios, in the order of their numbers.
import type { Scenario } from '../harness/scenario';
import { outages } from './outages';

export const scenarios: readonly Scenario[] = [...outages].toSorted((a, b) => a.number - b.number);
