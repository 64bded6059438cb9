// The entry point `snowplow-middleware/collector`: a collector for development and tests.
// Floor 3: may import core only, and node: modules; Ajv lazily, when schemas are asked for.
// Next: collector.ts puts the parts together; collect.ts takes events in, verdict.ts judges them, page/ shows them.
export { startCollector, type Collector } from './collector';
export type { CollectedEvent, CollectedRequest } from './log/event';
export type { Fault } from './http/faults';
export type { Failure, FailureType, Finding } from './hints/finding';
export type { EventFilter } from './expect/match';
export type { CollectorOptions } from './options';
export type { SelfDescribing } from './decode/self-describing';
export { trackingMatchers } from './matchers';
