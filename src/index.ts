// The main entry point: re-exports only.
export type { DropMessage, FlushMessage, TrackMessage } from './core/channels';
export { currentTracker } from './core/tracker/scope';
export { disableContracts, enableContracts, type ContractMode, type Id } from './core/contracts';
export { ConfigError, ContractError } from './core/errors';
export type {
  DropInfo,
  DropReason,
  EmitterLike,
  EmitterStats,
  EncodedEvent,
  EventMeta,
  FlushReport,
  Payload,
  RefuseReason,
} from './core/emitter';
export {
  addToCart,
  type CartArgs,
  ecommerceTransaction,
  type EcommerceTransactionArgs,
  ecommerceTransactionItem,
  type EcommerceTransactionItemArgs,
  removeFromCart,
  type TransactionItem,
} from './core/events/commerce';
export {
  cmpVisible,
  type CmpVisibleArgs,
  consentPreferences,
  type ConsentPreferencesArgs,
} from './core/events/consent';
export { applicationError, type ErrorArgs } from './core/events/error';
export type { EventArgs, Timestamp, TrackerEvent } from './core/events/event';
export { formChange, type FormChangeArgs, type FormElement, formSubmit, type FormSubmitArgs } from './core/events/form';
export {
  mobileScreenView,
  type MobileScreenViewArgs,
  pagePing,
  type PagePingArgs,
  pageView,
  type PageViewArgs,
  screenView,
  type ScreenViewArgs,
} from './core/events/page';
export {
  linkClick,
  type LinkClickArgs,
  selfDescribing,
  type SelfDescribingEventArgs,
  siteSearch,
  type SiteSearchArgs,
  timing,
  type TimingArgs,
} from './core/events/self-describing';
export { structEvent, type StructEventArgs } from './core/events/structured';
export type { Platform } from './core/protocol/fields';
export { fromPino, logger, type Logger, type LogLevel } from './core/logger';
export { type DefinedSchema, defineSchema } from './core/protocol/define-schema';
export {
  type IgluUri,
  type SelfDescribing,
  SelfDescribingJson,
  type StandardSchema,
} from './core/protocol/self-describing-json';
export { Subject, type UserId } from './core/protocol/subject';
export type { TimeLimit } from './core/deadline';
export { RequestTracker, Tracker, type TrackerHealth, type TrackerOptions } from './core/tracker/tracker';
export type { TrackerStats } from './core/tracker/pipeline';
export type { EventInfo } from './core/tracker/request-context';
export { Tracking } from './core/tracker/tracking';
export { createTracker, type CreateTrackerOptions } from './create-tracker';
export { AsyncEmitter, Emitter } from './delivery/emitter';
export type { EventStore, Lease, StoreListener, TakeLimits } from './delivery/store/event-store';
export { decodeEvent } from './delivery/store/foreign-event';
export { MemoryEventStore, type MemoryStoreOptions } from './delivery/store/memory-store';
export type {
  AsyncEmitterOptions,
  BufferOptions,
  DispatcherLike,
  EmitterOptions,
  FailureInfo,
} from './delivery/options';
export type { Failure, Outcome, Transport } from './delivery/transport';
export { TransportEmitter, type TransportEmitterOptions } from './delivery/transport-emitter';
export type { MiddlewareOptions, RequestOptions } from './middleware/options';
export { Snowplow } from './registry';
export {
  closeOnShutdown,
  type CloseOnShutdownOptions,
  type ServerLike,
  type ShutdownOptions,
} from './middleware/shutdown';
