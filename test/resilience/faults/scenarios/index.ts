// All scenarios, in the order of their numbers.
import type { Scenario } from '../harness/scenario';
import { answers } from './answers';
import { callbacks } from './callbacks';
import { clock } from './clock';
import { cluster } from './cluster';
import { connections } from './connections';
import { endings } from './endings';
import { disks } from './disks';
import { exits } from './exits';
import { handlers } from './handlers';
import { injected } from './injected';
import { jobs } from './jobs';
import { kills } from './kills';
import { load } from './load';
import { memory } from './memory';
import { nest } from './nest';
import { outages } from './outages';
import { pageViews } from './page-views';
import { power } from './power';
import { queues } from './queues';
import { refusedEvent } from './refused-event';
import { sharedClients } from './shared-clients';
import { visitors } from './visitors';

export const scenarios: readonly Scenario[] = [
  outages,
  answers,
  connections,
  endings,
  exits,
  kills,
  disks,
  clock,
  memory,
  visitors,
  sharedClients,
  handlers,
  pageViews,
  injected,
  callbacks,
  load,
  queues,
  power,
  jobs,
  nest,
  cluster,
  refusedEvent,
]
  .flat()
  .toSorted((a, b) => a.number - b.number);
