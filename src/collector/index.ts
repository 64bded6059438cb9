// The entry point `snowplow-middleware/collector`: a collector for development and tests.
// Layer 4: may import only core and node: modules; Ajv lazily, if schemas are needed.
// Next: collector.ts assembles the parts; collect.ts receives events, verdict.ts judges them, page/ shows them.
export { startCollector, type Collector } from './collector';
export type { CollectedEvent, CollectedRequest } from './log/event';
export type { Fault } from './http/faults';
export type { Failure, FailureType, Finding } from './hints/finding';
export type { EventFilter } from './expect/match';
export type { CollectorOptions } from './options';
export type { SelfDescribing } from './decode/self-describing';
export { trackingMatchers } from './matchers';
