// All scenarios, in the order of their numbers. Those of durable stores, Redis and job queues (18 to 28, 31) belong here too.
import type { Scenario } from '../harness/scenario';
import { answers } from './answers';
import { clock } from './clock';
import { connections } from './connections';
import { endings } from './endings';
import { exits } from './exits';
import { outages } from './outages';

export const scenarios: readonly Scenario[] = [outages, answers, connections, endings, exits, clock]
  .flat()
  .toSorted((a, b) => a.number - b.number);
