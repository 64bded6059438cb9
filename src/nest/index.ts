// The entry point `snowplow-middleware/nest`: a module for Nest 10, 11 and 12.
// Layer 4, above express/ and fastify/, whose parts it mounts.
// Next: snowplow.module.ts; mount.ts sets a request's tracker; decorators/ declares events and tracks them at the request's end.
import './installed';
import type { RequestTracker } from '../core/tracker/tracker';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Express's request
  namespace Express {
    interface Request {
      /** Tracks for the visitor of this request. */
      tracker: RequestTracker;
    }
  }
}

export {
  type NestRequest,
  TrackEvent,
  TrackPageView,
  TrackScreenView,
  TrackSelfDescribingEvent,
  TrackStructEvent,
  type TrackContext,
  type Tracked,
} from './decorators/decorators';
export type {
  NestResponse,
  SnowplowExtras,
  SnowplowModuleAsyncOptions,
  SnowplowModuleOptions,
  SnowplowOptions,
  SnowplowOptionsFactory,
} from './options';
export { SnowplowMiddleware } from './snowplow.middleware';
export { SnowplowModule } from './snowplow.module';
export { getTrackerToken, InjectTracker } from './tokens';
export { TrackerService } from './tracker.service';
