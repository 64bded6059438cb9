// All scenarios, in the order of their numbers. Those of durable stores, Redis and job queues (18 to 28, 31) belong here too.
import type { Scenario } from '../harness/scenario';
import { answers } from './answers';
import { callbacks } from './callbacks';
import { clock } from './clock';
import { connections } from './connections';
import { endings } from './endings';
import { exits } from './exits';
import { handlers } from './handlers';
import { memory } from './memory';
import { outages } from './outages';
import { visitors } from './visitors';

export const scenarios: readonly Scenario[] = [
  ...[outages, answers, connections, endings, exits, clock],
  ...[memory, visitors, handlers, callbacks],
]
  .flat()
  .toSorted((a, b) => a.number - b.number);
