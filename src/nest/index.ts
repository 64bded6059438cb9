// The entry point `snowplow-middleware/nest`: a module for Nest 10, 11 and 12.
// Layer 4, above express/ and fastify/: it mounts what their entry points are made of.
// Next: snowplow.module.ts; mount.ts, how a request gets its tracker; decorators/, what is declared, and tracked at its end.
import './installed';
import type { RequestTracker } from '../core/tracker/tracker';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how Express has its request extended
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
